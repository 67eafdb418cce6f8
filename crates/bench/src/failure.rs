//! Errors at the edge: printed once with their chain, then turned into an exit status.

use std::error::Error as StdError;

use codelupe_core::error::ErrorCode;

/// An error of the program itself.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    code: ErrorCode,
    text: String,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// Prints an error with its chain and gives the exit status.
#[expect(clippy::print_stderr, reason = "the one place where an error is printed")]
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  caused by: {cause}");
    }
    code_of(error).exit_status()
}

fn code_of(error: &anyhow::Error) -> ErrorCode {
    let stored = |error: &(dyn StdError + 'static)| {
        let store = error.downcast_ref::<codelupe_catalogue::Error>();
        store.map(codelupe_catalogue::Error::code)
    };
    let own = error.downcast_ref::<Failure>().map(|failure| failure.code);
    own.or_else(|| error.chain().find_map(stored))
        .unwrap_or(ErrorCode::Internal)
}
