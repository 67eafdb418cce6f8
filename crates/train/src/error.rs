//! The error of this crate.

use std::path::Path;

use codelupe_core::text::display_path;

use codelupe_core::error::{Cause, ErrorCode};

codelupe_core::coded_error! {
    /// Training cannot go on.
    pub struct Error;
    /// Which part training cannot go on for.
    pub enum ErrorKind {
        /// A setting is not valid.
        Config = Validation,
        /// The base model, an adapter or a tokenizer cannot be used.
        Model = NotFound,
        /// There is no build, or nothing in it to learn.
        Nothing = NotFound,
        /// Samples cannot be made or read.
        Samples = CorruptStore,
        /// The engine failed.
        Engine = Internal,
        /// The loss is not a number any more.
        Diverged = CorruptInput,
        /// The data folder or the catalogue failed.
        Store = Storage,
        /// A worker trains in this data folder.
        Busy = Conflict,
        /// The user stopped the work.
        Canceled = Canceled,
    }
}

impl Error {
    pub(crate) fn config(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, context)
    }

    /// A file of ours that is not what it should be.
    pub(crate) fn damaged(path: &Path, source: impl Into<Cause>) -> Self {
        let context = format!("`{}` is damaged", display_path(path));
        Self::new(ErrorKind::Store, context)
            .with_code(ErrorCode::CorruptStore)
            .with_source(source)
    }

    pub(crate) fn canceled() -> Self {
        let context = "stopped; `codelupe train` goes on from the last checkpoint";
        Self::new(ErrorKind::Canceled, context)
    }
}

impl From<codelupe_worker::Error> for Error {
    fn from(error: codelupe_worker::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::Store, error)
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

impl From<codelupe_model::Error> for Error {
    fn from(error: codelupe_model::Error) -> Self {
        Self::caused_by(ErrorKind::Model, "the model cannot be used", error)
    }
}

impl From<codelupe_samples::Error> for Error {
    fn from(error: codelupe_samples::Error) -> Self {
        Self::caused_by(ErrorKind::Samples, "samples cannot be made or read", error)
    }
}
