//! Results on standard output.

use std::io::{self, Write};

use serde::Serialize;

/// Prints a result: as JSON when asked for, else as the text.
///
/// A closed pipe (`codelupe-bench dedup | head`) ends the output quietly.
pub(crate) fn print(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let mut shown = if json {
        serde_json::to_string_pretty(value)?
    } else {
        text()
    };
    shown.push('\n');
    match io::stdout().lock().write_all(shown.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
