//! Trainings, the contents that models have learned, and the models.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use codelupe_core::BlobId;
use serde::Serialize;
use sqlx::FromRow;

use crate::error::Error;
use crate::rows::jobs::Fence;

/// The stable names of an enumeration's values, as they stand in tables, reports and wires.
macro_rules! names {
    ($type:ident, $what:literal, $($value:ident => $name:literal),+) => {
        impl $type {
            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, ParseNameError> {
                match text {
                    $($name => Ok(Self::$value),)+
                    _ => Err(ParseNameError { text: text.to_owned(), what: $what }),
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = ParseNameError;

            fn try_from(text: String) -> Result<Self, ParseNameError> {
                text.parse()
            }
        }
    };
}

/// A text that is no such name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct ParseNameError {
    text: String,
    what: &'static str,
}

/// How far a training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingState {
    /// Samples are made from a build.
    Formatting,
    /// The engine works.
    Training,
    /// The result is compared with the promoted model.
    Evaluating,
    /// It made a model.
    Finished,
    /// It ended by an error.
    Failed,
    /// It was ended by request.
    Canceled,
}

names!(TrainingState, "state of a training",
    Formatting => "formatting", Training => "training", Evaluating => "evaluating",
    Finished => "finished", Failed => "failed", Canceled => "canceled");

impl TrainingState {
    /// Whether a training in this state goes on.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Formatting | Self::Training | Self::Evaluating)
    }
}

/// What the files of a model are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Weights that training begins from.
    Base,
    /// Weights that were all trained here.
    Full,
    /// A LoRA adapter, which needs the weights of its base.
    Adapter,
}

names!(ModelKind, "kind of a model", Base => "base", Full => "full", Adapter => "adapter");

/// Where a model stands among those of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It was made, and is not in use.
    Candidate,
    /// The one of its line that is in use.
    Promoted,
    /// It was in use before.
    Retired,
}

names!(ModelState, "state of a model",
    Candidate => "candidate", Promoted => "promoted", Retired => "retired");

/// What starts a training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTraining {
    /// Its name, which is that of its folder.
    pub name: String,
    /// The model whose weights it starts from.
    pub base: String,
    /// The model that it continues, if any.
    pub parent: Option<String>,
    /// SHA-256 of the manifest of the build it learns from, hexadecimal.
    pub build: String,
    /// The settings in force, as JSON.
    pub config: String,
}

/// A training.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct TrainingRow {
    /// Its number.
    pub id: i64,
    /// Its name, which is that of its folder.
    pub name: String,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub state: TrainingState,
    /// The model whose weights it started from.
    pub base: String,
    /// The model that it continues.
    pub parent: Option<String>,
    /// SHA-256 of the manifest of the build it learns from, hexadecimal.
    pub build: String,
    /// The hash over the samples it learns from, hexadecimal.
    pub data: Option<String>,
    /// The engine that does or did it.
    pub engine: Option<String>,
    /// The settings in force, as JSON.
    pub config: String,
    /// Losses, speed, memory and the like, as JSON.
    pub figures: Option<String>,
    /// The stable code of the error that ended it.
    pub error_code: Option<String>,
    /// That error.
    pub error: Option<String>,
    /// When it started, milliseconds since the Unix epoch.
    pub started_at: i64,
    /// When it ended, milliseconds since the Unix epoch.
    pub finished_at: Option<i64>,
}

/// What is noted about an open training as it goes on; what is `None` stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingProgress {
    /// The hash over its samples.
    pub data: Option<String>,
    /// Its engine.
    pub engine: Option<String>,
    /// Its figures so far, as JSON.
    pub figures: Option<String>,
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingEnd {
    /// Finished, failed or canceled.
    pub state: TrainingState,
    /// Its figures, as JSON.
    pub figures: Option<String>,
    /// The error that ended it: its stable code and what it says.
    pub error: Option<(String, String)>,
}

