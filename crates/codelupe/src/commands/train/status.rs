//! `codelupe train status` and `codelupe train list`.

use std::fmt::Write as _;

use codelupe_catalogue::{JobFilter, JobState, ModelRow, ModelState, TrainingRow, TrainingState};
use codelupe_worker::{JobName, held};
use serde_json::{Value, json};

use crate::app::App;
use crate::failure::Result;
use crate::output::print;
use crate::report::tables;

pub(super) async fn run(app: &App) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let open = catalogue.open_training().await?;
    let last = catalogue.trainings(1).await?.into_iter().next();
    let models = catalogue.models().await?;
    let promoted: Vec<&ModelRow> = models
        .iter()
        .filter(|model| model.state == ModelState::Promoted)
        .collect();
    let mut learned = serde_json::Map::new();
    for model in &promoted {
        let contents = catalogue.trained_contents(&model.line).await?.len();
        learned.insert(model.line.clone(), json!(contents));
    }
    let queued = JobFilter {
        state: Some(JobState::Queued),
        name: Some(JobName::Train.as_str().to_owned()),
        limit: 1,
    };
    let waits = !catalogue.jobs(&queued).await?.is_empty();
    let trains = held(catalogue, JobName::Train).await?.is_some();
    let state = state(open.as_ref(), last.as_ref(), (trains, waits));
    let value = json!({
        "state": state,
        "open_training": open.as_ref().map(training_value),
        "last_training": last.as_ref().map(training_value),
        "in_use": promoted.iter().map(|model| &model.name).collect::<Vec<_>>(),
        "learned": learned,
    });
    print(app.settings.json, &value, || {
        let mut text = format!("The trainer is {state}.");
        for model in &promoted {
            let learned = learned.get(&model.line).and_then(Value::as_u64).unwrap_or(0);
            let _ = write!(text, "\nIn use: {} ({learned} files learned)", model.name);
        }
        if let Some(training) = &last {
            let _ = write!(text, "\n{}", trainings_table(std::slice::from_ref(training)));
        }
        text
    })
}

/// One word on what becomes of trainings: whether a worker trains, and whether a training waits in the queue.
fn state(open: Option<&TrainingRow>, last: Option<&TrainingRow>, (trains, waits): (bool, bool)) -> &'static str {
    match (open, last) {
        (Some(training), _) if trains => training.state.as_str(),
        _ if trains || waits => "waiting",
        (Some(_), _) => "interrupted",
        (None, Some(training)) if training.state == TrainingState::Failed => "failed",
        (None, _) => "idle",
    }
}

pub(super) async fn list(app: &App, limit: u32) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let trainings = catalogue.trainings(limit).await?;
    let value: Vec<Value> = trainings.iter().map(training_value).collect();
    print(app.settings.json, &value, || {
        if trainings.is_empty() {
            return "There was no training yet: codelupe train".to_owned();
        }
        trainings_table(&trainings)
    })
}

/// A training whose JSON texts are values.
fn training_value(training: &TrainingRow) -> Value {
    let mut value = json!(training);
    for field in ["config", "figures"] {
        if let Some(text) = value[field].as_str() {
            value[field] = serde_json::from_str(text).unwrap_or_default();
        }
    }
    value
}

fn trainings_table(trainings: &[TrainingRow]) -> String {
    let headings = [
        "training",
        "state",
        "base",
        "engine",
        "steps",
        "held-out loss",
        "before",
        "tokens/s",
        "error",
    ];
    let mut table = tables::table(&headings, &[4, 5, 6, 7]);
    for training in trainings {
        let value = training_value(training);
        let figures = &value["figures"];
        let number = |name: &str, digits: usize| {
            figures[name]
                .as_f64()
                .map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        table.add_row([
            training.name.clone(),
            training.state.to_string(),
            training.base.clone(),
            training.engine.clone().unwrap_or_default(),
            number("steps", 0),
            number("held_out_loss", 4),
            number("compared_loss", 4),
            number("tokens_per_second", 0),
            training.error.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}
