//! The dataset card of a build: `README.md` with the header that `datasets` reads.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Manifest, Tally};

/// Languages listed in a card.
const LISTED_LANGUAGES: usize = 30;

pub(super) fn card(manifest: &Manifest) -> String {
    let mut card = String::from("---\nconfigs:\n- config_name: default\n  data_files:\n");
    for split in manifest.splits.iter().filter(|split| !split.shards.is_empty()) {
        // `datasets` knows the held-out split as `test`.
        let name = if split.name == "held_out" { "test" } else { &split.name };
        let _ = writeln!(card, "  - split: {name}\n    path: {}/*.parquet", split.name);
    }
    let total = manifest.total();
    let _ = write!(
        card,
        "tags:\n- code\n---\n\n# {}\n\nA corpus of source code made by {}: {} files, {} bytes of content.\n\n",
        manifest.name, manifest.description.program, total.files, total.bytes
    );
    card.push_str(ABOUT);
    card.push_str("\n## Splits\n\n| split | files | bytes |\n|---|---|---|\n");
    for split in &manifest.splits {
        let _ = writeln!(
            card,
            "| {} | {} | {} |",
            split.name, split.total.files, split.total.bytes
        );
    }
    let languages = sum(manifest.splits.iter().map(|split| &split.languages));
    table(&mut card, "Languages", "language", &languages, LISTED_LANGUAGES);
    let licenses = sum(manifest.splits.iter().map(|split| &split.licenses));
    table(&mut card, "Licenses", "SPDX expression", &licenses, usize::MAX);
    card.push_str("\n## Where every file went\n\n| | files |\n|---|---|\n");
    for (reason, files) in &manifest.description.funnel {
        let _ = writeln!(card, "| {reason} | {files} |");
    }
    card
}

const ABOUT: &str = "\
One row is one file. `content` is its text as UTF-8 with secrets and personal data replaced in place (`redactions` counts \
them); `blob` and `swhid` name the original bytes. `repository`, `commit`, `path`, `forge` and `origin` say where it comes \
from; `license` is that of its repository, and its terms, attribution among them, apply to the content. Exact and near \
duplicates were removed: each removed file has a kept one with verified similarity at or over the threshold in \
`manifest.json`. All files of a repository are in one split.
";

fn sum<'a>(splits: impl Iterator<Item = &'a BTreeMap<String, Tally>>) -> Vec<(String, Tally)> {
    let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
    for (name, tally) in splits.flatten() {
        let sum = sums.entry(name).or_default();
        sum.files += tally.files;
        sum.bytes += tally.bytes;
    }
    let mut rows: Vec<(String, Tally)> = sums.into_iter().map(|(name, tally)| (name.to_owned(), tally)).collect();
    rows.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.bytes));
    rows
}

fn table(card: &mut String, title: &str, noun: &str, rows: &[(String, Tally)], limit: usize) {
    let _ = write!(card, "\n## {title}\n\n| {noun} | files | bytes |\n|---|---|---|\n");
    for (name, tally) in rows.iter().take(limit) {
        let _ = writeln!(card, "| {name} | {} | {} |", tally.files, tally.bytes);
    }
    if rows.len() > limit {
        let _ = writeln!(card, "| {} more | | |", rows.len() - limit);
    }
}
