//! What can go wrong with an index.

use std::io;
use std::path::Path;

use codelupe_core::{error::ErrorCode, text::display_path};
use tantivy::TantivyError;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};

codelupe_core::coded_error! {
    /// Building, opening or searching an index failed.
    pub struct Error;
    /// What kind of failure it is.
    pub enum ErrorKind {
        /// No index was ever built in the folder.
        Missing = NotFound,
        /// The index was written by a program with another index format.
        UnknownFormat = CorruptStore,
        /// A file of the index is damaged or gone.
        Corrupt = CorruptStore,
        /// Another process builds an index in the same folder.
        Locked = Conflict,
        /// No space is left on the disk.
        DiskFull = DiskFull,
        /// The operating system refused access.
        Permission = Permission,
        /// Reading or writing failed in another way.
        Io = Storage,
        /// A defect in this crate or in the engine below it.
        Internal = Internal,
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}

impl Error {
    /// A failure of the engine; `doing` continues "cannot".
    pub(crate) fn engine(doing: &str, path: &Path, source: TantivyError) -> Self {
        let context = format!("cannot {doing} the search index in `{}`", display_path(path));
        match system_error(&source) {
            Some(error) => {
                let code = ErrorCode::of_own_io(error);
                Self::new(ErrorKind::of_code(code), context).with_code(code)
            }
            None => Self::new(engine_kind(&source), context),
        }
        .with_source(source)
    }
}

/// The error of the operating system below one of the engine.
fn system_error(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(error)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: error, .. })
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error: error, .. }) => Some(error),
        _ => None,
    }
}

fn engine_kind(error: &TantivyError) -> ErrorKind {
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::SchemaError(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::OpenDirectoryError(_)
        | TantivyError::OpenReadError(_) => ErrorKind::Corrupt,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_below_the_engine_keeps_its_code() {
        let check = |kind: io::ErrorKind, expected| {
            let error = Error::engine("open", Path::new("x"), TantivyError::from(io::Error::from(kind)));
            assert_eq!((error.kind(), error.code()), expected, "{kind}");
        };
        check(
            io::ErrorKind::PermissionDenied,
            (ErrorKind::Permission, ErrorCode::Permission),
        );
        check(io::ErrorKind::StorageFull, (ErrorKind::DiskFull, ErrorCode::DiskFull));
        check(io::ErrorKind::NotFound, (ErrorKind::Io, ErrorCode::Storage));
    }
}
