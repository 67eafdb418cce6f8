//! The trainings, and the state of the trainer.

use codelupe_catalogue::{Catalogue, JobFilter, JobState, ModelRow, ModelState, TrainingRow, TrainingState};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::json::{parsed, serialize_changed};

/// A training; its settings and figures are serialized as the objects that they are.
#[derive(Debug, Clone)]
pub struct ListedTraining(pub TrainingRow);

impl ListedTraining {
    /// Losses, speed, memory and the like by name; null before there are any.
    pub fn figures(&self) -> Value {
        self.0.figures.as_deref().map_or(Value::Null, parsed)
    }
}

impl Serialize for ListedTraining {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_changed(&self.0, serializer, |fields| {
            fields.insert("config".to_owned(), parsed(&self.0.config));
            fields.insert("figures".to_owned(), self.figures());
        })
    }
}

/// The state of the trainer, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainerState {
    /// Nothing is asked for.
    Idle,
    /// A training waits in the queue, or a worker has just begun it.
    Waiting,
    /// A worker trains, and has come this far.
    Busy(TrainingState),
    /// A training is open, but no worker is doing it.
    Interrupted,
    /// The last training failed.
    Failed,
}

impl TrainerState {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Busy(state) => state.as_str(),
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    fn of(open: Option<&TrainingRow>, last: Option<&TrainingRow>, work: TrainerWork) -> Self {
        match (open, last) {
            (Some(training), _) if work.trains => Self::Busy(training.state),
            _ if work.trains || work.waits => Self::Waiting,
            (Some(_), _) => Self::Interrupted,
            (None, Some(training)) if training.state == TrainingState::Failed => Self::Failed,
            (None, _) => Self::Idle,
        }
    }
}

/// What the queue says of jobs that train.
#[derive(Debug, Clone, Copy)]
struct TrainerWork {
    /// A worker is doing one.
    trains: bool,
    /// One waits for a worker.
    waits: bool,
}

/// A model that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInUse {
    /// Its name.
    pub name: String,
    /// Its line, of which it is the only one in use.
    pub line: String,
    /// How many contents its line has learned.
    pub learned: usize,
}

/// The state of the trainer and its results. The models in use are serialized as their names, and as what each line learned.
#[derive(Debug, Clone)]
pub struct TrainerStatus {
    /// The state of the trainer.
    pub state: TrainerState,
    /// The training that is not over.
    pub open: Option<ListedTraining>,
    /// The one that began last.
    pub last: Option<ListedTraining>,
    /// The models in use, oldest first.
    pub in_use: Vec<ModelInUse>,
}

impl Serialize for TrainerStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.in_use.iter().map(|model| &*model.name).collect();
        let learned = self
            .in_use
            .iter()
            .map(|model| (model.line.clone(), model.learned.into()));
        let mut status = serializer.serialize_struct("TrainerStatus", 5)?;
        status.serialize_field("state", self.state.as_str())?;
        status.serialize_field("open_training", &self.open)?;
        status.serialize_field("last_training", &self.last)?;
        status.serialize_field("in_use", &names)?;
        status.serialize_field("learned", &learned.collect::<Map<String, Value>>())?;
        status.end()
    }
}

/// The latest trainings, at most `limit`, newest first.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn trainings(catalogue: &Catalogue, limit: u32) -> Result<Vec<ListedTraining>, Error> {
    let trainings = catalogue.trainings(limit).await?;
    Ok(trainings.into_iter().map(ListedTraining).collect())
}

/// The state of the trainer. The crate of the worker alone knows which `kind` of job trains, and whether a worker is doing
/// one (`trains`).
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn trainer_status(catalogue: &Catalogue, kind: &str, trains: bool) -> Result<TrainerStatus, Error> {
    let open = catalogue.open_training().await?;
    let last = catalogue.trainings(1).await?.into_iter().next();
    let queued = JobFilter {
        state: Some(JobState::Queued),
        name: Some(kind.to_owned()),
        limit: 1,
    };
    let waits = !catalogue.jobs(&queued).await?.is_empty();
    Ok(TrainerStatus {
        state: TrainerState::of(open.as_ref(), last.as_ref(), TrainerWork { trains, waits }),
        open: open.map(ListedTraining),
        last: last.map(ListedTraining),
        in_use: models_in_use(catalogue).await?,
    })
}

async fn models_in_use(catalogue: &Catalogue) -> Result<Vec<ModelInUse>, Error> {
    let mut in_use = Vec::new();
    for model in catalogue.models().await? {
        let ModelRow { name, line, state, .. } = model;
        if state == ModelState::Promoted {
            let learned = catalogue.trained_contents(&line).await?.len();
            in_use.push(ModelInUse { name, line, learned });
        }
    }
    Ok(in_use)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn training(state: TrainingState) -> TrainingRow {
        TrainingRow {
            id: 1,
            name: "1".to_owned(),
            state,
            base: "tiny".to_owned(),
            parent: None,
            build: String::new(),
            data: None,
            engine: None,
            config: r#"{"steps":6}"#.to_owned(),
            figures: Some(r#"{"loss":0.5}"#.to_owned()),
            error_code: None,
            error: None,
            started_at: 0,
            finished_at: None,
        }
    }

    #[test]
    fn one_word_says_what_becomes_of_trainings() {
        let (open, failed) = (training(TrainingState::Evaluating), training(TrainingState::Failed));
        let check = |open: Option<&TrainingRow>, last, [trains, waits]: [bool; 2], expected| {
            let state = TrainerState::of(open, last, TrainerWork { trains, waits });
            assert_eq!(state.as_str(), expected, "{open:?} {last:?}");
        };
        check(None, None, [false, false], "idle");
        check(None, None, [false, true], "waiting");
        check(None, None, [true, false], "waiting");
        check(Some(&open), Some(&open), [true, false], "evaluating");
        check(Some(&open), Some(&open), [false, true], "waiting");
        check(Some(&open), Some(&open), [false, false], "interrupted");
        check(None, Some(&failed), [false, false], "failed");
        check(None, Some(&failed), [false, true], "waiting");
    }

    #[test]
    fn texts_of_json_are_values_and_models_are_by_name_and_line() {
        let status = TrainerStatus {
            state: TrainerState::Idle,
            open: None,
            last: Some(ListedTraining(training(TrainingState::Finished))),
            in_use: vec![ModelInUse {
                name: "tiny-lora-1".to_owned(),
                line: "tiny".to_owned(),
                learned: 7,
            }],
        };
        let value = json!(status);
        assert_eq!(value["last_training"]["config"]["steps"], 6);
        assert_eq!(value["last_training"]["figures"], json!({ "loss": 0.5 }));
        assert_eq!(value["last_training"]["state"], "finished");
        assert_eq!(
            (&value["in_use"], &value["learned"], &value["open_training"]),
            (&json!(["tiny-lora-1"]), &json!({ "tiny": 7 }), &Value::Null)
        );
    }
}
