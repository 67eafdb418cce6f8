//! Enqueuing the jobs of a run.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use codelupe_catalogue::{Catalogue, NewJob};

use crate::error::{Error, ErrorKind};
use crate::job::Job;

/// The jobs of one command, before they are enqueued. It links no stage.
pub struct Run {
    name: String,
    priority: i64,
    trace: RandomState,
    jobs: Vec<NewJob>,
}

/// The jobs of a run in the queue.
#[derive(Debug, Clone)]
pub struct Enqueued {
    /// The run's name.
    pub run: String,
    /// Its jobs, in order.
    pub jobs: Vec<i64>,
    /// Those of them that were not in the queue before.
    pub new: Vec<i64>,
    /// How many of them were in the queue already, from an earlier run that was interrupted or one that still goes on.
    pub known: usize,
}

impl Run {
    /// A run without jobs. Jobs of a higher priority go first; 0 is normal.
    pub fn new(priority: i64) -> Self {
        Self {
            name: run_name(),
            priority,
            trace: RandomState::new(),
            jobs: Vec::new(),
        }
    }

    /// Adds a job, unless one with the same key is not over yet.
    ///
    /// # Errors
    /// `Internal` when it has no JSON form.
    pub fn add<J: Job>(&mut self, key: String, job: &J) -> Result<(), Error> {
        let payload = serde_json::to_string(job)
            .map_err(|error| Error::new(ErrorKind::Internal, "a job cannot be written as JSON").with_source(error))?;
        self.jobs.push(NewJob {
            trace_parent: Some(trace_parent(&self.trace, &key)),
            key,
            name: J::NAME.as_str().to_owned(),
            run: self.name.clone(),
            step: J::STEP,
            priority: self.priority,
            version: J::VERSION,
            payload,
        });
        Ok(())
    }

    /// Puts the jobs into the queue, all or none. Jobs that are already waiting are not added again.
    ///
    /// # Errors
    /// `Store` when the catalogue fails.
    pub async fn enqueue(self, catalogue: &Catalogue) -> Result<Enqueued, Error> {
        let enqueued = catalogue.enqueue(&self.jobs).await?;
        Ok(Enqueued {
            run: self.name,
            new: enqueued.iter().filter(|job| job.new).map(|job| job.id).collect(),
            known: enqueued.iter().filter(|job| !job.new).count(),
            jobs: enqueued.into_iter().map(|job| job.id).collect(),
        })
    }
}

/// When a run began, to the millisecond, and by which process.
fn run_name() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", since_epoch.as_millis(), std::process::id())
}

/// A W3C trace context: one trace for a run, a span for each job; log lines of all workers carry it.
fn trace_parent(trace: &RandomState, key: &str) -> String {
    let (high, low, span) = (trace.hash_one(0), trace.hash_one(1), trace.hash_one(key));
    format!("00-{high:016x}{low:016x}-{span:016x}-01")
}
