//! What all errors of CodeLupe have in common: a stable code. Each crate declares its own by [`coded_error!`](crate::coded_error).

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::ErrorCode;

/// What an error was caused by.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// An error with a stable code.
pub trait Coded: StdError + Send + Sync + 'static {
    /// The code that decides exit status, metrics, retries and the API's answer.
    fn code(&self) -> ErrorCode;

    /// How long a server asks to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// What it was caused by, where it can be taken out of it.
    fn into_cause(self) -> Option<Cause>
    where
        Self: Sized,
    {
        None
    }
}

impl Coded for io::Error {
    fn code(&self) -> ErrorCode {
        ErrorCode::of_io(self)
    }
}

impl Coded for Infallible {
    fn code(&self) -> ErrorCode {
        match *self {}
    }
}

impl ErrorCode {
    /// What the operating system's error means where something was **read** that somebody named: if it is missing, that
    /// is their mistake.
    pub fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Permission,
            io::ErrorKind::OutOfMemory => Self::OutOfMemory,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            _ => Self::Storage,
        }
    }

    /// What it means where something of **ours** was written, or read that we wrote: a folder that is gone is a fault of
    /// this machine, and the work belongs to another.
    pub fn of_own_io(error: &io::Error) -> Self {
        match Self::of_io(error) {
            Self::NotFound => Self::Storage,
            code => code,
        }
    }

    /// [`Self::of_io`] for the first error of the operating system in a chain; none without one.
    pub fn of_io_in(error: &(dyn StdError + 'static)) -> Option<Self> {
        /// An error may be its own source.
        const MAX_CHAIN: usize = 32;
        std::iter::successors(Some(error), |error| (*error).source())
            .take(MAX_CHAIN)
            .find_map(|error| error.downcast_ref::<io::Error>())
            .map(Self::of_io)
    }
}

