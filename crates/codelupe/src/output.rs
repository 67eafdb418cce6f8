//! Results on standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// Prints a result: as JSON when asked for, else as the text.
///
/// A closed pipe (`codelupe stats | head`) ends the output quietly.
pub(crate) fn print(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let mut shown = if json {
        serde_json::to_string_pretty(value).map_err(Failure::defect)?
    } else {
        text()
    };
    shown.push('\n');
    match io::stdout().lock().write_all(shown.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
