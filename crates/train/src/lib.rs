//! The last stage: it keeps a model learning from the builds of a data folder.
//!
//! A training is a job of the queue ([`TrainStage`]). Its way:
//!
//! 1. **Choose** ([`Chooser`]): the files of the latest build that the line of models has not learned, and some that it has.
//!    Packed samples are made of them, once, in the folder of the training.
//! 2. **Learn**: an engine trains ([`TrainEngine`]): it is given an [`EngineJob`] and tells [`TrainEvent`]s. Checkpoints make it go on where
//!    it was.
//! 3. **Judge**: the result is compared with the promoted model of the line on held-out files.
//! 4. **Keep**: as a candidate, or promoted if it is better. One transaction registers the model and moves the cursor, so that
//!    no file is skipped or learned twice.
//!
//! ```text
//! models/
//!   NAME/                   a base, a fully trained model or an adapter: its files, training.json, README.md
//!   trainings/NAME/         job.json, events.jsonl, train/ validation/ held_out/ (samples), checkpoint/, report.html
//! ```

#![forbid(unsafe_code)]

mod base;
mod card;
mod checkpoint;
mod choose;
mod config;
mod cursor;
mod documents;
mod engine;
mod environment;
mod error;
mod evaluate;
mod events;
mod format;
mod handover;
mod job;
mod judge;
mod keep;
mod learn;
mod memory;
mod outcome;
mod registry;
mod report;
mod stage;
mod training;

pub use base::{Base, find_base};
pub use card::TrainingRecord;
pub use choose::{Chooser, Counted, Preview};
pub use config::{ContinueFrom, EngineChoice, Launcher, Mode, TorchConfig, TrainConfig};
pub use engine::{Ended, StopToken, Support, TrainEngine, choose, native, torch};
pub use environment::Environment;
pub use error::{Error, ErrorKind};
pub use evaluate::Evaluation;
pub use events::Figures;
pub use job::{EngineJob, JOB_VERSION, TrainEvent};
pub use outcome::{Finished, TrainingOutcome};
pub use registry::{Opened, Registry};
pub use stage::{TrainStage, drive, enqueue, training_run};
