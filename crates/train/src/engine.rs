//! Who trains. The seam is the job, not the operation: an engine is given a [`EngineJob`] and puts the result into a folder.

pub mod native;
pub mod torch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codelupe_core::error::ErrorCode;
use codelupe_worker::Progress;
use serde::Deserialize;

use crate::config::{EngineChoice, TorchConfig};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::job::{EngineJob, TrainEvent};

/// Whether an engine can do a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// It can, with about so many bytes of memory.
    Yes {
        /// Bytes of memory.
        bytes: u64,
        /// Why it is the right one, for a user.
        why: String,
    },
    /// It cannot.
    No {
        /// Why, for a user.
        why: String,
    },
}

/// How an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All steps were taken.
    AllSteps,
    /// The validation loss did not fall any more.
    Early,
}

/// Trains by jobs.
pub trait TrainEngine {
    /// Its name, as in the configuration.
    fn name(&self) -> &'static str;

    /// Whether it can do the job.
    fn probe(&self, job: &EngineJob) -> Support;

    /// Does the job, from its checkpoint if it has one, and puts the result into [`EngineJob::out`], whole or not at all.
    ///
    /// # Errors
    /// `Canceled` after a stop, with a checkpoint; `Diverged`, naming the rows; `Model`, `Samples`, `Engine` or `Store`.
    fn run(&self, job: &EngineJob, events: &mut dyn FnMut(TrainEvent), stop: &StopToken) -> Result<Ended, Error>;
}

/// Tells work to end. Clones are the same token.
#[derive(Debug, Clone, Default)]
pub struct StopToken {
    asked: Arc<AtomicBool>,
    /// The job that the work is a part of.
    around: Option<Arc<Progress>>,
}

impl StopToken {
    /// A token for a part of a job: it ends with the whole, and the whole does not end with it.
    pub(crate) fn within(progress: &Arc<Progress>) -> Self {
        Self {
            asked: Arc::default(),
            around: Some(Arc::clone(progress)),
        }
    }

    /// Asks for the end.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn is_stopped(&self) -> bool {
        let around = self.around.iter().any(|around| around.is_stopping());
        around || self.asked.load(Ordering::Relaxed)
    }

    /// An error when the end was asked for.
    ///
    /// # Errors
    /// `Canceled`.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_stopped() {
            Err(Error::canceled())
        } else {
            Ok(())
        }
    }
}

/// The engine for a job, and why it is that one. `auto` asks torch first, which is for a GPU then, and native next.
///
/// # Errors
/// `Engine` when the chosen one, or none, can do it, with the reasons.
pub fn choose(
    choice: EngineChoice,
    torch: &TorchConfig,
    environment: &Environment,
    job: &EngineJob,
) -> Result<(Box<dyn TrainEngine>, String), Error> {
    let native = || -> Box<dyn TrainEngine> { Box::new(native::NativeEngine) };
    let for_gpu = || torch::TorchEngine::for_gpu(torch.clone(), environment.clone());
    let anywhere = || torch::TorchEngine::new(torch.clone(), environment.clone());
    let engines: Vec<Box<dyn TrainEngine>> = match choice {
        EngineChoice::Auto => vec![Box::new(for_gpu()), native()],
        EngineChoice::Native => vec![native()],
        EngineChoice::Torch => vec![Box::new(anywhere())],
    };
    let mut reasons = Vec::new();
    for engine in engines {
        match engine.probe(job) {
            Support::Yes { why, .. } => {
                let passed_over = reasons.into_iter().map(|reason| format!("; not {reason}"));
                return Ok((engine, passed_over.fold(why, |why, reason| why + &reason)));
            }
            Support::No { why } => reasons.push(format!("{}: {why}", engine.name())),
        }
    }
    let context = format!("no engine can train this: {}", reasons.join("; "));
    Err(Error::new(ErrorKind::Engine, context).with_code(ErrorCode::Validation))
}
