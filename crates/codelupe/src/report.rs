//! What a user reads after a run or a training, and in `codelupe stats`.

mod outcome;
pub(crate) mod tables;
mod training;

pub(crate) use outcome::{RunReport, outcome};
pub(crate) use training::{train_event, training};

use std::fmt::Write;
use std::path::Path;

use codelupe_catalogue::Stats;
use codelupe_core::{Reason, text::display_name};
use codelupe_worker::Enqueued;
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use crate::cli::DEFAULT_DATA;
use crate::failure::Result;
use crate::output::print;
use crate::settings::Settings;

/// Reports jobs that wait for workers.
pub(crate) fn enqueued(settings: &Settings, run: &Enqueued) -> Result<()> {
    let value = json!({ "run": run.run, "jobs": run.jobs, "known": run.known });
    print(settings.json, &value, || {
        let known = match run.known {
            0 => String::new(),
            known => format!(" ({known} of them were there already)"),
        };
        format!(
            "{} jobs are in the queue{known}. Next: {} worker",
            run.jobs.len(),
            program(settings)
        )
    })
}

/// All figures of a catalogue.
pub(crate) fn stats(stats: &Stats) -> String {
    let mut text = format!("Where every file went\n{}\n", tables::funnel(&stats.funnel));
    if !stats.funnel.adds_up() {
        text.push_str("This does not add up: run `codelupe dedup` and `codelupe build`.\n");
    } else if !stats.dedup_is_current || !stats.build_is_current && stats.build.is_some() {
        text.push_str("There is newer input: `codelupe dedup` and `codelupe build` bring this up to date.\n");
    }
    let _ = write!(text, "\nLanguages\n{}\n", tables::languages(&stats.languages));
    let _ = write!(
        text,
        "\nLicenses of the repositories\n{}\n",
        tables::licenses(&stats.licenses)
    );
    let _ = write!(
        text,
        "\nQuality of the survivors\n{}\n",
        tables::quality(&stats.quality_histogram)
    );
    let _ = write!(text, "\n{}", savings(stats));
    if !stats.failed.is_empty() {
        let _ = write!(
            text,
            "\n\nRepositories that could not be read\n{}",
            tables::failed(&stats.failed)
        );
    }
    text
}

fn savings(stats: &Stats) -> String {
    let of = |reason| {
        let step = stats.funnel.dropped.iter().find(|step| step.reason == reason);
        step.map(|step| step.count).unwrap_or_default()
    };
    let (exact, near) = (of(Reason::ExactDuplicate), of(Reason::NearDuplicate));
    let before = exact.bytes + near.bytes + stats.funnel.survivors.bytes;
    let share = (exact.bytes + near.bytes) as f64 / before.max(1) as f64 * 100.0;
    format!(
        "Deduplication removed {} exact and {} near duplicates: {} of {} ({share:.1} %).\n\
         Redaction replaced {} secrets and personal data.",
        HumanCount(exact.files),
        HumanCount(near.files),
        HumanBytes(exact.bytes + near.bytes),
        HumanBytes(before),
        HumanCount(stats.redactions),
    )
}

/// How this program is called again on the same data folder: as it was called now.
fn program(settings: &Settings) -> String {
    let mut program = std::env::args().next().unwrap_or_else(|| "codelupe".to_owned());
    let root = settings.folder.root();
    if root != Path::new(DEFAULT_DATA) {
        let _ = write!(
            program,
            " --data '{}'",
            display_name(root.as_os_str().as_encoded_bytes())
        );
    }
    // The environment is the same next time.
    let named = |option: &str| {
        std::env::args().any(|argument| {
            argument
                .strip_prefix(option)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    if named("--db") {
        let _ = write!(program, " --db '{}'", settings.catalogue);
    }
    if named("--store") {
        let _ = write!(program, " --store '{}'", settings.folder.objects().place(""));
    }
    program
}
