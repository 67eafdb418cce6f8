//! Where a content's record stands, as the database says it.

use std::num::TryFromIntError;

use codelupe_core::Location;
use sqlx::FromRow;

/// The columns of a [`Location`].
#[derive(Debug, FromRow)]
pub(crate) struct LocationColumns {
    segment_id: i64,
    segment_row: i64,
}

impl TryFrom<LocationColumns> for Location {
    type Error = TryFromIntError;

    fn try_from(columns: LocationColumns) -> Result<Self, Self::Error> {
        Ok(Self {
            segment: columns.segment_id,
            row: u32::try_from(columns.segment_row)?,
        })
    }
}
