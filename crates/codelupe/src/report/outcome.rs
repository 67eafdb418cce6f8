//! What the whole way came to.

use std::fmt::Write;

use codelupe_catalogue::Stats;
use codelupe_inspect::Deduplicated;
use codelupe_pipeline::Built;
use codelupe_pipeline::ingest::Ingested;
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use super::{program, stats, training};
use crate::failure::Result;
use crate::output::print;
use crate::settings::Settings;

/// What the whole way came to.
pub(crate) struct RunReport {
    pub(crate) ingested: Ingested,
    pub(crate) deduplicated: Deduplicated,
    pub(crate) built: Built,
    pub(crate) stats: Stats,
    /// A file, `REPO/PATH`, with a story to explain.
    pub(crate) example: Option<String>,
    pub(crate) seconds: f64,
}

/// Reports a run, and the training that followed.
pub(crate) fn outcome(
    settings: &Settings,
    outcome: &RunReport,
    trained: Option<&codelupe_train::TrainingOutcome>,
) -> Result<()> {
    let folder = settings.folder.build_place(&outcome.built.name);
    let value = json!({
        "seconds": outcome.seconds,
        "repositories": outcome.ingested.repositories,
        "unchanged": outcome.ingested.unchanged,
        "failed": outcome.ingested.failed,
        "bytes_processed": outcome.ingested.bytes,
        "build": { "name": outcome.built.name, "folder": folder, "existed": outcome.built.existed, "splits": outcome.built.splits },
        "stats": outcome.stats,
        "training": trained,
    });
    print(settings.json, &value, || {
        let mut text = stats(&outcome.stats);
        let _ = write!(
            text,
            "\n\n{}\n\n{}",
            summary(outcome),
            next_steps(settings, outcome, &folder)
        );
        if let Some(trained) = trained {
            let _ = write!(text, "\n\n{}", training(trained));
        }
        text
    })
}

fn summary(outcome: &RunReport) -> String {
    let ingested = &outcome.ingested;
    let mut text = format!(
        "{} repositories in {:.1} s: {} unchanged, {} failed; {} processed.",
        HumanCount(ingested.repositories),
        outcome.seconds,
        HumanCount(ingested.unchanged),
        HumanCount(ingested.failed),
        HumanBytes(ingested.bytes)
    );
    let counts = outcome.deduplicated;
    if counts.compared > 0 {
        let _ = write!(
            text,
            "\nNear-duplicates: {} candidate pairs compared, {} verified by exact Jaccard similarity.",
            HumanCount(counts.compared),
            HumanCount(counts.verified)
        );
    }
    text
}

fn next_steps(settings: &Settings, outcome: &RunReport, folder: &str) -> String {
    let program = program(settings);
    let file = outcome.example.as_deref().unwrap_or("REPO/PATH");
    [
        format!("The corpus is in {folder}"),
        String::from("Next:"),
        format!("  {program} search 'binary heap'"),
        format!("  {program} explain {file}"),
        format!("  {program} export --format jsonl.zst corpus-jsonl"),
    ]
    .join("\n")
}
