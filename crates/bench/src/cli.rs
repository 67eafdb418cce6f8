//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures what CodeLupe does, on this machine.
#[derive(Debug, Parser)]
#[command(name = "codelupe-bench", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say less: only warnings.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

const DEDUP: &str = "\
The files are those of the crates that cargo has unpacked, in order of name. docs/dedup.md has the tables of one machine.

Examples:
  codelupe-bench dedup
  codelupe-bench dedup --files 20000
  codelupe-bench dedup --peers target/peers/bin/python";

const INDEX: &str = "\
Examples:
  codelupe-bench index
  codelupe-bench index --documents 10000000 --folder /var/tmp";

const TRAIN: &str = "\
Examples:
  codelupe-bench train
  codelupe-bench train --large --peers target/peers/bin/python";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure near-duplicate detection on real files: what it finds, how fast, in how much memory, and beside others.
    #[command(after_help = DEDUP)]
    Dedup(DedupArguments),
    /// Measure the LSH index on disk with many made-up documents, one in five a changed copy: with a quarter of them, half,
    /// and all, each in a process of its own.
    #[command(after_help = INDEX)]
    Index(IndexArguments),
    /// Measure training: steps of an adapter on random weights, and samples of real files, by one thread.
    #[command(after_help = TRAIN)]
    Train(TrainArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// Measure torch too, with transformers and peft, which this Python has.
    #[arg(long, value_name = "PYTHON")]
    pub(crate) peers: Option<PathBuf>,
    /// How often each is run; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Also in the shape of Qwen2.5-Coder-0.5B: 2 GB of weights on disk and in memory.
    #[arg(long)]
    pub(crate) large: bool,
    /// One run, as JSON: what the command starts of itself.
    #[arg(long, num_args = 1.., hide = true)]
    pub(crate) single: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// How many documents to make, of about 2.5 kB.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    pub(crate) documents: u32,
    /// Where the index is kept meanwhile, with 700 bytes a document free.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// One run, as JSON: what the command starts of itself.
    #[arg(long, hide = true)]
    pub(crate) single: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DedupArguments {
    /// How many files to take.
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) files: u32,
    /// Measure other libraries too, those that this Python has: datasketch, rensa, gaoya, text-dedup, datatrove.
    #[arg(long, value_name = "PYTHON")]
    pub(crate) peers: Option<PathBuf>,
    /// How often each is run; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// One run over the files that this list names, as JSON: what the command starts of itself.
    #[arg(long, value_name = "LIST", hide = true)]
    pub(crate) list: Option<PathBuf>,
}
