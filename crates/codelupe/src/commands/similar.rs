//! `codelupe similar`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use codelupe_core::{error::ErrorCode, text::display_name};
use codelupe_dedup::Threshold;
use codelupe_inspect::{Answer, Question};

use crate::app::App;
use crate::cli::SimilarArguments;
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::report::tables;

/// The most bytes that are read: larger than any file of a corpus.
const MAX_BYTES: u64 = 64 << 20;

pub(crate) async fn run(app: &App, arguments: &SimilarArguments) -> Result<()> {
    let bytes = read(&arguments.file)?;
    let default = app.settings.config.dedup.threshold;
    let threshold = Threshold::new(arguments.threshold.unwrap_or(default))
        .with_context(|| Failure::new(ErrorCode::Validation, "this is no threshold"))?;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => display_name(arguments.file.file_name().unwrap_or_default().as_encoded_bytes()),
    };
    let (finder, limit) = (app.finder().await?, usize::from(arguments.limit));
    let find = move || {
        finder.find(&Question {
            name: &name,
            bytes: &bytes,
            threshold,
            limit,
        })
    };
    let answer = tokio::task::spawn_blocking(find).await.map_err(Failure::defect)??;
    print(app.settings.json, &answer, || text(&answer, threshold))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let shown = display_name(file.as_os_str().as_encoded_bytes());
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| Failure::new(ErrorCode::NotFound, format!("cannot read `{shown}`")))?;
    if bytes.len() as u64 > MAX_BYTES {
        let why = format!("`{shown}` has more than {} MiB", MAX_BYTES >> 20);
        return Err(Failure::new(ErrorCode::Validation, why));
    }
    Ok(bytes)
}

fn text(answer: &Answer, threshold: Threshold) -> String {
    if answer.matches.is_empty() {
        let short = if answer.comparable {
            ""
        } else {
            "; it is too short to be compared, only the same bytes are found"
        };
        return format!("nothing has a similarity of {} or more{short}", threshold.get());
    }
    let mut table = tables::table(&["J", "bands", "language", "file"], &[0, 1]);
    for found in &answer.matches {
        let mut first = true;
        for file in &found.files {
            let dropped = file
                .dropped
                .as_deref()
                .map_or_else(String::new, |reason| format!("  ({reason})"));
            let (jaccard, bands, language) = if first {
                (
                    format!("{:.3}", found.jaccard),
                    found.shared_bands.to_string(),
                    found.language.clone().unwrap_or_default(),
                )
            } else {
                Default::default()
            };
            table.add_row([jaccard, bands, language, format!("{}{dropped}", file.name)]);
            first = false;
        }
        if found.held_by > found.files.len() {
            let rest = found.held_by - found.files.len();
            table.add_row([
                String::new(),
                String::new(),
                String::new(),
                format!("… and {rest} more copies"),
            ]);
        }
    }
    let capped = if answer.capped {
        "\nThere are more candidates than were compared; --limit compares more."
    } else {
        ""
    };
    format!("{table}{capped}")
}
