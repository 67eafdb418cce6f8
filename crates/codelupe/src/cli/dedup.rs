//! The command about duplicates.

use clap::{Args, Subcommand};

use super::QueueArguments;

pub(super) const DEDUP: &str = "\
docs/dedup.md tells what is promised, and how it was measured.

Examples:
  codelupe dedup
  codelupe dedup tune --threshold 0.8";

#[derive(Debug, Args)]
pub(crate) struct DedupArguments {
    #[command(subcommand)]
    pub(crate) command: Option<DedupCommand>,
    #[command(flatten)]
    pub(crate) queue: QueueArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DedupCommand {
    /// Show what the `[dedup]` settings find and miss, what they cost, and what others would.
    Tune(TuneArguments),
}

/// Settings to look at, instead of those in the configuration.
#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    /// The Jaccard similarity from which a file is a near-duplicate.
    #[arg(long, value_name = "JACCARD")]
    pub(crate) threshold: Option<f64>,
    /// The number of bands.
    #[arg(long, value_name = "N")]
    pub(crate) bands: Option<usize>,
    /// The values of a signature in one band.
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<usize>,
}
