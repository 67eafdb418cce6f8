//! The error of this crate.

use codelupe_core::error::ErrorCode;
use parquet::errors::ParquetError;

codelupe_core::coded_error! {
    /// Something went wrong with a segment, a build or the data folder.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// The disk, or the quota of the data folder, is full.
        DiskFull = DiskFull,
        /// What is in the store is larger than the bound of the cache of this machine, or than what others leave of it.
        CacheFull = DiskFull,
        /// The operating system refused access.
        Permission = Permission,
        /// Reading or writing a file failed otherwise.
        Io = Storage,
        /// What was asked for is not there.
        NotFound = NotFound,
        /// Stored data is damaged, or of a version that this program does not know.
        Corrupt = CorruptStore,
        /// The folder or the store belongs to somebody else.
        Conflict = Conflict,
        /// What was to be made outside of the data folder is there already, or cannot be.
        Target = Conflict,
        /// A file that somebody named is not there, or not of the form that it is read for.
        Foreign = CorruptStore,
        /// An argument is not valid.
        Invalid = Validation,
        /// A store refused the credentials, or there were none.
        Auth = Auth,
        /// A store has no bucket of that name.
        NoBucket = NotFound,
        /// A store was not reached, or the connection broke off, more often than it was tried again.
        Network = Network,
        /// A store took too long.
        Timeout = Timeout,
        /// A store is overloaded, or fails, more often than it was tried again.
        Unavailable = Unavailable,
    }
}

impl Error {
    /// Wraps an error of the Parquet library, which hides I/O errors in its chain; but those of a writer's `into_inner` in its
    /// text, so that writers are ended by `finish`.
    pub(crate) fn parquet(doing: &str, place: &str, source: ParquetError) -> Self {
        let code = ErrorCode::of_io_in(&source).unwrap_or(ErrorCode::CorruptStore);
        let kind = ErrorKind::of_code(code);
        Self::new(kind, format!("cannot {doing} `{place}`")).with_source(source)
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}
