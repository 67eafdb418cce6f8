//! The commands about the queue.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use codelupe_catalogue::JobState;
use codelupe_worker::JobName;

pub(super) const WORKER: &str = "\
A worker takes one job at a time. Ctrl-C or SIGTERM: it takes no more, and gives the running one back at the next good
point. A worker that vanishes is replaced when its lease has run out.

Examples:
  codelupe --db postgres://lupe@db/lupe run --enqueue ~/src
  codelupe --db postgres://lupe@db/lupe worker
  codelupe worker --stages process --until-idle";

pub(super) const JOBS: &str = "\
Examples:
  codelupe jobs list --state dead
  codelupe jobs retry 17";

/// What becomes of the jobs of a command.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct QueueArguments {
    /// Only put the work into the queue, for `codelupe worker`.
    #[arg(long)]
    pub(crate) enqueue: bool,
    /// Jobs of a higher priority go first.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) priority: i64,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArguments {
    /// Only these kinds of work.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STAGE,…", default_values_t = Stage::ALL)]
    pub(crate) stages: Vec<Stage>,
    /// End when there is nothing to do.
    #[arg(long)]
    pub(crate) until_idle: bool,
    /// After how long without a sign of life a worker counts as gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    lease: u32,
}

impl WorkerArguments {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease.into())
    }
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Read and process repositories.
    Process,
    /// Find duplicates.
    Dedup,
    /// Make builds.
    Build,
    /// Make the latest build searchable.
    Index,
    /// Train models.
    Train,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Process, Self::Dedup, Self::Build, Self::Index, Self::Train];

    pub(crate) const fn job_name(self) -> JobName {
        match self {
            Self::Process => JobName::Process,
            Self::Dedup => JobName::Dedup,
            Self::Build => JobName::Build,
            Self::Index => JobName::Index,
            Self::Train => JobName::Train,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first, and how many there are.
    List(ListArguments),
    /// Show one job with its payload, result and error.
    Show {
        /// The job's number.
        id: i64,
    },
    /// Queue a dead or canceled job again.
    Retry(RetryArguments),
    /// Take a job out of the queue; a running one loses its lease and is stopped.
    Cancel {
        /// The job's number.
        id: i64,
    },
    /// Forget jobs that are done or canceled.
    Prune {
        /// Only those that ended more than so many hours ago.
        #[arg(long, value_name = "HOURS", default_value_t = 24 * 7)]
        older_than: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only jobs in this state: queued, running, done, dead, canceled.
    #[arg(long)]
    pub(crate) state: Option<JobState>,
    /// Only this kind of work.
    #[arg(long, value_enum)]
    pub(crate) stage: Option<Stage>,
    /// The most jobs to list.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RetryArguments {
    /// The job's number.
    pub(crate) id: Option<i64>,
    /// All dead jobs.
    #[arg(long)]
    pub(crate) all: bool,
}
