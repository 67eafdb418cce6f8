//! Signatures out of the segments.

use std::collections::HashMap;

use codelupe_core::{ErrorCode, Location};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::Signature;

use crate::error::{Error, ErrorKind};

/// Calls `each` with the place in `locations` of every content, and its signature unless it is too short for one.
///
/// # Errors
/// `Store` when a segment cannot be read or lacks something; the first error of `each`.
pub(crate) fn signatures(
    reader: &mut SegmentReader,
    locations: impl Iterator<Item = Location>,
    mut each: impl FnMut(usize, Option<&Signature>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut by_segment: HashMap<i64, Vec<(u32, usize)>> = HashMap::new();
    for (place, location) in locations.enumerate() {
        by_segment
            .entry(location.segment)
            .or_default()
            .push((location.row, place));
    }
    let mut segments: Vec<_> = by_segment.into_iter().collect();
    segments.sort_unstable_by_key(|(segment, _)| *segment);
    for (segment, mut rows) in segments {
        rows.sort_unstable();
        let mut wanted = rows.into_iter().peekable();
        let mut outcome = Ok(());
        reader.signatures(segment, |row, bytes| {
            while let Some((_, place)) = wanted.next_if(|(wanted, _)| *wanted == row) {
                if outcome.is_ok() {
                    outcome = decode(segment, bytes).and_then(|signature| each(place, signature.as_ref()));
                }
            }
        })?;
        outcome?;
        if wanted.next().is_some() {
            return Err(damaged(segment));
        }
    }
    Ok(())
}

fn decode(segment: i64, bytes: Option<&[u8]>) -> Result<Option<Signature>, Error> {
    bytes
        .map(|bytes| Signature::try_from(bytes).map_err(|_| damaged(segment)))
        .transpose()
}

fn damaged(segment: i64) -> Error {
    let context = format!("segment {segment} does not hold the signatures that the catalogue says");
    Error::new(ErrorKind::Store, context).with_code(ErrorCode::CorruptStore)
}
