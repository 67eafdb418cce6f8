//! Sources as arguments.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use codelupe_forge::Source;

/// Reads a source. What is wrong with it is told without repeating it: an address may hold a password.
#[derive(Clone)]
pub(super) struct SourceParser;

impl TypedValueParser for SourceParser {
    type Value = Source;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Source, Error> {
        let invalid = |why: &str| Error::raw(ErrorKind::ValueValidation, format!("{why}\n")).with_cmd(command);
        let text = value.to_str().ok_or_else(|| invalid("a source is not UTF-8"))?;
        text.parse()
            .map_err(|error: codelupe_forge::Error| invalid(&error.to_string()))
    }
}
