//! Stages, each of which does the jobs of one kind, and the table of the stages that a program has.

use std::collections::BTreeMap;

use codelupe_catalogue::JobRow;
use codelupe_core::error::Coded;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::job::{Job, JobName};

/// Does the jobs of one kind.
///
/// It stores through the catalogue, under the context's fence, and is idempotent: done again, it changes nothing. It checks
/// the context's progress for a request to stop.
pub trait Stage: Send + Sync + 'static {
    /// What it is to do.
    type Input: Job;
    /// Its result, which is kept with the job.
    type Output: Serialize + DeserializeOwned;
    /// Its error. The class of its code decides what is done with the job.
    type Error: Coded;

    /// Does a job. It blocks.
    ///
    /// # Errors
    /// As the stage says.
    fn run(&self, context: &Context, input: Self::Input) -> Result<Self::Output, Self::Error>;
}

/// The stages that a program has, by the kind of their jobs.
#[derive(Default)]
pub struct Stages(BTreeMap<JobName, Box<dyn ErasedStage>>);

impl Stages {
    /// Adds a stage. Of two for one kind of job the later one counts.
    #[must_use]
    pub fn with<S: Stage>(mut self, stage: S) -> Self {
        self.0.insert(S::Input::NAME, Box::new(stage));
        self
    }

    /// Does a job by its stage.
    pub(crate) fn run(&self, context: &Context, job: &JobRow) -> Result<Value, Error> {
        let stage = self.0.iter().find(|(name, _)| name.as_str() == job.name);
        let Some((_, stage)) = stage else {
            let context = format!("this program has no stage for job {} ({})", job.id, job.name);
            return Err(Error::new(ErrorKind::Job, context));
        };
        stage.run_erased(context, job)
    }
}

/// A stage whose types are known to itself alone.
trait ErasedStage: Send + Sync {
    fn run_erased(&self, context: &Context, job: &JobRow) -> Result<Value, Error>;
}

impl<S: Stage> ErasedStage for S {
    fn run_erased(&self, context: &Context, job: &JobRow) -> Result<Value, Error> {
        let output = self.run(context, read(job)?).map_err(Error::of_stage)?;
        serde_json::to_value(output).map_err(|error| {
            let context = format!("the result of job {} cannot be written as JSON", job.id);
            Error::new(ErrorKind::Internal, context).with_source(error)
        })
    }
}

/// Reads the payload of a job.
fn read<J: Job>(job: &JobRow) -> Result<J, Error> {
    let (id, name) = (job.id, &job.name);
    if job.version != J::VERSION {
        let context = format!(
            "job {id} ({name}) has a payload of version {}, this program reads {}",
            job.version,
            J::VERSION
        );
        return Err(Error::new(ErrorKind::Job, context));
    }
    serde_json::from_str(&job.payload).map_err(|error| {
        let context = format!("job {id} ({name}) has a payload that cannot be read: {error}");
        Error::new(ErrorKind::Job, context)
    })
}
