//! Doing jobs of any run as they come.

use std::thread;
use std::time::{Duration, Instant};

use codelupe_catalogue::LeaseRequest;
use codelupe_core::error::{Class, ErrorCode};

use crate::attempt::Attempt;
use crate::error::Error;
use crate::job::JobName;
use crate::worker::Worker;

/// How often an idle worker asks for jobs.
const POLL: Duration = Duration::from_millis(500);

/// How long it waits when the catalogue does not answer, beyond the store's own attempts.
const OUTAGE: Duration = Duration::from_secs(5);

/// How often it looks whether it should stop while it waits.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// When a worker ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// When there is no job that it can do now.
    Idle,
}

/// What a worker did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Jobs that it did.
    pub done: u64,
    /// Attempts that failed and will be made again.
    pub again: u64,
    /// Jobs that are dead.
    pub dead: u64,
}

impl Worker {
    /// Does jobs of these kinds until it is asked to stop; then it takes no more, and gives the running one back at the next
    /// safe point.
    ///
    /// # Errors
    /// What is wrong with this machine, such as a full disk; `Store` when the catalogue cannot be used at all.
    pub fn serve(&self, names: &[JobName], until: Until) -> Result<Served, Error> {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let request = LeaseRequest {
            worker: &self.name,
            names: &names,
            ids: None,
            limit: 1,
            lease: self.lease,
        };
        let mut served = Served::default();
        while !self.progress.is_stopping() {
            let leased = self.wait(self.catalogue.lease(&request)).map_err(Error::from);
            let attempt = match leased.map(|mut jobs| jobs.pop()) {
                Ok(Some(job)) => self.attempt(&job),
                Ok(None) if until == Until::Idle => break,
                Ok(None) => {
                    self.pause(POLL);
                    continue;
                }
                Err(error) => Err(error),
            };
            match attempt {
                Ok(Attempt::Done) => served.done += 1,
                Ok(Attempt::Again) => served.again += 1,
                Ok(Attempt::Dead(error)) => {
                    served.dead += 1;
                    tracing::error!(%error, code = %error.code(), "a job is dead; `codelupe jobs list --state dead` shows it");
                }
                Ok(Attempt::Stopped(error)) if error.code() == ErrorCode::Canceled => break,
                // It is a worker's task to be there when the database is back.
                Err(error) if error.code() == ErrorCode::Unavailable => {
                    tracing::debug!(%error, "waiting for the catalogue, which says itself that it is away");
                    self.pause(OUTAGE);
                }
                Err(error) if error.code().class() == Class::Transient => {
                    tracing::warn!(%error, "the catalogue does not answer; waiting");
                    self.pause(OUTAGE);
                }
                Ok(Attempt::Stopped(error)) | Err(error) => return Err(error),
            }
        }
        Ok(served)
    }

    fn pause(&self, duration: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end && !self.progress.is_stopping() {
            thread::sleep(STOP_CHECK);
        }
    }
}
