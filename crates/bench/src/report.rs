//! The tables, in Markdown.

use std::collections::HashSet;
use std::fmt::Write;

use codelupe_dedup::Pairs;
use codelupe_dedup::Threshold;
use serde::Serialize;

use crate::contestant::{Answer, Run};
use crate::own::Bin;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) files: usize,
    pub(crate) bytes: usize,
    pub(crate) bins: Vec<Bin>,
    /// This program first.
    pub(crate) contestants: Vec<Judged>,
}

/// The medians of one contestant, and what it found against the truth.
#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    library: &'static str,
    /// Why there are no figures.
    missing: Option<String>,
    sign_seconds: f64,
    total_seconds: f64,
    peak_bytes: f64,
    removed: usize,
    /// Removed documents for which an earlier one is a near-duplicate.
    removed_rightly: usize,
    pairs: usize,
    pairs_rightly: usize,
    /// All pairs of near-duplicates there are.
    pairs_there: usize,
}

impl Judged {
    pub(crate) fn of(library: &'static str, results: Vec<Answer>, truth: &Pairs) -> Self {
        let mut runs = Vec::new();
        let mut missing = None;
        for result in results {
            match result {
                Answer::Run(run) => runs.push(run),
                Answer::Missing { missing: why } => missing = Some(why),
            }
        }
        let near = || {
            truth
                .iter()
                .filter(|(_, jaccard)| **jaccard >= Threshold::default().get())
        };
        let later: HashSet<u32> = near().map(|((_, later), _)| *later).collect();
        let right: HashSet<(u32, u32)> = near().map(|(pair, _)| *pair).collect();
        let median = |figure: fn(&Run) -> f64| median(runs.iter().map(figure).collect());
        // What is found does not depend on the round.
        let found = runs.last().cloned().unwrap_or_default();
        let pairs: HashSet<(u32, u32)> = found.pairs.into_iter().collect();
        Self {
            library,
            missing,
            sign_seconds: median(|run| run.sign_seconds),
            total_seconds: median(|run| run.total_seconds),
            peak_bytes: median(|run| run.peak_bytes as f64),
            removed: found.removed.len(),
            removed_rightly: found.removed.iter().filter(|doc| later.contains(doc)).count(),
            pairs: pairs.len(),
            pairs_rightly: pairs.intersection(&right).count(),
            pairs_there: right.len(),
        }
    }

    fn row(&self, bytes: usize, own: &Self) -> String {
        let Some(missing) = &self.missing else {
            let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
            let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
            return format!(
                "| {} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {:.0} | {} | {:.3} | {:.3} | {:.3} |",
                self.library,
                rate(self.sign_seconds),
                self.sign_seconds / own.sign_seconds,
                self.total_seconds,
                rate(self.total_seconds),
                self.total_seconds / own.total_seconds,
                self.peak_bytes / 1e6,
                self.removed,
                share(self.removed_rightly, self.removed),
                share(self.pairs_rightly, self.pairs),
                share(self.pairs_rightly, self.pairs_there),
            );
        };
        format!("| {} | not measured: {missing} |{}", self.library, " |".repeat(9))
    }
}

impl Report {
    /// The tables as they stand in `docs/dedup.md`.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{} files, {} bytes\n\n", self.files, self.bytes);
        text.push_str(
            "| J | pairs | expected | found | recall | families | expected | found | band of 99.9 % |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for bin in &self.bins {
            let Bin {
                jaccard,
                pairs,
                families,
                band,
            } = bin;
            let recall = pairs.found as f64 / pairs.there.max(1) as f64;
            // Writing to a string never fails.
            let _ = writeln!(
                text,
                "| {jaccard} | {} | {:.1} | {} | {recall:.3} | {} | {:.1} | {} | {}–{} |",
                pairs.there,
                pairs.expected,
                pairs.found,
                families.there,
                families.expected,
                families.found,
                band.0,
                band.1
            );
        }
        text.push_str(
            "\n| library | sign MB/s | ours is x faster | end to end CPU s | MB/s | ours is x faster | peak MB | removed | rightly | \
             pair precision | pair recall |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        let own = self.contestants.first();
        for row in self
            .contestants
            .iter()
            .filter_map(|judged| Some(judged.row(self.bytes, own?)))
        {
            text.push_str(&row);
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The middle value; of an even number the lower of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(sign_seconds: f64, removed: &[u32], pairs: &[(u32, u32)]) -> Answer {
        Answer::Run(Run {
            sign_seconds,
            total_seconds: 2.0 * sign_seconds,
            peak_bytes: 1_000_000,
            removed: removed.into(),
            pairs: pairs.into(),
        })
    }

    #[test]
    fn found_is_judged_by_the_truth_and_rounds_by_their_median() {
        let truth = Pairs::from([((0, 1), 0.9), ((0, 2), 0.6), ((1, 3), 0.7)]);
        let results = [3.0, 1.0, 2.0].map(|seconds| run(seconds, &[1, 2], &[(0, 1), (0, 2), (0, 1)]));
        let judged = Judged::of("own", results.into(), &truth);
        let row = judged.row(4_000_000, &judged);
        assert_eq!(
            row,
            "| own | 2.0 | 1.0 | 4.00 | 1.0 | 1.0 | 1 | 2 | 0.500 | 0.500 | 0.500 |"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = Answer::Missing {
            missing: "No module named 'x'".to_owned(),
        };
        let judged = Judged::of("x", vec![missing], &Pairs::new());
        assert!(
            judged
                .row(1, &judged)
                .starts_with("| x | not measured: No module named 'x' |")
        );
    }
}
