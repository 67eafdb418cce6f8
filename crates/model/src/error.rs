//! The error of this crate.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use codelupe_core::{ErrorCode, text::display_name};

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// Something that cannot be done with a model, with what it was about.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or a setting is not valid.
    Invalid,
    /// A model or an adapter of a kind that is not built in.
    Unsupported,
    /// A file of a model, an adapter or a state is damaged.
    Corrupt,
    /// Things that do not belong together: an adapter and another base, a state and another trainer.
    Mismatch,
    /// A file is not there.
    NotFound,
    /// The operating system refused access.
    Permission,
    /// The disk, or the quota, is full.
    DiskFull,
    /// Reading or writing a file failed otherwise.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    pub(crate) fn invalid(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, context)
    }

    /// A damaged file, with what is wrong in it.
    pub(crate) fn corrupt(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, format!("`{}`: {what}", shown(path)))
    }

    /// A damaged file, with the error of its parser.
    pub(crate) fn unreadable(path: &Path, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind: ErrorKind::Corrupt,
            context: format!("`{}` is damaged", shown(path)),
            source: Some(source.into()),
        }
    }

    /// Wraps an I/O error with what was done to which path.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Permission,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
            _ => ErrorKind::Io,
        };
        Self {
            kind,
            context: format!("cannot {doing} `{}`", shown(path)),
            source: Some(Box::new(source)),
        }
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of this error.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Mismatch => ErrorCode::Validation,
            ErrorKind::Corrupt => ErrorCode::CorruptInput,
            ErrorKind::NotFound => ErrorCode::NotFound,
            ErrorKind::Permission => ErrorCode::Permission,
            ErrorKind::DiskFull => ErrorCode::DiskFull,
            ErrorKind::Io => ErrorCode::Storage,
        }
    }
}

/// A path as it is shown to a reader.
pub(crate) fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_io_errors() {
        let error = |kind| Error::io("write", Path::new("x"), io::Error::from(kind)).code();
        assert_eq!(error(io::ErrorKind::StorageFull), ErrorCode::DiskFull);
        assert_eq!(error(io::ErrorKind::NotFound), ErrorCode::NotFound);
        assert_eq!(error(io::ErrorKind::BrokenPipe), ErrorCode::Storage);
    }
}
