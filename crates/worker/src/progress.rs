//! What a running stage reports to observers, and how it is asked to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// The step that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Looking for repositories.
    Discover,
    /// Reading and processing repositories.
    Process,
    /// Comparing contents.
    Dedup,
    /// Writing a build.
    Build,
    /// Writing the search index.
    Index,
    /// Training a model.
    Train,
}

impl Step {
    /// The stable name in log lines and displays.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Process => "process",
            Self::Dedup => "dedup",
            Self::Build => "build",
            Self::Index => "index",
            Self::Train => "train",
        }
    }

    const fn from_index(index: u64) -> Self {
        match index {
            0 => Self::Discover,
            1 => Self::Process,
            2 => Self::Dedup,
            3 => Self::Build,
            4 => Self::Index,
            _ => Self::Train,
        }
    }
}

/// Counters that a stage raises and a display reads; all monotonic within one step.
#[derive(Debug, Default)]
pub struct Progress {
    stop: AtomicBool,
    /// Jobs taken up so far; the running one is the last of them.
    job: AtomicU64,
    /// The job that another worker has taken over.
    abandoned: AtomicU64,
    step: AtomicU64,
    planned: AtomicBool,
    /// Units of the step to do: repositories, then files.
    pub total: AtomicU64,
    /// Units done.
    pub done: AtomicU64,
    /// Files looked at by processing.
    pub files: AtomicU64,
    /// Bytes looked at by processing.
    pub bytes: AtomicU64,
    /// Bytes of packs that came from forges.
    pub received: Arc<AtomicU64>,
    /// Files kept by processing.
    pub kept: AtomicU64,
    /// Files dropped by fetching or processing.
    pub dropped: AtomicU64,
    /// Files whose content was known already and not read or not processed again.
    pub known: AtomicU64,
    /// Repositories that could not be read.
    pub failed: AtomicU64,
    current: Mutex<String>,
}

impl Progress {
    /// Asks the running stage to stop at the next safe point.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the stage should stop: it was asked to, or another worker has taken its job over.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_abandoned()
    }

    /// Begins another job, and returns its number.
    pub(crate) fn take_up(&self) -> u64 {
        self.job.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends the running job: what is said about it later stops nothing.
    pub(crate) fn put_down(&self) {
        self.take_up();
    }

    /// Says that another worker has taken that job over: if it is still the running one, its stage stops.
    pub(crate) fn abandon(&self, job: u64) {
        self.abandoned.store(job, Ordering::Relaxed);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        let job = self.job.load(Ordering::Relaxed);
        job > 0 && self.abandoned.load(Ordering::Relaxed) == job
    }

    /// The running step.
    pub fn step(&self) -> Step {
        Step::from_index(self.step.load(Ordering::Relaxed))
    }

    /// What is being worked on, as text safe to print.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a step that many jobs share: each of them adds to what is done of `total`.
    pub fn plan(&self, step: Step, total: u64) {
        self.planned.store(false, Ordering::Relaxed);
        self.begin(step, total);
        self.planned.store(true, Ordering::Relaxed);
    }

    /// Begins a step with the given number of units, unless it was planned.
    pub fn begin(&self, step: Step, total: u64) {
        if self.planned.load(Ordering::Relaxed) && self.step() == step {
            return;
        }
        self.planned.store(false, Ordering::Relaxed);
        self.step.store(step as u64, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.set_current("");
    }

    /// Says what is being worked on, as text safe to print.
    pub fn set_current(&self, current: &str) {
        current.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Fails when the stage should stop.
    ///
    /// # Errors
    /// `Canceled`.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_stopping() {
            Err(Error::canceled())
        } else {
            Ok(())
        }
    }
}

/// Adds to a counter.
pub fn raise(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_word_about_an_earlier_job_stops_nothing() {
        let progress = Progress::default();
        assert!(!progress.is_stopping());
        let first = progress.take_up();
        progress.abandon(first);
        assert!(progress.is_stopping());
        let second = progress.take_up();
        assert!(!progress.is_stopping());
        progress.abandon(first);
        assert!(!progress.is_stopping());
        progress.abandon(second);
        assert!(progress.is_abandoned() && progress.is_stopping());
    }

    #[test]
    fn a_job_that_another_took_over_does_not_stop_the_next() {
        let progress = Progress::default();
        progress.abandon(progress.take_up());
        assert!(progress.is_stopping());
        progress.put_down();
        assert!(!progress.is_stopping() && progress.check().is_ok());
    }

    #[test]
    fn a_planned_step_is_not_begun_anew_by_each_of_its_jobs() {
        let progress = Progress::default();
        progress.plan(Step::Process, 64);
        progress.done.fetch_add(32, Ordering::Relaxed);
        progress.begin(Step::Process, 32);
        assert_eq!(
            (
                progress.total.load(Ordering::Relaxed),
                progress.done.load(Ordering::Relaxed)
            ),
            (64, 32)
        );
        progress.begin(Step::Dedup, 7);
        progress.begin(Step::Process, 32);
        assert_eq!(
            (
                progress.total.load(Ordering::Relaxed),
                progress.done.load(Ordering::Relaxed)
            ),
            (32, 0)
        );
    }
}
