//! What can go wrong with an index.

use std::io;
use std::path::Path;
use std::sync::Arc;

use codelupe_core::{error::ErrorCode, text::display_path};
use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

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
        let Some(error) = system_error(&source) else {
            return Self::new(engine_kind(&source), context).with_source(source);
        };
        // The engine would say the same, in the form of its own values.
        let code = ErrorCode::of_own_io(error);
        Self::new(ErrorKind::of_code(code), context)
            .with_code(code)
            .with_source(Arc::clone(error))
    }
}

/// The error of the operating system below one of the engine.
fn system_error(error: &TantivyError) -> Option<&Arc<io::Error>> {
    match error {
        TantivyError::IoError(error)
        | TantivyError::LockFailure(LockError::IoError(error), _)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: error, .. })
        | TantivyError::OpenDirectoryError(
            OpenDirectoryError::IoError { io_error: error, .. } | OpenDirectoryError::FailedToCreateTempDir(error),
        ) => Some(error),
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
        TantivyError::LockFailure(LockError::LockBusy, _) => ErrorKind::Locked,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::path::PathBuf;

    use super::*;

    /// Every way in which the engine wraps an error of the operating system.
    fn wrapped(kind: io::ErrorKind) -> [TantivyError; 6] {
        let error = || io::Error::from(kind);
        let path = || PathBuf::from("x");
        [
            error().into(),
            TantivyError::LockFailure(LockError::wrap_io_error(error()), Some("a lock".to_owned())),
            OpenReadError::wrap_io_error(error(), path()).into(),
            OpenWriteError::wrap_io_error(error(), path()).into(),
            OpenDirectoryError::wrap_io_error(error(), path()).into(),
            OpenDirectoryError::FailedToCreateTempDir(Arc::new(error())).into(),
        ]
    }

    #[test]
    fn an_error_of_the_system_below_the_engine_keeps_its_code_and_its_words() {
        let check = |kind: io::ErrorKind, expected| {
            for source in wrapped(kind) {
                let error = Error::engine("open", Path::new("x"), source);
                assert_eq!((error.kind(), error.code()), expected, "{error:?}");
                assert_eq!(error.to_string(), "cannot open the search index in `x`");
                let source = error.source().unwrap();
                assert_eq!(source.to_string(), io::Error::from(kind).to_string());
            }
        };
        check(
            io::ErrorKind::PermissionDenied,
            (ErrorKind::Permission, ErrorCode::Permission),
        );
        check(io::ErrorKind::StorageFull, (ErrorKind::DiskFull, ErrorCode::DiskFull));
        check(io::ErrorKind::NotFound, (ErrorKind::Io, ErrorCode::Storage));
    }

    #[test]
    fn a_lock_that_another_process_holds_is_in_the_way() {
        let busy = TantivyError::LockFailure(LockError::LockBusy, None);
        let error = Error::engine("open", Path::new("x"), busy);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Locked, ErrorCode::Conflict));
    }
}
