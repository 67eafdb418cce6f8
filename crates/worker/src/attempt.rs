//! One attempt at one job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use codelupe_catalogue::{Failure, JobRow};
use codelupe_core::error::{Class, ErrorCode, ErrorContext, ErrorOccurrence};
use codelupe_telemetry::{JOB_ATTEMPT_DURATION, JOB_ATTEMPTS, JobLabels, JobOutcome, Stage, StageLabels, span};

use crate::error::{Error, ErrorKind};
use crate::heartbeat::Heartbeat;
use crate::worker::Worker;

/// The result of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The job is done.
    Done,
    /// It will be tried again, by us or by another.
    Again,
    /// It is dead, with this error.
    Dead(Error),
    /// It was given back, and this process should not go on.
    Stopped(Error),
}

/// What the error of a job means for it.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Again(Duration),
    Dead,
    Stop,
}

impl Worker {
    /// Does a job whose lease we hold, and records its result.
    ///
    /// # Errors
    /// `Store` when that cannot be recorded; the lease runs out then, and the job is done again.
    pub(crate) fn attempt(&self, job: &JobRow) -> Result<Attempt, Error> {
        let stage = Stage::of_job(&job.name);
        let started = JOB_ATTEMPT_DURATION.start();
        let settled = self.work_and_settle(job);
        JOB_ATTEMPT_DURATION.stop(started, StageLabels { stage });
        let outcome = outcome(&settled);
        JOB_ATTEMPTS.add(JobLabels { stage, outcome }, 1);
        settled
    }

    fn work_and_settle(&self, job: &JobRow) -> Result<Attempt, Error> {
        let trace = job.trace_parent.as_deref().unwrap_or_default();
        let span = tracing::info_span!(span::JOB, id = job.id, name = job.name, attempt = job.attempts, trace);
        let _entered = span.enter();
        tracing::debug!("begun");
        let heartbeat = Heartbeat::start(
            &self.runtime,
            self.catalogue.clone(),
            Arc::clone(&self.progress),
            job.fence(),
            self.lease,
        );
        let done = catch_unwind(AssertUnwindSafe(|| {
            self.stages.run(&self.context_of(Some(job.fence())), job)
        }))
        .unwrap_or_else(|_| {
            let context = format!("job {} ({}) ended by a defect", job.id, job.name);
            Err(Error::new(ErrorKind::Internal, context))
        });
        let settled = match done {
            Ok(result) => self.succeed(job, &result),
            Err(error) => self.fail(job, error),
        };
        drop(heartbeat);
        self.progress.put_down();
        settled
    }

    fn succeed(&self, job: &JobRow, result: &serde_json::Value) -> Result<Attempt, Error> {
        let completed = self.wait(self.catalogue.complete(&[(job.fence(), result.to_string())]))?;
        if completed.is_empty() {
            tracing::warn!("done, and the job was canceled or taken over by another worker meanwhile");
            return Ok(Attempt::Again);
        }
        tracing::debug!("done");
        Ok(Attempt::Done)
    }

    fn fail(&self, job: &JobRow, error: Error) -> Result<Attempt, Error> {
        // The job is not ours any more: there is nothing to settle, whatever the error is.
        if self.progress.is_abandoned() || error.code() == ErrorCode::LeaseLost {
            tracing::warn!("the job was canceled, or another worker has taken it over");
            return Ok(Attempt::Again);
        }
        if error.code() == ErrorCode::Canceled {
            self.wait(self.catalogue.release(job.fence()))?;
            return Ok(Attempt::Stopped(error));
        }
        let context = ErrorContext::new().with_job(job.id, attempts(job));
        let occurrence = ErrorOccurrence::from_chain(&job.name, error.code(), &error, context);
        self.tracker.reporter().report(occurrence.clone());
        let failure = |retry_after| Failure {
            code: error.code().to_string(),
            message: occurrence.message.clone(),
            retry_after,
        };
        match fate(error.code(), attempts(job), job.id.cast_unsigned()) {
            Fate::Again(delay) => {
                tracing::warn!(error = occurrence.message, ?delay, "failed, will be tried again");
                self.wait(self.catalogue.fail(job.fence(), &failure(Some(delay))))?;
                Ok(Attempt::Again)
            }
            Fate::Dead => {
                self.wait(self.catalogue.fail(job.fence(), &failure(None)))?;
                Ok(Attempt::Dead(error))
            }
            Fate::Stop => {
                self.wait(self.catalogue.release(job.fence()))?;
                Ok(Attempt::Stopped(error))
            }
        }
    }
}

fn outcome(settled: &Result<Attempt, Error>) -> JobOutcome {
    match settled {
        Ok(Attempt::Done) => JobOutcome::Done,
        Ok(Attempt::Again) => JobOutcome::Again,
        Ok(Attempt::Dead(_)) => JobOutcome::Dead,
        Ok(Attempt::Stopped(_)) => JobOutcome::GivenBack,
        Err(_) => JobOutcome::Unsettled,
    }
}

/// What may pass is tried again by the policy of its category; what is wrong with this machine ends this process and
/// leaves the job to others; everything else ends the job. The seed keeps jobs that failed together apart.
fn fate(code: ErrorCode, attempts: u32, seed: u64) -> Fate {
    match code.class() {
        Class::Transient => match code.policy().delay_after(attempts, None, seed) {
            Some(delay) => Fate::Again(delay),
            None => Fate::Dead,
        },
        Class::System => Fate::Stop,
        Class::User | Class::Permanent => Fate::Dead,
    }
}

fn attempts(job: &JobRow) -> u32 {
    u32::try_from(job.attempts).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobName;

    #[test]
    fn every_kind_of_job_is_a_stage_of_the_metrics() {
        for name in JobName::ALL {
            assert_eq!(Stage::of_job(name.as_str()).as_str(), name.as_str());
        }
        assert_eq!(Stage::of_job("of another version"), Stage::Unknown);
    }

    #[test]
    fn an_error_decides_what_becomes_of_its_job() {
        let check = |code, attempts, expected: fn(&Fate) -> bool| {
            let fate = fate(code, attempts, 7);
            assert!(expected(&fate), "{code}: {fate:?}");
        };
        check(ErrorCode::Database, 1, |fate| matches!(fate, Fate::Again(_)));
        check(ErrorCode::Stale, 1, |fate| matches!(fate, Fate::Again(_)));
        check(ErrorCode::Database, 99, |fate| *fate == Fate::Dead);
        check(ErrorCode::DiskFull, 1, |fate| *fate == Fate::Stop);
        check(ErrorCode::Validation, 1, |fate| *fate == Fate::Dead);
        check(ErrorCode::Internal, 1, |fate| *fate == Fate::Dead);
    }
}
