//! What can go wrong on the way from files to rows of tokens.

use std::io;
use std::path::Path;

use codelupe_core::{ErrorCode, text::display_name};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Tokenizing, sampling, or writing or reading a dataset failed.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    #[source]
    source: Option<Source>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is outside of its range, or needs a special token that the tokenizer lacks.
    Config,
    /// A file or folder that must be there is not.
    Missing,
    /// A tokenizer that is not byte-level BPE, or one that cannot be read.
    Tokenizer,
    /// The tokenizer's vocabulary is not the one of the model.
    Vocabulary,
    /// The documents are not sorted by repository and path.
    Unsorted,
    /// The documents could not be read from where they come from.
    Documents,
    /// There is a dataset in the folder, made from other inputs.
    OtherDataset,
    /// The dataset was written by a program with another format.
    UnknownFormat,
    /// A file of the dataset is damaged or cut short.
    Corrupt,
    /// No space is left on the disk.
    DiskFull,
    /// The operating system refused access.
    Permission,
    /// Reading or writing failed in another way.
    Io,
}

impl Error {
    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of the failure.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::Config | ErrorKind::Vocabulary | ErrorKind::Unsorted => ErrorCode::Validation,
            ErrorKind::Missing => ErrorCode::NotFound,
            ErrorKind::Tokenizer => ErrorCode::CorruptInput,
            ErrorKind::OtherDataset => ErrorCode::Conflict,
            ErrorKind::UnknownFormat | ErrorKind::Corrupt => ErrorCode::CorruptStore,
            ErrorKind::DiskFull => ErrorCode::DiskFull,
            ErrorKind::Permission => ErrorCode::Permission,
            ErrorKind::Documents | ErrorKind::Io => ErrorCode::Storage,
        }
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    pub(crate) fn with(kind: ErrorKind, context: impl Into<String>, source: impl Into<Source>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: Some(source.into()),
        }
    }

    /// An input or output error on `path`; `doing` continues "cannot".
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self::with(io_kind(&source), format!("cannot {doing} `{}`", shown(path)), source)
    }
}

/// A path made safe to print.
pub(crate) fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::Missing,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Permission,
        _ => ErrorKind::Io,
    }
}
