//! What a running stage tells whoever watches, and how it is asked to stop.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
        }
    }

    const fn from_index(index: u64) -> Self {
        match index {
            0 => Self::Discover,
            1 => Self::Process,
            2 => Self::Dedup,
            3 => Self::Build,
            _ => Self::Index,
        }
    }
}

/// Counters that a stage raises and a display reads; all monotonic within one step.
#[derive(Debug, Default)]
pub struct Progress {
    stop: AtomicBool,
    step: AtomicU64,
    /// Units of the step to do: repositories, then files.
    pub total: AtomicU64,
    /// Units done.
    pub done: AtomicU64,
    /// Files looked at by processing.
    pub files: AtomicU64,
    /// Bytes looked at by processing.
    pub bytes: AtomicU64,
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
    /// Asks the running stage to stop at the next good point.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The running step.
    pub fn step(&self) -> Step {
        Step::from_index(self.step.load(Ordering::Relaxed))
    }

    /// What is being worked on, in words safe to print.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn begin(&self, step: Step, total: u64) {
        self.step.store(step as u64, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.set_current("");
    }

    pub(crate) fn set_current(&self, current: &str) {
        current.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_stopping() {
            Err(Error::cancelled())
        } else {
            Ok(())
        }
    }
}

/// Adds to a counter.
pub(crate) fn raise(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
