//! Opening a located repository, by the reader of its kind.

use codelupe_core::text::display_path;

use crate::error::Error;
use crate::folder::{self, FolderSnapshot};
use crate::git::{self, GitSnapshot};
use crate::limits::Limits;
use crate::located::{Kind, Located};
use crate::snapshot::Snapshot;

/// Opens a located repository and lists it.
///
/// Contents are not read. Cost: git, one read of each tree object of `HEAD`; folder, one `lstat` per file.
///
/// # Errors
/// The repository as a whole cannot be used: see [`ErrorKind`](crate::ErrorKind).
pub fn open(located: &Located, limits: &Limits) -> Result<Box<dyn Snapshot>, Error> {
    limits.validate()?;
    tracing::debug!(repository = %located.name, path = %display_path(&located.path), kind = %located.kind, "open");
    Ok(match located.kind {
        Kind::Git => Box::new(GitSnapshot::open(located, limits)?),
        Kind::Folder | Kind::Crate => Box::new(FolderSnapshot::open(located, limits)?),
    })
}

/// What [`Repository::revision`](codelupe_core::Repository) of [`open`] would be, without listing a git repository: its `HEAD` commit.
///
/// For folders it takes the walk that `open` does, but reads no file. Equal revisions mean that nothing needs to be done.
///
/// # Errors
/// As [`open`], as far as it gets.
pub fn revision(located: &Located, limits: &Limits) -> Result<String, Error> {
    limits.validate()?;
    match located.kind {
        Kind::Git => git::revision(located),
        Kind::Folder | Kind::Crate => folder::revision(located, limits),
    }
}
