//! Errors at the edge: printed once with their chain and a hint, then turned into an exit status.

mod hint;

use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;

use codelupe_core::error::{Cause, Coded, ErrorCode};

pub(crate) use hint::BEGIN_ANEW;

/// What a command comes to.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command failed. Every error with a code becomes one by `?`; it has none itself, which keeps that unambiguous.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ErrorCode,
    /// What is said before the cause; without it the cause speaks for itself.
    text: Option<String>,
    cause: Option<Cause>,
    /// What helps in the command's situation; without it what failed tells.
    hint: Option<&'static str>,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: Some(text.into()),
            cause: None,
            hint: None,
        }
    }

    /// The code that the exit status hangs on.
    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// An error that only a defect of this program causes.
    pub(crate) fn defect(cause: impl Into<Cause>) -> Self {
        Self {
            code: ErrorCode::Internal,
            text: None,
            cause: Some(cause.into()),
            hint: None,
        }
    }

    /// The same, said to be caused by `cause`.
    pub(crate) fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// The same, with what helps: only the command knows what it was asked for.
    pub(crate) fn with_hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// [`Self::with_hint`], if the code is this one.
    pub(crate) fn hint_for(self, code: ErrorCode, hint: &'static str) -> Self {
        if self.code == code { self.with_hint(hint) } else { self }
    }
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            code: error.code(),
            text: None,
            cause: Some(Box::new(error)),
            hint: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.text, &self.cause) {
            (Some(text), _) => f.write_str(text),
            (None, Some(cause)) => fmt::Display::fmt(cause, f),
            (None, None) => fmt::Display::fmt(&self.code, f),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause: &(dyn StdError + 'static) = self.cause.as_deref()?;
        match self.text {
            Some(_) => Some(cause),
            None => cause.source(),
        }
    }
}

/// Says what failed where an error alone would not tell.
pub(crate) trait Context<T, E> {
    /// Puts a failure before the error, whose code counts.
    fn with_context(self, failure: impl FnOnce() -> Failure) -> Result<T>
    where
        E: Into<Cause>;

    /// Puts a text before the error, whose code stays.
    fn doing(self, text: impl Into<String>) -> Result<T>
    where
        E: Coded;
}

impl<T, E> Context<T, E> for Result<T, E> {
    fn with_context(self, failure: impl FnOnce() -> Failure) -> Result<T>
    where
        E: Into<Cause>,
    {
        self.map_err(|error| failure().caused_by(error))
    }

    fn doing(self, text: impl Into<String>) -> Result<T>
    where
        E: Coded,
    {
        self.map_err(|error| Failure::new(error.code(), text).caused_by(error))
    }
}

/// Prints an error with its chain and a hint, and gives the exit status.
#[expect(clippy::print_stderr, reason = "the one place where an error is printed")]
pub(crate) fn report(failure: &Failure) -> u8 {
    eprintln!("error: {failure}");
    for cause in successors(failure.source(), |cause| (*cause).source()) {
        eprintln!("  caused by: {cause}");
    }
    if let Some(hint) = hint::hint(failure) {
        eprintln!("  hint: {hint}");
    }
    failure.code.exit_status()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn lines(failure: &Failure) -> Vec<String> {
        successors(Some(failure as &dyn StdError), |cause| (*cause).source())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn any_error_with_a_code_becomes_its_exit_status() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let check = |result: Result<(), Failure>, code: ErrorCode, told: &[&str]| {
            let failure = result.unwrap_err();
            assert_eq!(
                (failure.code, lines(&failure)),
                (code, told.iter().map(ToString::to_string).collect())
            );
        };
        let space = full().to_string();
        check(Err(full().into()), ErrorCode::DiskFull, &[&space]);
        check(
            Err(full()).doing("cannot write"),
            ErrorCode::DiskFull,
            &["cannot write", &space],
        );
        let invalid = || Failure::new(ErrorCode::Validation, "not valid");
        check(
            Err(full()).with_context(invalid),
            ErrorCode::Validation,
            &["not valid", &space],
        );
        check(
            Err(invalid()).with_context(|| Failure::new(ErrorCode::NotFound, "no file")),
            ErrorCode::NotFound,
            &["no file", "not valid"],
        );
        check(Err(Failure::defect("broken")), ErrorCode::Internal, &["broken"]);
    }
}
