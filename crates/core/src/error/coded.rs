//! What all errors of CodeLupe have in common: a stable code. Each crate declares its own by [`coded_error!`](crate::coded_error).

use std::error::Error as StdError;
use std::io;

use super::ErrorCode;

/// An error with a stable code.
pub trait Coded: StdError + Send + Sync + 'static {
    /// The code that exit status, metrics, retries and API hang on.
    fn code(&self) -> ErrorCode;
}

/// What an error is made of, but for its kind.
#[derive(Debug)]
pub struct ErrorParts {
    /// The stable code.
    pub code: ErrorCode,
    /// What was being done.
    pub context: String,
    /// What it was caused by.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Coded for io::Error {
    fn code(&self) -> ErrorCode {
        ErrorCode::of_io(self)
    }
}

impl ErrorCode {
    /// What the operating system's error means where something was **read** that somebody named: that it is not there is
    /// their mistake.
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
/// another: `Missing = NotFound`.
///
/// The error says what was being done; what it was caused by is its source and never part of its text. It is made by
/// `new(kind, context)`, with `with_source` and `with_code` after it; by `caused_by(kind, context, source)`, which takes the
/// code of the source; or by `io(doing, path, source)` and `own_io(doing, path, source)`, which name what could not be done
/// to which path. Their kind is the first that has the code of [`ErrorCode::of_io`] or [`ErrorCode::of_own_io`].
#[macro_export]
macro_rules! coded_error {
    (
        $(#[$error:meta])* pub struct $Error:ident;
        $(#[$kind:meta])* pub enum $Kind:ident { $($(#[$doc:meta])* $Variant:ident = $code:ident,)+ }
    ) => {
        $(#[$error])*
        #[derive(Debug)]
        pub struct $Error {
            kind: $Kind,
            code: $crate::error::ErrorCode,
            context: String,
            source: Option<Box<dyn std::error::Error + Send + Sync>>,
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

            /// The first kind with that code, or with that of any trouble of the machine.
            fn of_code(code: $crate::error::ErrorCode) -> Option<Self> {
                let first = |code| Self::ALL.iter().copied().find(|kind| kind.code() == code);
                first(code).or_else(|| first($crate::error::ErrorCode::Storage))
            }
        }

        impl $Error {
            pub(crate) fn new(kind: $Kind, context: impl Into<String>) -> Self {
                Self { kind, code: kind.code(), context: context.into(), source: None }
            }

            pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
                self.source = Some(source.into());
                self
            }

            pub(crate) fn with_code(mut self, code: $crate::error::ErrorCode) -> Self {
                self.code = code;
                self
            }

            pub(crate) fn caused_by(
                kind: $Kind,
                context: impl Into<String>,
                source: impl $crate::error::Coded,
            ) -> Self {
                let code = source.code();
                Self::new(kind, context).with_code(code).with_source(source)
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
                let path = $crate::text::display_name(path.as_os_str().as_encoded_bytes());
                let kind = $Kind::of_code(code).unwrap_or($Kind::ALL[0]);
                Self::new(kind, format!("cannot {doing} `{path}`")).with_code(code).with_source(source)
            }

            /// Code, text and cause, for an error that takes the place of this one.
            pub fn into_parts(self) -> $crate::error::ErrorParts {
                $crate::error::ErrorParts { code: self.code, context: self.context, source: self.source }
            }

            /// The error in the place of another one: its kind is the first of that code.
            pub(crate) fn from_parts(parts: $crate::error::ErrorParts) -> Self {
                let kind = $Kind::of_code(parts.code).unwrap_or($Kind::ALL[0]);
                Self { kind, code: parts.code, context: parts.context, source: parts.source }
            }

            /// What went wrong.
            pub const fn kind(&self) -> $Kind {
                self.kind
            }

            /// The stable code.
            pub const fn code(&self) -> $crate::error::ErrorCode {
                self.code
            }
        }

        impl std::fmt::Display for $Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.context)
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
        }
    };
}

#[cfg(test)]
#[expect(dead_code, unreachable_pub, reason = "the macro makes what other crates need")]
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
            Missing = NotFound,
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
            assert_eq!(named.to_string(), "cannot write `a\\u{a}b`");
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
        let cause = Error::new(ErrorKind::Missing, "no file");
        let error = Error::caused_by(ErrorKind::Defect, "cannot go on", cause);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Defect, ErrorCode::NotFound));
        assert_eq!(error.to_string(), "cannot go on");
        assert_eq!(error.source().unwrap().to_string(), "no file");
    }

    #[test]
    fn the_system_is_found_below_others() {
        let below = Error::new(ErrorKind::Defect, "x").with_source(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(ErrorCode::of_io_in(&below), Some(ErrorCode::DiskFull));
        assert_eq!(ErrorCode::of_io_in(&Error::new(ErrorKind::Defect, "x")), None);
    }
}
