//! The error of this crate.

use std::path::Path;

use codelupe_core::{error::Cause, text::display_path};

/// A result with the error of this crate.
pub type Result<T> = std::result::Result<T, Error>;

codelupe_core::coded_error! {
    /// Something could not be done with a model.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// An argument or a setting is not valid.
        Invalid = Validation,
        /// A model or an adapter of a kind that is not supported.
        Unsupported = Validation,
        /// A file of a model, an adapter or a state is damaged.
        Corrupt = CorruptInput,
        /// Things that do not belong together: an adapter and another base, a state and another trainer.
        Mismatch = Validation,
        /// A file is not there.
        NotFound = NotFound,
        /// The operating system refused access.
        Permission = Permission,
        /// The disk, or the quota, is full.
        DiskFull = DiskFull,
        /// Reading or writing a file failed otherwise.
        Io = Storage,
    }
}

impl Error {
    pub(crate) fn invalid(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, context)
    }

    /// A damaged file, with what is wrong in it.
    pub(crate) fn corrupt(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, format!("`{}`: {what}", display_path(path)))
    }

    /// A damaged file, with the error of its parser.
    pub(crate) fn unreadable(path: &Path, source: impl Into<Cause>) -> Self {
        Self::new(ErrorKind::Corrupt, format!("`{}` is damaged", display_path(path))).with_source(source)
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}
