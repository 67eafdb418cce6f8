//! The error of this crate.

use codelupe_core::error::ErrorCode;

codelupe_core::coded_error! {
    /// A stage could not go on.
    pub struct Error;
    /// Why a stage could not go on.
    pub enum ErrorKind {
        /// A configuration value is not valid.
        Config = Validation,
        /// A source could not be read at all.
        Source = Validation,
        /// The data folder or the catalogue failed.
        Store = Storage,
        /// The search index failed.
        Search = Storage,
        /// A job of the run ended badly elsewhere.
        Job = CorruptStore,
        /// There is nothing to work on.
        Nothing = NotFound,
        /// The user stopped the work.
        Canceled = Canceled,
        /// A defect in this program.
        Internal = Internal,
    }
}

impl Error {
    /// A forge did not do what it was asked: the error of a [`Listing`](crate::crawl::Listing) fails with.
    pub fn forge(code: ErrorCode, context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Source, context).with_code(code)
    }

    pub(crate) fn canceled() -> Self {
        Self::new(ErrorKind::Canceled, "stopped; the same command goes on from here")
    }

    /// The LSH index failed.
    pub(crate) fn lsh(error: codelupe_catalogue::Error) -> Self {
        codelupe_inspect::Error::lsh(error).into()
    }
}

impl From<codelupe_inspect::Error> for Error {
    fn from(error: codelupe_inspect::Error) -> Self {
        let kind = match error.kind() {
            codelupe_inspect::ErrorKind::Config => ErrorKind::Config,
            codelupe_inspect::ErrorKind::Internal => ErrorKind::Internal,
            codelupe_inspect::ErrorKind::Nothing => ErrorKind::Nothing,
            _ => ErrorKind::Store,
        };
        Self::like(kind, error)
    }
}

impl From<codelupe_worker::Error> for Error {
    fn from(error: codelupe_worker::Error) -> Self {
        use codelupe_worker::ErrorKind as Worker;
        let kind = match error.kind() {
            Worker::Canceled => ErrorKind::Canceled,
            Worker::Store => ErrorKind::Store,
            Worker::Internal => ErrorKind::Internal,
            Worker::Stage if error.code() == ErrorCode::NotFound => ErrorKind::Nothing,
            _ => ErrorKind::Job,
        };
        Self::like(kind, error)
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

impl From<codelupe_forge::Error> for Error {
    fn from(error: codelupe_forge::Error) -> Self {
        Self::caused_by(ErrorKind::Source, "a source cannot be read", error)
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

impl From<codelupe_search::Error> for Error {
    fn from(error: codelupe_search::Error) -> Self {
        Self::caused_by(ErrorKind::Search, "the search index failed", error)
    }
}
