//! Why an archive is not used.

use std::io;

use crate::error::{Error, ErrorKind};

/// Why an archive is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The bytes stopped coming.
    #[error("the archive did not come in whole")]
    Stream(#[source] io::Error),
    /// The bytes are not such an archive, or programs would read different things from them.
    #[error("the archive is damaged: {0}")]
    Malformed(String),
    /// The archive is larger than this bound in bytes.
    #[error("the archive has more than {0} bytes")]
    ArchiveTooLarge(u64),
    /// The archive inflates to more than this bound in bytes.
    #[error("the archive inflates to more than {0} bytes")]
    InflatesTooMuch(u64),
    /// There are too many members, or their names take too much.
    #[error("the archive has {0}")]
    TooMany(String),
    /// The deadline has passed.
    #[error("the archive took too long")]
    Late,
    /// The file of contents failed.
    #[error("the temporary file of the archive failed")]
    Spool(#[source] io::Error),
}

impl Failure {
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }

    /// What a failed read of the inflated bytes means: gzip says that it is damaged by an invalid input.
    pub(super) fn of_stream(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Self::Malformed(error.to_string()),
            _ => Self::Stream(error),
        }
    }

    /// The same as an error of this crate, about the archive from `origin`.
    pub(super) fn into_error(self, origin: &str) -> Error {
        let context = format!("{origin}: the archive");
        let kind = match self {
            Self::Stream(error) => match error.downcast::<Error>() {
                Ok(error) => return error,
                Err(error) => return Self::broken_off(error, origin),
            },
            Self::Malformed(_) => ErrorKind::Corrupt,
            Self::ArchiveTooLarge(_) | Self::InflatesTooMuch(_) => ErrorKind::TooLarge,
            Self::TooMany(_) => ErrorKind::TooManyEntries,
            Self::Late => ErrorKind::Timeout,
            Self::Spool(ref error) => return Error::machine(context, error).with_source(self),
        };
        Error::new(kind, context).with_source(self)
    }

    fn broken_off(error: io::Error, origin: &str) -> Error {
        Error::new(ErrorKind::Network, format!("{origin}: the archive")).with_source(Self::Stream(error))
    }
}
