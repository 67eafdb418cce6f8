//! From a finished file or folder to its place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder::children;

/// Where something is written before it gets its place: `.NAME.partial` beside it.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

/// Whether a name is one of [`partial`].
pub fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// Moves a finished file or folder to its place and makes the move durable. Its content must be synced already.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`; it is at its old place then, or at the new one without being durable.
pub fn publish(from: &Path, to: &Path) -> Result<(), Error> {
    rename(from, to)?;
    sync_parent(to)
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| Error::own_io("rename a finished file to", to, error))
}

/// Makes the content of a file, or the names in a folder, durable.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`.
pub fn sync(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::own_io("make durable", path, error))
}

/// Makes a folder durable with everything in it.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`.
pub fn sync_all(folder: &Path) -> Result<(), Error> {
    for path in children(folder)? {
        if path.is_dir() { sync_all(&path) } else { sync(&path) }?;
    }
    sync(folder)
}

fn sync_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

/// Moves a finished folder to its place, replacing what was there, and makes all of it durable.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`; the folder is at its old place then, or at the new one without being durable.
pub fn publish_folder(from: &Path, to: &Path) -> Result<(), Error> {
    sync_all(from)?;
    remove(to)?;
    publish(from, to)
}

/// Removes what could not be finished. A failure to do so is ignored: the error that stopped the work is the one to report,
/// and the next writer overwrites what is left.
pub(crate) fn forget(path: &Path) {
    let _ = remove(path);
}

/// Removes a file, or a folder with all it holds, if it is there. A link is removed, never followed.
///
/// # Errors
/// `Permission` or `Io`.
pub fn remove(path: &Path) -> Result<(), Error> {
    let removed = fs::symlink_metadata(path).and_then(|found| {
        if found.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    });
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::own_io("remove", path, error)),
        _ => Ok(()),
    }
}
