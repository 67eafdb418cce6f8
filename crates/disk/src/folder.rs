//! Creating and listing folders.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Creates a folder and its parents.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::own_io("make the folder", path, error))
}

/// The entries of a folder, in no particular order.
///
/// # Errors
/// `Permission` or `Io`.
pub fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|error| Error::own_io("read the folder", folder, error))
}
