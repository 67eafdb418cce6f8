//! The error of this crate.

use codelupe_core::error::Cause;

codelupe_core::coded_error! {
    /// A question could not be answered.
    pub struct Error;
    /// Why a question could not be answered.
    pub enum ErrorKind {
        /// A configuration value is not valid.
        Config = Validation,
        /// The data folder or the catalogue failed.
        Store = Storage,
        /// There is nothing yet to ask about.
        Nothing = NotFound,
        /// What was asked about is not known.
        Unknown = NotFound,
        /// A defect in this program.
        Internal = Internal,
    }
}

impl Error {
    /// An error that only a defect of this program causes.
    pub(crate) fn defect(source: impl Into<Cause>) -> Self {
        Self::new(ErrorKind::Internal, "a question was broken off").with_source(source)
    }

    /// The LSH index failed: one that is damaged, or was made by other parameters, can be made anew.
    pub fn lsh(error: codelupe_catalogue::Error) -> Self {
        use codelupe_catalogue::ErrorKind::{LshCorrupt, LshParameters};
        let context = match error.kind() {
            LshCorrupt | LshParameters => "the LSH index cannot be used; codelupe dedup --rebuild makes it anew",
            _ => "the LSH index failed",
        };
        Self::caused_by(ErrorKind::Store, context, error)
    }
}

impl From<codelupe_catalogue::Error> for Error {
    fn from(error: codelupe_catalogue::Error) -> Self {
        match error.kind() {
            codelupe_catalogue::ErrorKind::NotFound => Self::like(ErrorKind::Unknown, error),
            _ => Self::caused_by(ErrorKind::Store, "the catalogue failed", error),
        }
    }
}

impl From<codelupe_corpus::Error> for Error {
    fn from(error: codelupe_corpus::Error) -> Self {
        Self::caused_by(ErrorKind::Store, "the data folder failed", error)
    }
}

impl From<codelupe_process::Error> for Error {
    fn from(error: codelupe_process::Error) -> Self {
        Self::caused_by(ErrorKind::Config, "processing cannot be set up", error)
    }
}

impl From<codelupe_dedup::Error> for Error {
    fn from(error: codelupe_dedup::Error) -> Self {
        Self::caused_by(ErrorKind::Config, "deduplication cannot be set up", error)
    }
}
