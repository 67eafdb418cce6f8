//! The command line.

mod crawl;
mod db;
mod dedup;
mod errors;
mod queue;
mod signatures;
mod source;
mod train;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use codelupe_forge::Source;

pub(crate) use crawl::{CrawlArguments, ListReposArguments, Order, RefreshArguments, ReposCommand};
pub(crate) use db::{DbCommand, MigrateArguments, NewArguments, RollbackArguments};
pub(crate) use dedup::{
    ClustersArguments, DedupArguments, DedupCommand, RepositoriesArguments, SimilarArguments, TuneArguments,
};
pub(crate) use errors::{ErrorsArguments, ErrorsCommand, ForgetArguments, ListErrorsArguments};
pub(crate) use signatures::{ExportSignaturesArguments, ImportSignaturesArguments, SignatureScheme, SignaturesCommand};
use source::SourceParser;
pub(crate) use train::{
    EngineArgument, GenerateArguments, InitArguments, MergeArguments, ModelsCommand, PresetArgument, SamplesCommand,
    ShowSamplesArguments, TrainArguments, TrainCommand, TrainingArguments,
};

pub(crate) use queue::{JobsCommand, ListArguments, QueueArguments, RetryArguments, WorkerArguments};

/// The data folder when none is named.
pub(crate) const DEFAULT_DATA: &str = "codelupe-data";

/// Turns source repositories into a clean, deduplicated, license-known, secret-free training corpus.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `codelupe demo`, or `codelupe run FOLDER` on your own repositories.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The data folder: catalogue, corpus and search index.
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "CODELUPE_DATA",
        hide_env_values = true,
        default_value = DEFAULT_DATA
    )]
    pub(crate) data: PathBuf,
    /// The catalogue: `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`; by default a SQLite file in the data folder. A
    /// password belongs into PGPASSWORD, the password file of libpq, or this variable.
    #[arg(long, global = true, value_name = "URL", env = "CODELUPE_DB", hide_env_values = true)]
    pub(crate) db: Option<String>,
    /// Where segments and builds lie: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`; by default in the
    /// data folder. Credentials and endpoint come from the usual variables of the provider (AWS_…, GOOGLE_…, AZURE_…).
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CODELUPE_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<String>,
    /// Migrate an old schema at start, instead of refusing it.
    #[arg(long, global = true, env = "CODELUPE_MIGRATE", hide_env_values = true)]
    pub(crate) migrate: bool,
    /// A TOML file with settings; see `codelupe config` for all of them.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CODELUPE_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Keep the metrics of this process in a file, in Prometheus' text format; see docs/metrics.md. Written anew every 15 s
    /// and at the end. Each process needs a file of its own.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CODELUPE_METRICS",
        hide_env_values = true
    )]
    pub(crate) metrics: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say less: no progress, only warnings.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The form of log lines.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a corpus of the crate sources on this machine and train a tiny model on it, to see what the program does.
    #[command(
        after_help = "Example:\n  codelupe demo\n  codelupe search 'binary heap'\n  codelupe models generate --prompt 'fn main() {'"
    )]
    Demo(DemoArguments),
    /// Go the whole way: find, process, deduplicate, build, index. Goes on where it was stopped.
    #[command(after_help = SOURCES)]
    Run(SourceArguments),
    /// List what forges have into the catalogue, within their limits. Goes on where it was stopped.
    #[command(after_help = crawl::CRAWL)]
    Crawl(CrawlArguments),
    /// Look at the repositories that crawls have found, and why each is fetched or not.
    #[command(subcommand, after_help = crawl::REPOS)]
    Repos(ReposCommand),
    /// Only find, read and process repositories.
    #[command(after_help = SOURCES)]
    Process(SourceArguments),
    /// Only find exact and near duplicates among what was processed.
    #[command(after_help = dedup::DEDUP, args_conflicts_with_subcommands = true)]
    Dedup(DedupArguments),
    /// Exchange signatures with other programs and other machines.
    #[command(subcommand, after_help = signatures::SIGNATURES)]
    Signatures(SignaturesCommand),
    /// Find the files of the corpus that are like a file.
    #[command(after_help = dedup::SIMILAR)]
    Similar(SimilarArguments),
    /// Only make a build of the survivors.
    #[command(after_help = "Example:\n  codelupe build --name rust-2026-11")]
    Build(BuildArguments),
    /// Only make the latest build searchable.
    Index(QueueArguments),
    /// Train a model on what is new in the latest build. Goes on where it was stopped.
    #[command(after_help = train::TRAIN, args_conflicts_with_subcommands = true)]
    Train(TrainArguments),
    /// Make models, look at them, bring them into use, and use them.
    #[command(subcommand, alias = "model", after_help = train::MODELS)]
    Models(ModelsCommand),
    /// Look at what models are trained on.
    #[command(
        subcommand,
        after_help = "Example:\n  codelupe samples show --kind fim-psm --language Rust"
    )]
    Samples(SamplesCommand),
    /// Do the jobs that `--enqueue` put into the queue, together with any number of other workers.
    #[command(after_help = queue::WORKER)]
    Worker(WorkerArguments),
    /// Look at the queue, and queue jobs again or take them out.
    #[command(subcommand, after_help = queue::JOBS)]
    Jobs(JobsCommand),
    /// Look at the errors that were met, forget them, and try whether alerts arrive.
    #[command(after_help = errors::EXAMPLES)]
    Errors(ErrorsArguments),
    /// Migrate the catalogue's schema, go back, check it.
    #[command(subcommand, after_help = db::EXAMPLES)]
    Db(DbCommand),
    /// Show where every file went, languages, licenses, quality, and what deduplication saved.
    #[command(after_help = "Example:\n  codelupe stats --json | jq .funnel")]
    Stats,
    /// Tell the story of one file: every signal, the verdict, its reason, the kept twin.
    #[command(after_help = "Example:\n  codelupe explain ripgrep/crates/core/main.rs")]
    Explain(ExplainArguments),
    /// Search the latest build.
    #[command(after_help = "Example:\n  codelupe search --language Rust 'impl Iterator for'")]
    Search(SearchArguments),
    /// Copy a build out, as Parquet or JSON lines.
    #[command(after_help = "Example:\n  codelupe export --format jsonl.zst corpus-jsonl")]
    Export(ExportArguments),
    /// Say what is configured and whether it works.
    Doctor,
    /// Print all settings as they are in force, as TOML.
    #[command(after_help = "Example:\n  codelupe config > codelupe.toml")]
    Config,
}

