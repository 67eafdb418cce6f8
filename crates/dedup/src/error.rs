//! The error of this crate.

use codelupe_core::ErrorCode;

/// Something that cannot be done, with what it was about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{context}: {kind}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A shingle size of zero or over [`crate::shingle::MAX_SHINGLE_SIZE`].
    #[error("a shingle is 1 to 32 tokens long")]
    ShingleSize,
    /// Bands and rows that are zero or need more values than a signature has.
    #[error("bands times rows must be 1 to 256")]
    Banding,
    /// Bands and rows that need more values than the configured signatures have.
    #[error("bands times rows must be at most the permutations")]
    BandingRoom,
    /// A number of values that a signature cannot have.
    #[error("a signature has 64, 128, 192 or 256 values")]
    SignaturePermutations,
    /// A threshold outside (0, 1].
    #[error("a Jaccard threshold is over 0 and at most 1")]
    Threshold,
    /// Stored bytes that are not a signature.
    #[error("a signature is 256, 512, 768 or 1024 bytes")]
    SignatureBytes,
    /// More documents than a 32-bit number can name.
    #[error("at most 4294967295 documents fit in one table")]
    TooManyDocuments,
    /// A number of permutations of zero or over [`crate::datasketch::MAX_PERMUTATIONS`].
    #[error("the number of permutations must be 1 to 65536")]
    Permutations,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
        }
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of this error.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::ShingleSize
            | ErrorKind::Banding
            | ErrorKind::BandingRoom
            | ErrorKind::SignaturePermutations
            | ErrorKind::Threshold
            | ErrorKind::TooManyDocuments
            | ErrorKind::Permutations => ErrorCode::Validation,
            ErrorKind::SignatureBytes => ErrorCode::CorruptStore,
        }
    }
}
