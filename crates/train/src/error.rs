//! The error of this crate.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use codelupe_core::{ErrorCode, text::display_name};

/// Training cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    code: ErrorCode,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Which part training cannot go on for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is not valid.
    Config,
    /// The base model, an adapter or a tokenizer cannot be used.
    Model,
    /// There is no build, or nothing in it to learn.
    Nothing,
    /// Samples cannot be made or read.
    Samples,
    /// The engine failed.
    Engine,
    /// The loss is not a number any more.
    Diverged,
    /// The data folder or the catalogue failed.
    Store,
    /// Another process trains in this data folder.
    Busy,
    /// The user stopped the work.
    Canceled,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, code: ErrorCode, context: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            context: context.into(),
            source: None,
        }
    }

    pub(crate) fn config(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, ErrorCode::Validation, context)
    }

    pub(crate) fn canceled() -> Self {
        Self::new(
            ErrorKind::Canceled,
            ErrorCode::Canceled,
            "stopped; `codelupe train` goes on from the last checkpoint",
        )
    }

    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let code = match source.kind() {
            io::ErrorKind::NotFound => ErrorCode::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorCode::Permission,
            _ => ErrorCode::Storage,
        };
        Self {
            kind: ErrorKind::Store,
            code,
            context: format!("cannot {doing} `{}`", shown(path)),
            source: Some(Box::new(source)),
        }
    }

    /// A file of ours that is not what it should be.
    pub(crate) fn damaged(path: &Path, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind: ErrorKind::Store,
            code: ErrorCode::CorruptStore,
            context: format!("`{}` is damaged", shown(path)),
            source: Some(source.into()),
        }
    }

    fn wrap(kind: ErrorKind, code: ErrorCode, context: &str, source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            kind,
            code,
            context: context.to_owned(),
            source: Some(Box::new(source)),
        }
    }

    /// Which part failed.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code, that of the part that failed.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The error with those that caused it, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<codelupe_catalogue::Error> for Error {
    fn from(error: codelupe_catalogue::Error) -> Self {
        Self::wrap(ErrorKind::Store, error.code(), "the catalogue failed", error)
    }
}

impl From<codelupe_corpus::Error> for Error {
    fn from(error: codelupe_corpus::Error) -> Self {
        Self::wrap(ErrorKind::Store, error.code(), "the data folder failed", error)
    }
}

impl From<codelupe_model::Error> for Error {
    fn from(error: codelupe_model::Error) -> Self {
        Self::wrap(ErrorKind::Model, error.code(), "the model cannot be used", error)
    }
}

impl From<codelupe_samples::Error> for Error {
    fn from(error: codelupe_samples::Error) -> Self {
        Self::wrap(
            ErrorKind::Samples,
            error.code(),
            "samples cannot be made or read",
            error,
        )
    }
}

/// A path as it is shown to a reader.
pub(crate) fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}
