//! From what is wanted to jobs, and from jobs to their results.

use codelupe_catalogue::JobRow;
use codelupe_forge::Found;
use codelupe_inspect::Deduplicated;
use codelupe_worker::{
    BuildJob, DedupJob, Enqueued, IndexJob, JobName, ProcessJob, RepositoryPlace, Run, Settings, Step, Worker, result,
};

use crate::build::{Built, check_name};
use crate::config::{Config, digest};
use crate::error::Error;
use crate::ingest::Ingested;
use crate::place::place;

/// Repositories in one job: enough that the start of a job does not count, few enough that many workers find work.
const REPOSITORIES_PER_JOB: usize = 32;

/// What a run is to do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Repositories to process.
    pub repositories: Vec<Found>,
    /// Whether to find duplicates.
    pub dedup: bool,
    /// Whether the LSH index and the comparisons that were made are forgotten before that.
    pub rebuild: bool,
    /// Whether to make a build, and its name; `Some(None)` calls it after its content.
    pub build: Option<Option<String>>,
    /// Whether to index the latest build.
    pub index: bool,
    /// Jobs of a higher priority go first; 0 is normal.
    pub priority: i64,
}

impl Plan {
    /// Enqueues its jobs. Jobs that are already waiting are not added again.
    ///
    /// # Errors
    /// `Config` when a setting or a name is not valid; `Store` when the catalogue fails. Nothing is enqueued then.
    pub fn enqueue(&self, worker: &Worker, config: &Config) -> Result<Enqueued, Error> {
        let enqueued = worker.enqueue(self.run(config)?)?;
        if !self.repositories.is_empty() {
            worker.progress.plan(Step::Process, self.repositories.len() as u64);
        }
        Ok(enqueued)
    }

    /// Each piece of work, under the key that makes it one.
    fn run(&self, config: &Config) -> Result<Run, Error> {
        config.validate()?;
        let mut run = Run::new(self.priority);
        let settings = Settings::of(config)?;
        let recipe = config.recipe();
        for repositories in self.repositories.chunks(REPOSITORIES_PER_JOB) {
            let repositories: Vec<RepositoryPlace> = repositories.iter().map(place).collect();
            let key = format!("process:{recipe}:{}", digest(&repositories));
            let settings = settings.clone();
            run.add(key, &ProcessJob { settings, repositories })?;
        }
        if self.dedup {
            let rebuild = self.rebuild;
            let anew = if rebuild { ":rebuild" } else { "" };
            let settings = settings.clone();
            run.add(
                format!("dedup:{}{anew}", config.dedup_state()),
                &DedupJob { settings, rebuild },
            )?;
        }
        if let Some(name) = &self.build {
            name.as_deref().map_or(Ok(()), check_name)?;
            let job = BuildJob {
                settings: settings.clone(),
                name: name.clone(),
            };
            run.add(format!("build:{}", digest(&(config, name))), &job)?;
        }
        if self.index {
            run.add("index".to_owned(), &IndexJob { settings })?;
        }
        Ok(run)
    }
}

/// The result of a run: the sum over its jobs.
#[derive(Debug, Clone, Default)]
pub struct RunOutcome {
    /// What processing did.
    pub ingested: Ingested,
    /// What deduplication did, if it was part of the plan.
    pub deduplicated: Option<Deduplicated>,
    /// What building did, if it was part of the plan.
    pub built: Option<Built>,
}

impl RunOutcome {
    /// The outcome of jobs that are done.
    ///
    /// # Errors
    /// `Job` when a result cannot be read.
    pub fn of(jobs: &[JobRow]) -> Result<Self, Error> {
        let mut outcome = Self::default();
        for job in jobs {
            if job.name == JobName::Process.as_str() {
                outcome.ingested += result::<Ingested>(job)?;
            } else if job.name == JobName::Dedup.as_str() {
                outcome.deduplicated = Some(result(job)?);
            } else if job.name == JobName::Build.as_str() {
                outcome.built = Some(result(job)?);
            }
        }
        Ok(outcome)
    }
}
