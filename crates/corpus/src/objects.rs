//! The store behind keys: a folder on this machine, or a bucket that many machines share.

#[cfg(feature = "object-store")]
mod bucket;
mod folder;
mod url;

use std::fmt::Debug;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

#[cfg(feature = "object-store")]
pub use bucket::open_store;
pub(crate) use folder::Folder;
pub use url::{Provider, StoreUrl};

use crate::error::Error;
use crate::key::{Key, Prefix};

/// Objects by key. Every call blocks until it is done: stages are blocking threads, and none of them calls from inside of a
/// rayon pool, whose other work would wait with it.
///
/// An object is there whole or not at all, and durably so when a call that put it returns.
pub trait Objects: Debug + Send + Sync {
    /// How people know the place of a key's or prefix's text, or of the store itself for an empty one: a path, or an address
    /// without credentials.
    fn place(&self, name: &str) -> String;

    /// The file that an object is, where objects are files.
    fn file(&self, key: &Key) -> Option<PathBuf>;

    /// Makes what has to be there before the first object is put.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`.
    fn prepare(&self) -> Result<(), Error>;

    /// All bytes of an object.
    ///
    /// # Errors
    /// `NotFound`; `Permission` or `Io` of a folder; `Auth`, `NoBucket`, `Network`, `Timeout` or `Unavailable` of a bucket.
    fn get(&self, key: &Key) -> Result<Bytes, Error>;

    /// Ranges of an object's bytes, in their order; each is one request.
    ///
    /// # Errors
    /// As [`Self::get`]; `Corrupt` when a range goes beyond the object.
    fn get_ranges(&self, key: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error>;

    /// The size of an object in bytes, and when it was put.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn head(&self, key: &Key) -> Result<Head, Error>;

    /// Puts an object unless there is one of that key; false if there is. Of many that do so at the same time one succeeds;
    /// in a folder, as long as they hold its lock.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io` of a folder; `Auth`, `NoBucket`, `Network`, `Timeout` or `Unavailable` of a bucket.
    fn put_if_absent(&self, key: &Key, content: &[u8]) -> Result<bool, Error>;

    /// Puts a file of this machine, over an object of that key; the file itself is gone then.
    ///
    /// # Errors
    /// As [`Self::put_if_absent`]. The file is still there then.
    fn put_file(&self, key: &Key, file: &Path) -> Result<(), Error>;

    /// Puts all files of a folder under a prefix, the one called `last` after all others, which is what makes them count; what
    /// else was under the prefix is gone then, and so is the folder.
    ///
    /// # Errors
    /// As [`Self::put_if_absent`]. The folder is still there then.
    fn put_folder(&self, prefix: &Prefix, folder: &Path, last: &str) -> Result<(), Error>;

    /// What is under a prefix, in no order.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, Error>;

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn delete(&self, key: &Key) -> Result<(), Error>;
}

/// Bytes read at once.
const PART_BYTES: u64 = 16 << 20;

/// Hands the content of an object of so many bytes to `each`, in parts.
///
/// # Errors
/// As [`Objects::get_ranges`]; those of `each`.
pub(crate) fn in_parts(
    objects: &dyn Objects,
    key: &Key,
    bytes: u64,
    mut each: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut start = 0;
    while start < bytes {
        let end = bytes.min(start + PART_BYTES);
        for part in objects.get_ranges(key, std::slice::from_ref(&(start..end)))? {
            each(&part)?;
        }
        start = end;
    }
    Ok(())
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its size.
    pub bytes: u64,
    /// When it was put, by the clock of the store.
    pub put_at: SystemTime,
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name below the prefix.
    pub name: String,
    /// What is known of it.
    pub head: Head,
}
