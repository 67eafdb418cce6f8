//! Jobs: what to do, as plain data, and the settings for it.
//!
//! A payload is versioned: a worker refuses one of another version, and the job waits in the dead letters for a program that
//! knows it.

mod place;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use place::{LocalKind, PlacePath, RepositoryPlace};

use crate::error::{Error, ErrorKind};

/// A kind of job. A job waits for the jobs of its run that come before it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobName {
    /// Read and process some repositories.
    Process,
    /// Find the duplicates among everything that was processed.
    Dedup,
    /// Make a build of the survivors.
    Build,
    /// Make the latest build searchable.
    Index,
    /// Train a model on what the latest build has that is new.
    Train,
}

impl JobName {
    /// All kinds, in the order of the work.
    pub const ALL: [Self; 5] = [Self::Process, Self::Dedup, Self::Build, Self::Index, Self::Train];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Dedup => "dedup",
            Self::Build => "build",
            Self::Index => "index",
            Self::Train => "train",
        }
    }
}

/// What a job is to do: the payload, in the form in which it is enqueued and read.
pub trait Job: Serialize + DeserializeOwned {
    /// Its kind.
    const NAME: JobName;
    /// Version of its form: raised when a field changes its meaning, or a program that knows the old form could not read it.
    const VERSION: i64;
    /// The step of a run that it belongs to; lower ones go first.
    const STEP: i64 = Self::NAME as i64;
}

/// The settings for a job: those that were in force when it was enqueued, so that all workers do the same. Only its stage knows
/// what they mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Value);

impl Settings {
    /// Wraps settings for a job.
    ///
    /// # Errors
    /// `Internal` when they have no JSON form.
    pub fn of(settings: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_value(settings)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Internal, "settings cannot be written as JSON").with_source(error))
    }

    /// The settings as their stage knows them.
    ///
    /// # Errors
    /// `Job` when they are not settings of that kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.0).map_err(|error| {
            let context = format!("the settings of a job cannot be read: {error}");
            Error::new(ErrorKind::Job, context)
        })
    }
}

/// Read and process some repositories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessJob {
    /// The settings of the pipeline.
    pub settings: Settings,
    /// The repositories.
    pub repositories: Vec<RepositoryPlace>,
}

impl Job for ProcessJob {
    const NAME: JobName = JobName::Process;
    const VERSION: i64 = 5;
}

/// Find the duplicates among everything that was processed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DedupJob {
    /// The settings of the pipeline.
    pub settings: Settings,
    /// Whether the LSH index and the comparisons that were made are forgotten before that.
    pub rebuild: bool,
}

impl Job for DedupJob {
    const NAME: JobName = JobName::Dedup;
    const VERSION: i64 = 5;
}

/// Make a build of the survivors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildJob {
    /// The settings of the pipeline.
    pub settings: Settings,
    /// Its name; without one it is called after its content.
    pub name: Option<String>,
}

impl Job for BuildJob {
    const NAME: JobName = JobName::Build;
    const VERSION: i64 = 5;
}

/// Make the latest build searchable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexJob {
    /// The settings of the pipeline.
    pub settings: Settings,
}

impl Job for IndexJob {
    const NAME: JobName = JobName::Index;
    const VERSION: i64 = 5;
}

/// Train a model on what the latest build has that is new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainJob {
    /// The settings of training.
    pub settings: Settings,
    /// Whether to start a training however little is new, as long as there is something to learn.
    pub force: bool,
}

impl Job for TrainJob {
    const NAME: JobName = JobName::Train;
    const VERSION: i64 = 5;
}
