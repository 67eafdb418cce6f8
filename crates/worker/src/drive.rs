//! Working on the jobs of one run until they are over.

use std::thread;
use std::time::Duration;

use codelupe_catalogue::{JobRow, JobState, LeaseRequest};
use codelupe_core::error::{Class, ErrorCode};
use serde::de::DeserializeOwned;

use crate::attempt::Attempt;
use crate::error::{Error, ErrorKind};
use crate::job::JobName;
use crate::run::Enqueued;
use crate::worker::Worker;

/// How often to look whether the jobs that others have, or that wait for another attempt, are over.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Worker {
    /// Works on these jobs, and waits for those that other workers have, until all are done, and returns them.
    ///
    /// When it ends early, the jobs that this run put into the queue and nobody has begun are taken out again, and so are those
    /// of them that are dead for what the user asked for, who reads the error now; what is done stays done. Jobs that were
    /// there before, or that another run has joined since, are somebody else's too: they stay.
    ///
    /// # Errors
    /// The error of the first job that is dead; `Canceled` after a stop; `Store` when the catalogue fails.
    pub fn drive(&self, run: &Enqueued) -> Result<Vec<JobRow>, Error> {
        let done = self.work_off(&run.jobs);
        if done.as_ref().is_err_and(|error| error.code() != ErrorCode::Unavailable) {
            self.withdraw(run);
        }
        done
    }

    fn work_off(&self, ids: &[i64]) -> Result<Vec<JobRow>, Error> {
        let names = JobName::ALL.map(JobName::as_str);
        let request = LeaseRequest {
            worker: &self.name,
            names: &names,
            ids: Some(ids),
            limit: 1,
            lease: self.lease,
        };
        loop {
            self.progress.check()?;
            if let Some(job) = self.wait(self.catalogue.lease(&request))?.pop() {
                match self.attempt(&job)? {
                    Attempt::Done | Attempt::Again => {}
                    Attempt::Dead(error) | Attempt::Stopped(error) => return Err(error),
                }
                continue;
            }
            let jobs = self.wait(self.catalogue.jobs_by_id(ids))?;
            if let Some(error) = jobs.iter().find_map(ended_badly) {
                return Err(error);
            }
            if jobs.iter().all(|job| job.state == JobState::Done) {
                return Ok(jobs);
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Removes jobs that need not wait. A job whose removal fails stays, and the next worker does it, which does no harm.
    fn withdraw(&self, run: &Enqueued) {
        let jobs = self.wait(self.catalogue.jobs_by_id(&run.new)).unwrap_or_default();
        let is_ours = |job: &&JobRow| job.run == run.run;
        let need_not_wait = |job: &&JobRow| job.state == JobState::Queued || is_for_the_user(job);
        for job in jobs.iter().filter(is_ours).filter(need_not_wait) {
            if let Err(error) = self.wait(self.catalogue.cancel(job.id)) {
                tracing::debug!(job = job.id, %error, "not withdrawn");
                return;
            }
        }
    }
}

/// Whether a job is dead for what the user asked for.
fn is_for_the_user(job: &JobRow) -> bool {
    let code = job
        .error_code
        .as_deref()
        .and_then(|code| code.parse::<ErrorCode>().ok());
    job.state == JobState::Dead && code.is_some_and(|code| code.class() == Class::User)
}

/// The error of a job that another worker had, or that somebody took out.
fn ended_badly(job: &JobRow) -> Option<Error> {
    let (id, name) = (job.id, &job.name);
    match job.state {
        JobState::Dead => {
            let code = job
                .error_code
                .as_deref()
                .and_then(|code| code.parse().ok())
                .unwrap_or(ErrorCode::Internal);
            let message = job.error_message.as_deref().unwrap_or("no reason is known");
            Some(Error::new(ErrorKind::Elsewhere, format!("job {id} ({name}) is dead: {message}")).with_code(code))
        }
        JobState::Canceled => {
            let context = format!("job {id} ({name}) was canceled");
            Some(Error::new(ErrorKind::Elsewhere, context).with_code(ErrorCode::Canceled))
        }
        JobState::Queued | JobState::Running | JobState::Done => None,
    }
}

/// The result of a job that is done.
///
/// # Errors
/// `Elsewhere` when its result cannot be read.
pub fn result<T: DeserializeOwned>(job: &JobRow) -> Result<T, Error> {
    let text = job.result.as_deref().unwrap_or_default();
    serde_json::from_str(text).map_err(|error| {
        let context = format!("the result of job {} ({}) cannot be read: {error}", job.id, job.name);
        Error::new(ErrorKind::Elsewhere, context)
    })
}
