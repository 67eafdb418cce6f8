//! Which LSH index is opened.

use std::path::Path;
use std::sync::Arc;

use codelupe_core::LshParameters;

use super::disk::{self, DiskIndex};
use super::memory::MemoryIndex;
use super::postgres::{self, PostgresIndex};
use super::{LshIndex, LshKind, invalid};
use crate::connect::Catalogue;
use crate::error::Error;
use crate::postgres::Postgres;

/// Opens the index made with `parameters`, or creates it. One of [`LshKind::Disk`] is in `folder` and does its reading and
/// writing on the blocking threads of the runtime.
///
/// # Errors
/// `LshParameters` when it was made by others; `Invalid` for one in PostgreSQL where the catalogue is not; `LshCorrupt`,
/// `DiskFull`, `Permission` or `Io` of the disk, or the database's own.
pub async fn open(
    kind: LshKind,
    folder: &Path,
    catalogue: &Catalogue,
    parameters: &LshParameters,
) -> Result<Arc<dyn LshIndex>, Error> {
    Ok(match kind {
        LshKind::Memory => Arc::new(MemoryIndex::new(parameters.clone())),
        LshKind::Disk => Arc::new(DiskIndex::open(folder.to_owned(), parameters).await?),
        LshKind::Postgres => Arc::new(PostgresIndex::open(Arc::clone(database(catalogue)?), parameters).await?),
    })
}

/// Empties an index, so that it can be made with other parameters. Open handles must not be used afterwards.
///
/// # Errors
/// `Invalid` for one in PostgreSQL where the catalogue is not; `Permission` or `Io` of the disk, or the database's own.
pub async fn reset(kind: LshKind, folder: &Path, catalogue: &Catalogue) -> Result<(), Error> {
    match kind {
        LshKind::Memory => Ok(()),
        LshKind::Disk => disk::reset(folder.to_owned()).await,
        LshKind::Postgres => postgres::reset(database(catalogue)?).await,
    }
}

/// The parameters that the index was made with; `None` if there is no index.
///
/// # Errors
/// `Invalid` for one in PostgreSQL where the catalogue is not; `LshCorrupt`, `Permission` or `Io` of the disk, or the
/// database's own.
pub async fn stored_parameters(
    kind: LshKind,
    folder: &Path,
    catalogue: &Catalogue,
) -> Result<Option<LshParameters>, Error> {
    match kind {
        LshKind::Memory => Ok(None),
        LshKind::Disk => disk::stored_parameters(folder.to_owned()).await,
        LshKind::Postgres => postgres::stored_parameters(database(catalogue)?).await,
    }
}

fn database(catalogue: &Catalogue) -> Result<&Arc<Postgres>, Error> {
    let context = "an LSH index in PostgreSQL needs a catalogue in PostgreSQL, and this one is a SQLite file";
    catalogue.postgres().ok_or_else(|| invalid(context.to_owned()))
}
