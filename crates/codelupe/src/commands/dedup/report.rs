//! `codelupe dedup report`: what deduplication came to.

use std::fmt::Write;

use codelupe_catalogue::{ClusterSize, RemovedRow};
use codelupe_inspect::{DedupReport, Deduplicated, GIANT_CLUSTER, dedup_report};
use indicatif::{HumanBytes, HumanCount};

use crate::app::App;
use crate::failure::Result;
use crate::output::print;
use crate::report::tables;

/// Rows of the table of languages.
const ROWS: usize = 12;

/// Characters of a full bar.
const BAR: u64 = 30;

pub(super) async fn run(app: &App) -> Result<()> {
    let report = dedup_report(app.catalogue().await?).await?;
    print(app.settings.json, &report, || text(&report))
}

fn text(report: &DedupReport) -> String {
    let mut text = format!("{}\n\n{}", totals(&report.languages), languages(&report.languages));
    if report.cluster_sizes.is_empty() {
        text.push_str("\nNo file was dropped as a duplicate.");
    } else {
        let _ = write!(
            text,
            "\nClusters by number of files\n{}",
            histogram(&report.cluster_sizes)
        );
    }
    if report.giant_clusters > 0 {
        let _ = write!(
            text,
            "\nALARM: {} clusters have more than {GIANT_CLUSTER} files; look at them: codelupe dedup clusters",
            report.giant_clusters
        );
    }
    if let Some(run) = &report.last_run {
        let _ = write!(text, "\n\n{}", counts(run));
    }
    text
}

fn totals(rows: &[RemovedRow]) -> String {
    let sum = |of: fn(&RemovedRow) -> i64| -> u64 { rows.iter().map(|row| of(row).cast_unsigned()).sum() };
    let (files, bytes) = (sum(|row| row.files), sum(|row| row.bytes));
    let line = |what: &str, part: u64, part_bytes: u64| {
        format!(
            "{what}: {} files ({:.1} %), {} ({:.1} %)",
            HumanCount(part),
            percent(part, files),
            HumanBytes(part_bytes),
            percent(part_bytes, bytes)
        )
    };
    format!(
        "{} files, {}, were kept by processing. Of these:\n{}\n{}",
        HumanCount(files),
        HumanBytes(bytes),
        line(
            "exact duplicates",
            sum(|row| row.exact_files),
            sum(|row| row.exact_bytes)
        ),
        line("near-duplicates", sum(|row| row.near_files), sum(|row| row.near_bytes)),
    )
}

fn languages(rows: &[RemovedRow]) -> String {
    let heads = ["language", "files", "exact", "near", "bytes", "removed"];
    let mut table = tables::table(&heads, &[1, 2, 3, 4, 5]);
    for row in rows.iter().take(ROWS) {
        let removed = row.exact_bytes + row.near_bytes;
        table.add_row([
            row.language.clone().unwrap_or_else(|| "none".to_owned()),
            HumanCount(row.files.cast_unsigned()).to_string(),
            HumanCount(row.exact_files.cast_unsigned()).to_string(),
            HumanCount(row.near_files.cast_unsigned()).to_string(),
            HumanBytes(row.bytes.cast_unsigned()).to_string(),
            format!("{:.1} %", percent(removed.cast_unsigned(), row.bytes.cast_unsigned())),
        ]);
    }
    match rows.len().saturating_sub(ROWS) {
        0 => format!("{table}\n"),
        rest => format!("{table}\n … and {rest} more; --json shows all\n"),
    }
}

/// Clusters by powers of two: 2, 3 to 4, 5 to 8, …
fn histogram(sizes: &[ClusterSize]) -> String {
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for size in sizes {
        let end = size.files.cast_unsigned().next_power_of_two();
        match buckets.last_mut().filter(|(last, _)| *last == end) {
            Some((_, clusters)) => *clusters += size.clusters.cast_unsigned(),
            None => buckets.push((end, size.clusters.cast_unsigned())),
        }
    }
    let most = buckets.iter().map(|(_, clusters)| *clusters).max().unwrap_or(1);
    let mut table = tables::table(&["files", "clusters", ""], &[0, 1]);
    for (end, clusters) in buckets {
        let from = end / 2 + 1;
        let range = if from == end {
            end.to_string()
        } else {
            format!("{from} to {end}")
        };
        let bar = usize::try_from((BAR * clusters).div_ceil(most)).unwrap_or(0);
        table.add_row([range, HumanCount(clusters).to_string(), "█".repeat(bar)]);
    }
    table.to_string()
}

fn counts(run: &Deduplicated) -> String {
    let index = &run.lsh;
    format!(
        "The last run compared {} pairs, {} of them earlier: {} verified, {} false candidates ({:.1} %).\n\
         {} contents met the bound on candidates; {} share one band key at most; the largest cluster has {} files.\n\
         The index: {} contents, {}, {} sorted files, {} comparisons remembered.",
        HumanCount(run.compared),
        HumanCount(run.remembered),
        HumanCount(run.verified),
        HumanCount(run.false_candidates),
        percent(run.false_candidates, run.compared),
        HumanCount(run.capped),
        HumanCount(run.largest_group),
        HumanCount(run.largest_cluster),
        HumanCount(index.documents),
        HumanBytes(index.bytes),
        index.sorted_files,
        HumanCount(index.comparisons),
    )
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
