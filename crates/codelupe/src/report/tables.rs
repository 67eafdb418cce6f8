//! The tables of a report.

use codelupe_catalogue::{Count, FailedRepository, Funnel, LanguageRow, LicenseRow};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{HumanBytes, HumanCount};

/// Rows of the longer tables.
const ROWS: usize = 12;

/// Characters of a full bar.
const BAR: usize = 30;

pub(super) fn funnel(funnel: &Funnel) -> String {
    let all = funnel.found.files;
    let mut table = table(&["", "", "files", "bytes", ""], &[2, 3]);
    let mut row = |stage: &str, what: &str, count: Count| {
        table.add_row([
            stage,
            what,
            &files(count.files),
            &bytes(count.bytes),
            &bar(count.files, all),
        ]);
    };
    row("found", "", funnel.found);
    let in_build: u64 = funnel.splits.iter().map(|(_, count)| count.files).sum();
    let mut survivors_shown = false;
    for step in &funnel.dropped {
        if step.stage == "build" && !survivors_shown {
            survivors_shown = true;
            row("survivors", "", funnel.survivors);
        }
        row(&format!("- {}", step.stage), step.reason.code(), step.count);
    }
    if !survivors_shown {
        row("survivors", "", funnel.survivors);
    }
    for (split, count) in &funnel.splits {
        row(if in_build > 0 { "in build" } else { "" }, split, *count);
    }
    table.to_string()
}

pub(super) fn languages(rows: &[LanguageRow]) -> String {
    let mut table = table(
        &["language", "processed", "survivors", "text", "in build", "quality"],
        &[1, 2, 3, 4, 5],
    );
    for row in rows.iter().take(ROWS) {
        table.add_row([
            row.language.clone(),
            files(row.processed_files.cast_unsigned()),
            files(row.survivor_files.cast_unsigned()),
            bytes(row.survivor_bytes.cast_unsigned()),
            files(row.build_files.cast_unsigned()),
            format!("{:.0}", row.mean_quality),
        ]);
    }
    with_rest(&table, rows.len())
}

pub(super) fn licenses(rows: &[LicenseRow]) -> String {
    let mut table = table(&["license", "class", "repositories", "files in build"], &[2, 3]);
    for row in rows.iter().take(ROWS) {
        table.add_row([
            row.license.clone(),
            row.class.clone(),
            files(row.repositories.cast_unsigned()),
            files(row.build_files.cast_unsigned()),
        ]);
    }
    with_rest(&table, rows.len())
}

pub(super) fn quality(histogram: &[u64; 10]) -> String {
    let most = histogram.iter().copied().max().unwrap_or(0);
    let mut table = table(&["score", "files", ""], &[1]);
    for (decile, count) in histogram.iter().enumerate() {
        let last = if decile == 9 { 100 } else { decile * 10 + 9 };
        table.add_row([
            format!("{:>3} to {last:>3}", decile * 10),
            files(*count),
            bar(*count, most),
        ]);
    }
    table.to_string()
}

pub(super) fn failed(rows: &[FailedRepository]) -> String {
    let mut table = table(&["repository", "error", "what happened"], &[]);
    for row in rows.iter().take(ROWS) {
        table.add_row([&row.name, &row.error_code, &row.error_message]);
    }
    with_rest(&table, rows.len())
}

pub(crate) fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn with_rest(table: &Table, rows: usize) -> String {
    if rows > ROWS {
        format!("{table}\n … and {} more; --json shows all", rows - ROWS)
    } else {
        table.to_string()
    }
}

fn files(count: u64) -> String {
    HumanCount(count).to_string()
}

fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a bar is 0 to 30"
)]
fn bar(part: u64, whole: u64) -> String {
    let length = (part as f64 / whole.max(1) as f64 * BAR as f64).round() as usize;
    if length == 0 && part > 0 {
        "▏".to_owned()
    } else {
        "█".repeat(length)
    }
}
