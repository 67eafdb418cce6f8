//! The error of this crate: only building something can fail, never looking at a blob.

use std::error::Error as StdError;

use codelupe_core::ErrorCode;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is out of its range.
    InvalidConfig,
    /// Data compiled into the program cannot be read: a defect of CodeLupe.
    EmbeddedData,
}

/// Why a processor, detector or redactor could not be built.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `context` is one sentence for the reader.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::InvalidConfig => ErrorCode::Validation,
            ErrorKind::EmbeddedData => ErrorCode::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_leaves_the_source_to_the_chain() {
        let error = Error::new(ErrorKind::EmbeddedData, "facts are damaged").with_source("line 3");
        assert_eq!(error.to_string(), "facts are damaged");
        assert_eq!(error.source().map(ToString::to_string), Some("line 3".to_owned()));
        assert_eq!(error.code(), ErrorCode::Internal);
    }
}
