//! An artifact as files of this machine.

use std::path::{Path, PathBuf};

use codelupe_disk::Lock;

/// An artifact as a folder of this machine, which stays as it is until this is dropped.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
    _pin: Option<Lock>,
}

impl Staged {
    /// A folder that needs no staging: of the data folder, or of somebody else.
    pub fn here(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            _pin: None,
        }
    }

    /// A folder of the cache, which stays as long as the lock is held.
    pub(crate) fn pinned(folder: PathBuf, pin: Lock) -> Self {
        Self {
            folder,
            _pin: Some(pin),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}
