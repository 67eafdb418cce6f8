//! What can go wrong with an index.

use std::io;
use std::path::Path;

use codelupe_core::{ErrorCode, text::display_name};
use tantivy::TantivyError;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};

/// Building, opening or searching an index failed.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No index was ever built in the folder.
    Missing,
    /// The index was written by a program with another index format.
    UnknownFormat,
    /// A file of the index is damaged or gone.
    Corrupt,
    /// Another process builds an index in the same folder.
    Locked,
    /// No space is left on the disk.
    DiskFull,
    /// The operating system refused access.
    Permission,
    /// Reading or writing failed in another way.
    Io,
    /// A defect in this crate or in the engine below it.
    Internal,
}

impl Error {
    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of the failure.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::Missing => ErrorCode::NotFound,
            ErrorKind::UnknownFormat | ErrorKind::Corrupt => ErrorCode::CorruptStore,
            ErrorKind::Locked => ErrorCode::Conflict,
            ErrorKind::DiskFull => ErrorCode::DiskFull,
            ErrorKind::Permission => ErrorCode::Permission,
            ErrorKind::Io => ErrorCode::Storage,
            ErrorKind::Internal => ErrorCode::Internal,
        }
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    /// An input or output error on `path`; `doing` continues "cannot".
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self {
            kind: io_kind(&source),
            context: format!("cannot {doing} `{}`", shown(path)),
            source: Some(Box::new(source)),
        }
    }

    /// A failure of the engine; `doing` continues "cannot".
    pub(crate) fn engine(doing: &str, path: &Path, source: TantivyError) -> Self {
        Self {
            kind: engine_kind(&source),
            context: format!("cannot {doing} the search index in `{}`", shown(path)),
            source: Some(Box::new(source)),
        }
    }
}

/// A path made safe to print.
pub(crate) fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Permission,
        _ => ErrorKind::Io,
    }
}

fn engine_kind(error: &TantivyError) -> ErrorKind {
    match error {
        TantivyError::IoError(io_error)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. })
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error, .. }) => io_kind(io_error),
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
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_message_names_the_path_and_leaves_the_cause_to_the_source() {
        let full = io::Error::new(io::ErrorKind::StorageFull, "cause");
        let error = Error::io("write", Path::new("a\nb"), full);
        assert_eq!(error.to_string(), "cannot write `a\\u{a}b`");
        assert_eq!(error.code(), ErrorCode::DiskFull);
        assert_eq!(error.source().unwrap().to_string(), "cause");
    }

    #[test]
    fn a_refused_file_below_the_engine_is_a_matter_of_permission() {
        let refused = TantivyError::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(
            Error::engine("open", Path::new("x"), refused).kind(),
            ErrorKind::Permission
        );
    }
}