/// Declares the error of a crate and its kinds, each with the code that it has unless the error was caused by one with
/// another: `Missing = NotFound`. A kind may have a text, which follows what was being done: `Missing = NotFound: "is gone"`.
///
/// The error says what was being done; what it was caused by is its source and never part of its text. It is made by
/// `new(kind, context)`, with `with_source`, `with_code` and `with_retry_after` after it; by `caused_by(kind, context, source)`,
/// which takes code and wait of the source; or by `io(doing, path, source)` and `own_io(doing, path, source)`, which name
/// what could not be done to which path. The kind of those two is the first that has the code of
/// [`ErrorCode::of_io`](crate::error::ErrorCode::of_io) or [`ErrorCode::of_own_io`](crate::error::ErrorCode::of_own_io).
/// `like(kind, error)` is the same error as one of a crate below: its words, code and source.
#[macro_export]
macro_rules! coded_error {
    (
        $(#[$error:meta])* pub struct $Error:ident;
        $(#[$kind:meta])* pub enum $Kind:ident {
            $($(#[$doc:meta])* $Variant:ident = $code:ident $(: $text:literal)?,)+
        }
    ) => {
        $(#[$error])*
        #[derive(Debug)]
        pub struct $Error {
            kind: $Kind,
            code: $crate::error::ErrorCode,
            context: String,
            source: Option<$crate::error::Cause>,
            retry_after: Option<std::time::Duration>,
        }

        $(#[$kind])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $Kind {
            $($(#[$doc])* $Variant,)+
        }

        impl $Kind {
            const ALL: &'static [Self] = &[$(Self::$Variant,)+];

            /// The code that an error of this kind has of itself.
            pub const fn code(self) -> $crate::error::ErrorCode {
                match self { $(Self::$Variant => $crate::error::ErrorCode::$code,)+ }
            }

            /// What follows the words of an error of this kind.
            const fn text(self) -> &'static str {
                match self { $(Self::$Variant => concat!($(": ", $text)?),)+ }
            }

            /// The first kind with that code, or with that of any trouble of the machine.
            fn of_code(code: $crate::error::ErrorCode) -> Self {
                let first = |code| Self::ALL.iter().copied().find(|kind| kind.code() == code);
                first(code)
                    .or_else(|| first($crate::error::ErrorCode::Storage))
                    .unwrap_or(Self::ALL[0])
            }
        }

        impl $Error {
            pub(crate) fn new(kind: $Kind, context: impl Into<String>) -> Self {
                Self { kind, code: kind.code(), context: context.into(), source: None, retry_after: None }
            }

            pub(crate) fn with_source(mut self, source: impl Into<$crate::error::Cause>) -> Self {
                self.source = Some(source.into());
                self
            }

            pub(crate) fn with_code(mut self, code: $crate::error::ErrorCode) -> Self {
                self.code = code;
                self
            }

            pub(crate) fn with_retry_after(mut self, wait: std::time::Duration) -> Self {
                self.retry_after = Some(wait);
                self
            }

            pub(crate) fn caused_by(kind: $Kind, context: impl Into<String>, source: impl $crate::error::Coded) -> Self {
                let (code, retry_after) = (source.code(), source.retry_after());
                Self { code, retry_after, ..Self::new(kind, context).with_source(source) }
            }

            pub(crate) fn io(doing: &str, path: &std::path::Path, source: std::io::Error) -> Self {
                Self::of_io($crate::error::ErrorCode::of_io(&source), doing, path, source)
            }

            pub(crate) fn own_io(doing: &str, path: &std::path::Path, source: std::io::Error) -> Self {
                Self::of_io($crate::error::ErrorCode::of_own_io(&source), doing, path, source)
            }

            fn of_io(
                code: $crate::error::ErrorCode,
                doing: &str,
                path: &std::path::Path,
                source: std::io::Error,
            ) -> Self {
                let context = format!("cannot {doing} `{}`", $crate::text::display_path(path));
                Self::new($Kind::of_code(code), context).with_code(code).with_source(source)
            }

            pub(crate) fn like(kind: $Kind, error: impl $crate::error::Coded) -> Self {
                let (code, retry_after) = (error.code(), error.retry_after());
                let made = Self::new(kind, error.to_string());
                Self { code, retry_after, source: error.into_cause(), ..made }
            }

            /// What went wrong.
            pub const fn kind(&self) -> $Kind {
                self.kind
            }

            /// The stable code.
            pub const fn code(&self) -> $crate::error::ErrorCode {
                self.code
            }

            /// How long a server asks to be left alone.
            pub const fn retry_after(&self) -> Option<std::time::Duration> {
                self.retry_after
            }
        }

        impl std::fmt::Display for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", self.context, self.kind.text())
            }
        }

        impl std::error::Error for $Error {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.source.as_deref().map(|source| source as _)
            }
        }

        impl $crate::error::Coded for $Error {
            fn code(&self) -> $crate::error::ErrorCode {
                self.code
            }

            fn retry_after(&self) -> Option<std::time::Duration> {
                self.retry_after
            }

            fn into_cause(self) -> Option<$crate::error::Cause> {
                self.source
            }
        }
    };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes what other crates need")]
mod tests {
    use std::error::Error as _;
    use std::path::Path;

    use super::*;

    coded_error! {
        /// An error to be tested.
        pub struct Error;
        /// Its kinds.
        pub enum ErrorKind {
            /// Not there.
            Missing = NotFound: "is not there",
            /// Full.
            Full = DiskFull,
            /// Otherwise.
            Io = Storage,
            /// A defect.
            Defect = Internal,
        }
    }

    #[test]
    fn an_error_of_the_system_has_the_first_kind_of_its_code() {
        let check = |kind: io::ErrorKind, read, own| {
            let made = |make: fn(&str, &Path, io::Error) -> Error| make("write", Path::new("a\nb"), kind.into());
            let (named, ours) = (made(Error::io), made(Error::own_io));
            assert_eq!((named.kind(), named.code()), read, "{kind}");
            assert_eq!((ours.kind(), ours.code()), own, "{kind}");
            assert!(named.to_string().starts_with("cannot write `a\\u{a}b`"), "{named}");
            assert_eq!(named.source().unwrap().to_string(), kind.to_string());
        };
        let missing = (ErrorKind::Missing, ErrorCode::NotFound);
        let full = (ErrorKind::Full, ErrorCode::DiskFull);
        let other = (ErrorKind::Io, ErrorCode::Storage);
        // A code that no kind has is kept, under the kind of any trouble of the machine.
        let refused = (ErrorKind::Io, ErrorCode::Permission);
        check(io::ErrorKind::NotFound, missing, other);
        check(io::ErrorKind::NotADirectory, missing, other);
        check(io::ErrorKind::StorageFull, full, full);
        check(io::ErrorKind::QuotaExceeded, full, full);
        check(io::ErrorKind::ReadOnlyFilesystem, refused, refused);
        check(io::ErrorKind::BrokenPipe, other, other);
    }

    #[test]
    fn the_code_of_a_cause_is_kept() {
        let wait = Duration::from_secs(5);
        let cause = Error::new(ErrorKind::Missing, "the file").with_retry_after(wait);
        let error = Error::caused_by(ErrorKind::Defect, "cannot go on", cause);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Defect, ErrorCode::NotFound));
        assert_eq!(error.to_string(), "cannot go on");
        assert_eq!(error.source().unwrap().to_string(), "the file: is not there");
        assert_eq!(error.retry_after(), Some(wait));
    }

    #[test]
    fn an_error_of_a_crate_below_keeps_its_words() {
        let below = Error::own_io("write", Path::new("a"), io::ErrorKind::StorageFull.into());
        let error = Error::like(ErrorKind::of_code(below.code()), below);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Full, ErrorCode::DiskFull));
        assert_eq!(error.to_string(), "cannot write `a`");
        assert!(error.source().unwrap().is::<io::Error>());
    }

    #[test]
    fn the_system_is_found_below_others() {
        let below = Error::new(ErrorKind::Defect, "x").with_source(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(ErrorCode::of_io_in(&below), Some(ErrorCode::DiskFull));
        assert_eq!(ErrorCode::of_io_in(&Error::new(ErrorKind::Defect, "x")), None);
    }
}
