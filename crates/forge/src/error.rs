//! What can go wrong with a whole source or a whole repository. A bad file is never an error: it gets a verdict.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use codelupe_core::{ErrorCode, text::display_name};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a source or a repository could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {kind}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Source>,
    retry_after: Option<Duration>,
}

/// The sort of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A source text or a limit that cannot be.
    #[error("not valid")]
    Invalid,
    /// The path does not exist.
    #[error("no such file or folder")]
    NotFound,
    /// The path is not a folder.
    #[error("not a folder")]
    NotAFolder,
    /// The operating system refused access to the whole repository.
    #[error("access refused")]
    Access,
    /// Reading the repository failed for another reason of the operating system.
    #[error("could not be read")]
    Io,
    /// More entries, or a larger listing, than [`Limits`](crate::Limits) allow. The whole repository is refused.
    #[error("too many entries")]
    TooManyEntries,
    /// A format that is not read: SHA-256 object ids or reftable.
    #[error("unsupported repository format")]
    Unsupported,
    /// The repository wants to read objects or references that lie outside of it: alternates, links, `commondir`.
    #[error("it reaches outside of its folder")]
    OutsideRepository,
    /// `HEAD`, its commit or its root tree is missing or damaged.
    #[error("damaged repository")]
    Corrupt,
    /// A forge was not reached, or the connection broke off.
    #[error("the network failed")]
    Network,
    /// A forge was silent, or slow, for too long.
    #[error("it took too long")]
    Timeout,
    /// A forge answered that it cannot now (status 5xx).
    #[error("the server cannot answer now")]
    Server,
    /// A forge's limit on requests is reached; [`Error::retry_after`] says for how long.
    #[error("the limit on requests is reached")]
    RateLimited,
    /// A forge wants credentials, or refused those it was given.
    #[error("the credentials were refused")]
    Auth,
    /// A forge refused the request for good.
    #[error("the server refuses it")]
    Refused,
    /// There is no such repository, or it is not public.
    #[error("there is no such repository")]
    Gone,
    /// The repository was taken down for legal reasons (status 451).
    #[error("it was taken down for legal reasons")]
    TakenDown,
    /// An answer is not what it should be.
    #[error("the answer is not understood")]
    Protocol,
    /// A redirect leads to another host, or around.
    #[error("the redirect is not followed")]
    Redirect,
    /// An answer or a repository is larger than its limit.
    #[error("it is too large")]
    TooLarge,
}

impl Error {
    /// The sort of this error.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code that exit status, metrics and API hang on.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::Invalid | ErrorKind::NotAFolder => ErrorCode::Validation,
            ErrorKind::NotFound | ErrorKind::Gone | ErrorKind::TakenDown => ErrorCode::NotFound,
            ErrorKind::Network | ErrorKind::Server => ErrorCode::Network,
            ErrorKind::Timeout => ErrorCode::Timeout,
            ErrorKind::RateLimited => ErrorCode::RateLimited,
            ErrorKind::Auth | ErrorKind::Refused => ErrorCode::Auth,
            ErrorKind::TooLarge => ErrorCode::PayloadTooLarge,
            ErrorKind::Access => ErrorCode::Permission,
            ErrorKind::Io
            | ErrorKind::TooManyEntries
            | ErrorKind::Unsupported
            | ErrorKind::OutsideRepository
            | ErrorKind::Protocol
            | ErrorKind::Redirect
            | ErrorKind::Corrupt => ErrorCode::CorruptInput,
        }
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
            retry_after: None,
        }
    }

    /// How long a forge asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An error of the operating system at `path`, with `note` on what was wanted there.
    pub(crate) fn io(path: &Path, note: impl fmt::Display, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::NotADirectory => ErrorKind::NotAFolder,
            io::ErrorKind::PermissionDenied => ErrorKind::Access,
            _ => ErrorKind::Io,
        };
        Self::new(kind, format!("{}: {note}", display_path(path))).with_source(source)
    }
}

/// A path of this machine on one harmless line.
pub(crate) fn display_path(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}