const SOURCES: &str = "\
A SOURCE is a folder, an address or a query:
  PATH        a git repository (its HEAD is read from the object database, nothing is checked out), a folder of
              repositories, or one plain folder of files (its ignore files are honored); found out by looking
  repos:PATH  every child folder is one repository
  repo:PATH   the folder is one repository
  https://…   the git repository at that address: its newest commit is fetched into memory, nothing is checked out.
              Tokens come from CODELUPE_GITHUB_TOKEN, CODELUPE_GITLAB_TOKEN, CODELUPE_CODEBERG_TOKEN, or the file
              that CODELUPE_TOKENS_FILE names, a line `https://HOST TOKEN` each
  QUERY       what a forge lists and the [selection] settings let through: github:owner/name, github:owner,
              'github?language=rust&stars=>500', gitlab:group, gitea:HOST/owner; see `codelupe crawl --help`

Examples:
  codelupe run ~/src
  codelupe run https://github.com/BurntSushi/ripgrep
  codelupe run 'github?language=rust&stars=>5000'
  codelupe run repo:./notes ~/work/service.git";

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How many crates to take at most, in order of name.
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub(crate) limit: usize,
    /// Steps of training, about half a second each on two cores; 0: only make the corpus.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) steps: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Where repositories are.
    #[arg(required = true, value_name = "SOURCE", value_parser = SourceParser)]
    pub(crate) sources: Vec<Source>,
    #[command(flatten)]
    pub(crate) queue: QueueArguments,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The build's name; without one it is called after its content.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) queue: QueueArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The repository's name and the path in it.
    #[arg(value_name = "REPO/PATH")]
    pub(crate) file: OsString,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// Words that must all occur; "quoted words" must follow each other.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Only files, or only repositories.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<SearchKind>,
    /// Only this language, by linguist's name.
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// Only this repository.
    #[arg(long, alias = "repo")]
    pub(crate) repository: Option<String>,
    /// How many hits, 1 to 100.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) limit: u8,
    /// How many hits to pass over.
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SearchKind {
    /// Files.
    File,
    /// Repositories.
    Repository,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The new folder to write, or where in a bucket: `s3://BUCKET/PREFIX`, `gs://…` or `az://…`.
    #[arg(value_name = "FOLDER|URL")]
    pub(crate) target: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value_t = ExportFormat::Parquet)]
    pub(crate) format: ExportFormat,
    /// Which build; without one the latest.
    #[arg(long, value_name = "NAME")]
    pub(crate) build: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Parquet, as the build has it, with manifest and dataset card.
    Parquet,
    /// JSON lines compressed with zstd.
    #[value(name = "jsonl.zst")]
    JsonLines,
}
