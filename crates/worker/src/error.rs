//! The error of this crate.

use codelupe_core::error::Coded;

codelupe_core::coded_error! {
    /// A job could not be done, enqueued or settled.
    pub struct Error;
    /// Why a worker cannot go on.
    pub enum ErrorKind {
        /// A payload is of another version, or cannot be read, or no stage does its kind of job.
        Job = Validation,
        /// The data folder or the catalogue failed.
        Store = Storage,
        /// A stage failed; the code is that of its error.
        Stage = Internal,
        /// A job of the run ended badly elsewhere.
        Elsewhere = CorruptStore,
        /// The user stopped the work.
        Canceled = Canceled,
        /// A defect in this program.
        Internal = Internal,
    }
}

impl Error {
    pub(crate) fn canceled() -> Self {
        Self::new(ErrorKind::Canceled, "stopped; the same command goes on from here")
    }

    /// The error that a stage ended with, in its own words.
    pub(crate) fn of_stage(error: impl Coded) -> Self {
        Self::like(ErrorKind::Stage, error)
    }
}

impl From<codelupe_catalogue::Error> for Error {
    fn from(error: codelupe_catalogue::Error) -> Self {
        Self::caused_by(ErrorKind::Store, "the catalogue failed", error)
    }
}

impl From<codelupe_corpus::Error> for Error {
    fn from(error: codelupe_corpus::Error) -> Self {
        Self::caused_by(ErrorKind::Store, "the data folder failed", error)
    }
}
