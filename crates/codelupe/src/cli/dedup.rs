//! The commands about duplicates.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::QueueArguments;

pub(super) const DEDUP: &str = "\
Every run is incremental: signatures that are known are not read again, pairs that were compared
are not compared again, and the survivors are those of one run over everything. docs/dedup.md tells
what is promised, and how it was measured.

Examples:
  codelupe dedup
  codelupe dedup --rebuild
  codelupe dedup report
  codelupe dedup clusters --limit 5
  codelupe dedup tune --threshold 0.8";

pub(super) const SIMILAR: &str = "\
Contents that share a band of their signatures are compared exactly, as `codelupe dedup` does it;
it must have run before.

Examples:
  codelupe similar src/main.rs
  git show HEAD:lib/parse.c | codelupe similar - --name parse.c --threshold 0.5";

#[derive(Debug, Args)]
pub(crate) struct DedupArguments {
    #[command(subcommand)]
    pub(crate) command: Option<DedupCommand>,
    /// Forget the index and the comparisons that were made, and do everything anew.
    #[arg(long)]
    pub(crate) rebuild: bool,
    #[command(flatten)]
    pub(crate) queue: QueueArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DedupCommand {
    /// Show what the `[dedup]` settings find and miss, what they cost, and what others would.
    Tune(TuneArguments),
    /// Show what was removed, by language and by size of cluster, and what it took.
    Report,
    /// List the largest clusters, or the files of one.
    Clusters(ClustersArguments),
    /// List repositories most of whose files are in another one.
    Repositories(RepositoriesArguments),
}

/// Settings to look at, instead of those in the configuration.
#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    /// The Jaccard similarity from which a file is a near-duplicate.
    #[arg(long, value_name = "JACCARD")]
    pub(crate) threshold: Option<f64>,
    /// The values in a signature: 64, 128, 192 or 256.
    #[arg(long, value_name = "N")]
    pub(crate) permutations: Option<usize>,
    /// The number of bands.
    #[arg(long, value_name = "N")]
    pub(crate) bands: Option<usize>,
    /// The values of a signature in one band.
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct ClustersArguments {
    /// A cluster, by the number that the list shows.
    #[arg(value_name = "CLUSTER")]
    pub(crate) id: Option<i64>,
    /// How many clusters, or files of one, to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RepositoriesArguments {
    /// The share of a repository's files that must be in the other one; instead of that in the configuration.
    #[arg(long, value_name = "SHARE")]
    pub(crate) share: Option<f64>,
    /// How many to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct SimilarArguments {
    /// The file to find the like of; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name to take it for, which takes part in telling its language.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The least Jaccard similarity of an answer; instead of that in the configuration.
    #[arg(long, value_name = "JACCARD")]
    pub(crate) threshold: Option<f64>,
    /// How many contents to show.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
}