/// A model to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewModel {
    /// Its name, which is that of its folder.
    pub name: String,
    /// What its files are.
    pub kind: ModelKind,
    /// Those it competes with.
    pub line: String,
    /// The model whose weights it needs.
    pub base: Option<String>,
    /// The model that it continues.
    pub parent: Option<String>,
    /// Loss on held-out data, nats a token.
    pub loss: Option<f64>,
    /// The evaluation, as JSON.
    pub evaluation: Option<String>,
    /// Whether it is promoted immediately, which retires the promoted one of its line.
    pub promote: bool,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct ModelRow {
    /// Its number: younger models have higher ones.
    pub id: i64,
    /// Its name, which is that of its folder.
    pub name: String,
    /// What its files are.
    #[sqlx(try_from = "String")]
    pub kind: ModelKind,
    /// Those it competes with.
    pub line: String,
    /// The model whose weights it needs.
    pub base: Option<String>,
    /// The model that it continues.
    pub parent: Option<String>,
    /// The training that made it.
    pub training_id: Option<i64>,
    /// Where it stands in its line.
    #[sqlx(try_from = "String")]
    pub state: ModelState,
    /// Loss on held-out data, nats a token.
    pub loss: Option<f64>,
    /// The evaluation, as JSON.
    pub evaluation: Option<String>,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it came into use last, milliseconds since the Unix epoch.
    pub promoted_at: Option<i64>,
}

/// Trainings, the trainer's cursor, and the registry of models.
#[async_trait]
pub trait Trainings {
    /// Starts a training, under a lease if there is one, and returns its number.
    ///
    /// # Errors
    /// `Conflict` while another training is open; `LeaseLost`; otherwise `Database` and the connection's own errors.
    async fn start_training(&self, fence: Option<Fence>, training: &NewTraining) -> Result<i64, Error>;

    /// The training that has not ended: at most one.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn open_training(&self) -> Result<Option<TrainingRow>, Error>;

    /// The latest trainings, youngest first.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn trainings(&self, limit: u32) -> Result<Vec<TrainingRow>, Error>;

    /// Notes how far an open training has come.
    ///
    /// # Errors
    /// `Conflict` when the training is not open any more; `LeaseLost`; otherwise `Database` and the connection's own errors.
    async fn advance_training(
        &self,
        fence: Option<Fence>,
        training: i64,
        state: TrainingState,
        progress: &TrainingProgress,
    ) -> Result<(), Error>;

    /// Ends a training: in one transaction it is closed, its model registered, and what it learned becomes known to the line.
    ///
    /// # Errors
    /// `Conflict` when the training is not open any more, or a model of that name exists; `LeaseLost`; otherwise `Database`
    /// and the connection's own errors. Nothing has changed then.
    async fn end_training(
        &self,
        fence: Option<Fence>,
        training: i64,
        end: &TrainingEnd,
        made: Option<&NewModel>,
        learned: &[BlobId],
    ) -> Result<(), Error>;

    /// The contents that a line of models has learned.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn trained_contents(&self, line: &str) -> Result<HashSet<BlobId>, Error>;

    /// Registers a model that no training has made.
    ///
    /// # Errors
    /// `Conflict` when one of that name exists; otherwise `Database` and the connection's own errors.
    async fn register_model(&self, model: &NewModel) -> Result<(), Error>;

    /// All models, oldest first.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn models(&self) -> Result<Vec<ModelRow>, Error>;

    /// Brings a model into use, and retires the one of its line that was.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name; otherwise `Database` and the connection's own errors.
    async fn promote_model(&self, name: &str) -> Result<(), Error>;

    /// Forgets a model. What it learned counts as learned still.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name; otherwise `Database` and the connection's own errors.
    async fn remove_model(&self, name: &str) -> Result<(), Error>;

    /// Ends the open training as canceled, and takes its jobs, those of this name, out of the queue: all or nothing. False
    /// when there was neither.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn cancel_training(&self, job: &str) -> Result<bool, Error>;
}
