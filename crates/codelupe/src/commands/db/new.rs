//! `codelupe db new`: the files of a new migration.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use codelupe_core::error::ErrorCode;
use serde_json::json;

use crate::cli::NewArguments;
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::settings::Settings;

const DIALECTS: [&str; 2] = ["sqlite", "postgres"];

const UP: &str = "-- What changes, and why. Expand first: add, fill, and remove what is old in a later migration.\n";

const DOWN: &str = "-- loses: nothing\n";

pub(super) fn run(settings: &Settings, arguments: &NewArguments) -> Result<()> {
    check_name(&arguments.name)?;
    let number = next_number(&arguments.folder)?;
    let mut written = Vec::new();
    for dialect in DIALECTS {
        for (direction, text) in [("up", UP), ("down", DOWN)] {
            let name = format!("{number:04}_{}.{direction}.sql", arguments.name);
            let path = arguments.folder.join(dialect).join(name);
            write_new(&path, text)?;
            written.push(path);
        }
    }
    print(settings.json, &json!({ "files": written }), || {
        let lines: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        format!("{}\nThen: cargo xtask check --only migrations --fix", lines.join("\n"))
    })
}

fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=60).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(good) {
        return Ok(());
    }
    let text = format!(
        "`{}` cannot name a migration: use 1 to 60 of a-z, 0-9 and `_`, a letter first",
        name.escape_debug()
    );
    Err(Failure::new(ErrorCode::Validation, text))
}

/// One more than the highest number of either dialect.
fn next_number(folder: &Path) -> Result<u32> {
    let mut highest = 0;
    for dialect in DIALECTS {
        let path = folder.join(dialect);
        let entries = fs::read_dir(&path).with_context(|| {
            Failure::new(
                ErrorCode::NotFound,
                format!("`{}` is no folder of migrations", path.display()),
            )
        })?;
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let number = name.split_once('_').and_then(|(number, _)| number.parse::<u32>().ok());
            highest = highest.max(number.unwrap_or(0));
        }
    }
    Ok(highest + 1)
}

fn write_new(path: &PathBuf, text: &str) -> Result<()> {
    let mut file = fs::File::create_new(path).doing(format!("cannot create `{}`", path.display()))?;
    file.write_all(text.as_bytes())
        .doing(format!("cannot write `{}`", path.display()))
}
