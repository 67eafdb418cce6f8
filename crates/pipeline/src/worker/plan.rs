//! From what is wanted to jobs.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use codelupe_catalogue::NewJob;
use codelupe_forge::Found;

use super::Worker;
use crate::build::check_name;
use crate::config::{Config, digest};
use crate::error::{Error, ErrorKind};
use crate::job::{PAYLOAD_VERSION, Payload, RepositoryPlace, Work};
use crate::progress::Step;

/// Repositories in one job: enough that the start of a job does not count, few enough that many workers find work.
const REPOSITORIES_PER_JOB: usize = 32;

/// What a run is to do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Repositories to process.
    pub repositories: Vec<Found>,
    /// Whether duplicates are to be found.
    pub dedup: bool,
    /// Whether the LSH index and the comparisons that were made are forgotten before that.
    pub rebuild: bool,
    /// Whether a build is to be made, and its name; `Some(None)` calls it after its content.
    pub build: Option<Option<String>>,
    /// Whether the latest build is to be indexed.
    pub index: bool,
    /// Jobs of a higher priority go first; 0 is normal.
    pub priority: i64,
}

/// The jobs of a run.
#[derive(Debug, Clone)]
pub struct Enqueued {
    /// The run's name.
    pub run: String,
    /// Its jobs, in order.
    pub jobs: Vec<i64>,
    /// How many of them were in the queue already, from an earlier run that was interrupted or one that still goes on.
    pub known: usize,
}

impl Worker {
    /// Enqueues the jobs of a plan. Jobs that wait already are not made twice.
    ///
    /// # Errors
    /// `Config` when a setting or a name is not valid; `Store` when the catalogue fails. Nothing is enqueued then.
    pub fn enqueue(&self, config: &Config, plan: &Plan) -> Result<Enqueued, Error> {
        config.validate()?;
        let run = run_name();
        let trace = RandomState::new();
        let mut jobs = Vec::new();
        for (key, work) in works(config, plan)? {
            let name = work.name();
            let payload = serde_json::to_string(&Payload {
                config: config.clone(),
                work,
            })
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a job cannot be written as JSON: {error}")))?;
            jobs.push(NewJob {
                trace_parent: Some(trace_parent(&trace, &key)),
                key,
                name: name.as_str().to_owned(),
                run: run.clone(),
                step: name.step(),
                priority: plan.priority,
                version: PAYLOAD_VERSION,
                payload,
            });
        }
        let enqueued = self.wait(self.catalogue.enqueue(&jobs))?;
        if !plan.repositories.is_empty() {
            self.progress.plan(Step::Process, plan.repositories.len() as u64);
        }
        Ok(Enqueued {
            run,
            known: enqueued.iter().filter(|job| !job.new).count(),
            jobs: enqueued.into_iter().map(|job| job.id).collect(),
        })
    }
}

/// Each piece of work, under the key that makes it one.
fn works(config: &Config, plan: &Plan) -> Result<Vec<(String, Work)>, Error> {
    let mut works = Vec::new();
    let recipe = config.recipe();
    for repositories in plan.repositories.chunks(REPOSITORIES_PER_JOB) {
        let repositories: Vec<RepositoryPlace> = repositories.iter().map(RepositoryPlace::from).collect();
        let key = format!("process:{recipe}:{}", digest(&repositories));
        works.push((key, Work::Process { repositories }));
    }
    if plan.dedup {
        let rebuild = plan.rebuild;
        let anew = if rebuild { ":rebuild" } else { "" };
        works.push((format!("dedup:{}{anew}", config.dedup_state()), Work::Dedup { rebuild }));
    }
    if let Some(name) = &plan.build {
        name.as_deref().map_or(Ok(()), check_name)?;
        works.push((
            format!("build:{}", digest(&(config, name))),
            Work::Build { name: name.clone() },
        ));
    }
    if plan.index {
        works.push(("index".to_owned(), Work::Index));
    }
    Ok(works)
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
