//! `codelupe dedup tune`.

use codelupe_core::error::ErrorCode;
use codelupe_dedup::{BandTable, Banding, Permutations, Threshold};
use comfy_table::Table;
use serde_json::{Value, json};

use crate::cli::TuneArguments;
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::report::tables;
use crate::settings::Settings;

/// Similarities that the curve is shown at, in hundredths.
const SHOWN: [u32; 11] = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100];

/// Rows that are shown for comparison, each with as many bands as a signature has room for.
const OTHER_ROWS: [usize; 8] = [4, 5, 6, 8, 10, 12, 16, 20];

/// The similarity at which pairs are no near-duplicates to anybody: how often they are compared in vain.
const UNLIKE: f64 = 0.5;

/// Characters of a full bar.
const BAR: usize = 40;

pub(crate) fn run(settings: &Settings, arguments: &TuneArguments) -> Result<()> {
    let configured = &settings.config.dedup;
    let bad = || Failure::new(ErrorCode::Validation, "these settings do not go together");
    let threshold = Threshold::new(arguments.threshold.unwrap_or(configured.threshold)).with_context(bad)?;
    let permutations =
        Permutations::new(arguments.permutations.unwrap_or(configured.permutations)).with_context(bad)?;
    let rows = arguments.rows.unwrap_or(configured.rows);
    // With other permutations than those configured, and no bands named, as many as fit.
    let bands = match (arguments.bands, permutations.get() == configured.permutations) {
        (Some(bands), _) => bands,
        (None, true) => configured.bands,
        (None, false) => permutations.get().checked_div(rows).unwrap_or(0),
    };
    let chosen = Banding::new(bands, rows)
        .and_then(|banding| banding.within(permutations))
        .with_context(bad)?;
    let others: Vec<Banding> = OTHER_ROWS
        .iter()
        .filter_map(|rows| Banding::new(permutations.get() / rows, *rows).ok())
        .collect();
    let curve: Vec<Value> = SHOWN
        .iter()
        .map(|hundredths| f64::from(*hundredths) / 100.0)
        .map(|jaccard| json!({ "jaccard": jaccard, "candidate_probability": chosen.candidate_probability(jaccard) }))
        .collect();
    let value = json!({
        "threshold": threshold.get(),
        "permutations": permutations.get(),
        "chosen": describe(chosen, threshold, permutations),
        "curve": curve,
        "others": others.iter().map(|other| describe(*other, threshold, permutations)).collect::<Vec<_>>(),
    });
    print(settings.json, &value, || told(chosen, threshold, permutations, &others))
}

/// What a banding finds and costs.
fn describe(banding: Banding, threshold: Threshold, permutations: Permutations) -> Value {
    json!({
        "bands": banding.bands(),
        "rows": banding.rows(),
        "knee": banding.knee(),
        "recall_at_threshold": banding.candidate_probability(threshold.get()),
        "recall_over_threshold": banding.mean_probability(threshold.get()),
        "compared_in_vain": banding.candidate_probability(UNLIKE),
        "memory_bytes_per_million_files": 1_000_000 * BandTable::bytes_per_document(banding),
        "signature_bytes_per_million_files": 1_000_000 * permutations.signature_bytes(),
    })
}

fn told(chosen: Banding, threshold: Threshold, permutations: Permutations, others: &[Banding]) -> String {
    let jaccard = threshold.get();
    let mut curve = tables::table(&["Jaccard", "found", ""], &[0, 1]);
    for hundredths in SHOWN {
        let similarity = f64::from(hundredths) / 100.0;
        let found = chosen.candidate_probability(similarity);
        curve.add_row([format!("{similarity:.2}"), percent(found), bar(found)]);
    }
    format!(
        "{} bands of {} rows of {} permutations, threshold {jaccard}.\n\n{curve}\n\n\
         Of pairs at {jaccard}, {} are found; of pairs spread evenly from there to 1, {}. A pair that is found is compared\n\
         exactly, so nothing under {jaccard} is ever dropped; the others cost time: {} of pairs at {UNLIKE}.\n\
         A million files have {} MB of band keys, in memory while they are compared, and {} MB of signatures on disk.\n\n\
         Other choices:\n{}",
        chosen.bands(),
        chosen.rows(),
        permutations.get(),
        percent(chosen.candidate_probability(jaccard)),
        percent(chosen.mean_probability(jaccard)),
        percent(chosen.candidate_probability(UNLIKE)),
        BandTable::bytes_per_document(chosen),
        permutations.signature_bytes(),
        compare(others, threshold)
    )
}

fn compare(others: &[Banding], threshold: Threshold) -> Table {
    let jaccard = threshold.get();
    let headings = [
        "bands x rows".to_owned(),
        "steepest at".to_owned(),
        format!("found at {jaccard}"),
        format!("found over {jaccard}"),
        format!("compared at {UNLIKE}"),
        "MB a million".to_owned(),
    ];
    let mut table = tables::table(&headings.each_ref().map(String::as_str), &[0, 1, 2, 3, 4, 5]);
    for other in others {
        table.add_row([
            format!("{} x {}", other.bands(), other.rows()),
            format!("{:.3}", other.knee()),
            percent(other.candidate_probability(jaccard)),
            percent(other.mean_probability(jaccard)),
            percent(other.candidate_probability(UNLIKE)),
            BandTable::bytes_per_document(*other).to_string(),
        ]);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a bar is between 0 and its length"
)]
fn bar(share: f64) -> String {
    "█".repeat((share * BAR as f64).round() as usize)
}
