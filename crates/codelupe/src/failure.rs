//! Errors at the edge: printed once with their chain and a hint, then turned into an exit status.

use std::error::Error as StdError;

use codelupe_core::ErrorCode;

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

/// Prints an error with its chain and a hint, and gives the exit status.
#[expect(clippy::print_stderr, reason = "the one place where an error is printed")]
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    let code = code_of(error);
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  caused by: {cause}");
    }
    if let Some(hint) = hint(error, code) {
        eprintln!("  hint: {hint}");
    }
    code.exit_status()
}

fn code_of(error: &anyhow::Error) -> ErrorCode {
    let known = |error: &(dyn StdError + 'static)| {
        error
            .downcast_ref::<codelupe_pipeline::Error>()
            .map(codelupe_pipeline::Error::code)
            .or_else(|| {
                error
                    .downcast_ref::<codelupe_catalogue::Error>()
                    .map(codelupe_catalogue::Error::code)
            })
            .or_else(|| {
                error
                    .downcast_ref::<codelupe_corpus::Error>()
                    .map(codelupe_corpus::Error::code)
            })
            .or_else(|| {
                error
                    .downcast_ref::<codelupe_search::Error>()
                    .map(codelupe_search::Error::code)
            })
            .or_else(|| {
                error
                    .downcast_ref::<codelupe_forge::Error>()
                    .map(codelupe_forge::Error::code)
            })
            .or_else(|| {
                error
                    .downcast_ref::<codelupe_train::Error>()
                    .map(codelupe_train::Error::code)
            })
            .or_else(|| error.downcast_ref::<Failure>().map(|failure| failure.code))
    };
    let context = error.downcast_ref::<Failure>().map(|failure| failure.code);
    context
        .or_else(|| error.chain().find_map(known))
        .unwrap_or(ErrorCode::Internal)
}

fn hint(error: &anyhow::Error, code: ErrorCode) -> Option<&'static str> {
    let stage = error.downcast_ref::<codelupe_pipeline::Error>();
    if stage.is_some_and(|error| error.kind() == codelupe_pipeline::ErrorKind::Nothing) {
        return Some("`codelupe stats` shows where every file went; policy and filters are in the [build] settings");
    }
    Some(match code {
        ErrorCode::DiskFull => "free some space, then give the same command again: it goes on from here",
        ErrorCode::Conflict => "wait for the other process, or use another --data folder or name",
        ErrorCode::NotFound => "`codelupe doctor` says what is there; `codelupe run SOURCE` makes a corpus",
        ErrorCode::Permission => "check the owner and the mode of the path, or use another --data folder",
        ErrorCode::CorruptStore => "move the data folder away and run again; the sources are not touched",
        ErrorCode::Validation => "`codelupe help COMMAND` shows what it takes; `codelupe config` shows all settings",
        ErrorCode::SchemaOutdated => "`codelupe db migrate` brings the schema up to date; --migrate does so at start",
        ErrorCode::SchemaNewer => {
            "a newer codelupe wrote this catalogue: use that one; `codelupe db status` shows more"
        }
        ErrorCode::Auth => {
            "check user and database; the password comes from PGPASSWORD, the password file, or CODELUPE_DB"
        }
        ErrorCode::Unavailable => "check that the server runs and can be reached; the same command goes on from here",
        ErrorCode::LeaseLost => "`codelupe jobs list` shows who has the job now",
        _ => return None,
    })
}
