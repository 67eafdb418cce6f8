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

/// The files in a folder and those below it, each by its path from there, in order. A link counts as a file.
///
/// # Errors
/// `Permission` or `Io`.
pub fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in children(&next)? {
            let found = fs::symlink_metadata(&path).map_err(|error| Error::own_io("look at", &path, error))?;
            if found.is_dir() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}
