//! The last stage: it keeps a model learning from the builds of a data folder.
//!
//! The way of a training ([`Trainer::train_once`]):
//!
//! 1. [`cursor`] chooses the files of the latest build that the line of models has not learned, and some that it has.
//! 2. [`format`](mod@format) makes packed samples of them, once, in the folder of the training.
//! 3. An [`engine`] trains: it is given a [`TrainJob`] and tells [`TrainEvent`]s. Checkpoints make it go on where it was.
//! 4. [`evaluate`] compares the result with the promoted model of the line on held-out files.
//! 5. [`registry`] keeps it: as a candidate, or promoted if it is better. One transaction registers the model and moves the
//!    cursor, so that no file is skipped or learned twice.
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
pub mod config;
pub mod cursor;
mod documents;
pub mod engine;
mod environment;
pub mod error;
pub mod evaluate;
pub mod format;
pub mod job;
mod memory;
pub mod registry;
pub mod report;
pub mod trainer;
mod training;

pub use base::{Base, find_base};
pub use card::TrainingRecord;
pub use config::{ContinueFrom, EngineChoice, Mode, TrainConfig};
pub use engine::{StopToken, TrainEngine};
pub use environment::Environment;
pub use error::{Error, ErrorKind};
pub use evaluate::Evaluation;
pub use job::{TrainEvent, TrainJob};
pub use registry::Registry;
pub use trainer::{Finished, Outcome, Request, Trainer};
pub use training::Figures;
