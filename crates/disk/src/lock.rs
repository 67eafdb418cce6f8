//! Locks on files: they hold until they are dropped or the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A lock on a file, which is created if it is missing and never removed.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock exclusively; `None` while others hold it.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`.
    pub fn try_alone(path: &Path) -> Result<Option<Self>, Error> {
        let lock = Self::open(path)?;
        match lock.file.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::own_io("lock", path, error)),
        }
    }

    /// Waits until nobody holds the lock, and takes it exclusively.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`.
    pub fn alone(path: &Path) -> Result<Self, Error> {
        let lock = Self::open(path)?;
        lock.file.lock().map_err(|error| Error::own_io("lock", path, error))?;
        Ok(lock)
    }

    /// Takes the lock shared; waits while another holds it exclusively.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`.
    pub fn shared(path: &Path) -> Result<Self, Error> {
        let mut lock = Self::open(path)?;
        lock.share()?;
        Ok(lock)
    }

    /// Makes an exclusive lock a shared one.
    ///
    /// # Errors
    /// `Io` when the lock cannot be changed.
    pub fn share(&mut self) -> Result<(), Error> {
        self.file
            .lock_shared()
            .map_err(|error| Error::own_io("lock", &self.path, error))
    }

    fn open(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(path);
        Ok(Self {
            file: file.map_err(|error| Error::own_io("open", path, error))?,
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_or_many_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut alone = Lock::try_alone(&path).unwrap().unwrap();
        assert!(Lock::try_alone(&path).unwrap().is_none());
        alone.share().unwrap();
        let other = Lock::shared(&path).unwrap();
        assert!(Lock::try_alone(&path).unwrap().is_none());
        drop((alone, other));
        assert!(Lock::try_alone(&path).unwrap().is_some());
    }
}
