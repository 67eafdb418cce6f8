//! The error of this crate.

use std::error::Error as StdError;
use std::time::Duration;

use codelupe_core::ErrorCode;

/// A stage could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    code: ErrorCode,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Which part a stage could not go on for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration value is not valid.
    Config,
    /// A source could not be read at all.
    Source,
    /// The data folder or the catalogue failed.
    Store,
    /// The search index failed.
    Search,
    /// A job of the run ended badly elsewhere.
    Job,
    /// There is nothing to work on.
    Nothing,
    /// The user stopped the work.
    Canceled,
    /// A defect in this program.
    Internal,
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

    /// A forge did not do what it was asked for: what a [`Listing`](crate::crawl::Listing) fails with.
    pub fn forge(code: ErrorCode, context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Source, code, context)
    }

    pub(crate) fn canceled() -> Self {
        Self::new(
            ErrorKind::Canceled,
            ErrorCode::Canceled,
            "stopped; the same command goes on from here",
        )
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

    /// How long a forge asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.source
            .as_deref()?
            .downcast_ref::<codelupe_forge::Error>()?
            .retry_after()
    }

    /// The stable code, that of the part that failed.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }
}

impl Error {
    /// The LSH index failed: one that is damaged, or was made by other parameters, can be made anew.
    pub(crate) fn lsh(error: codelupe_catalogue::Error) -> Self {
        use codelupe_catalogue::ErrorKind::{Corrupt, LshParameters};
        let context = match error.kind() {
            Corrupt | LshParameters => "the LSH index cannot be used; codelupe dedup --rebuild makes it anew",
            _ => "the LSH index failed",
        };
        Self::wrap(ErrorKind::Store, error.code(), context, error)
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

impl From<codelupe_forge::Error> for Error {
    fn from(error: codelupe_forge::Error) -> Self {
        Self::wrap(ErrorKind::Source, error.code(), "a source cannot be read", error)
    }
}

impl From<codelupe_process::Error> for Error {
    fn from(error: codelupe_process::Error) -> Self {
        Self::wrap(ErrorKind::Config, error.code(), "processing cannot be set up", error)
    }
}

impl From<codelupe_dedup::Error> for Error {
    fn from(error: codelupe_dedup::Error) -> Self {
        Self::wrap(ErrorKind::Config, error.code(), "deduplication cannot be set up", error)
    }
}

impl From<codelupe_search::Error> for Error {
    fn from(error: codelupe_search::Error) -> Self {
        Self::wrap(ErrorKind::Search, error.code(), "the search index failed", error)
    }
}
