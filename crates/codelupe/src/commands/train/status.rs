//! `codelupe train status` and `codelupe train list`.

use std::fmt::Write as _;

use codelupe_inspect::{self as inspect, ListedTraining, ModelInUse};
use codelupe_worker::{JobName, held};
use serde_json::json;

use crate::app::App;
use crate::failure::Result;
use crate::output::print;
use crate::report::tables;

pub(super) async fn run(app: &App) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let trains = held(catalogue, JobName::Train).await?.is_some();
    let status = inspect::trainer_status(catalogue, JobName::Train.as_str(), trains).await?;
    print(app.settings.json, &json!(status), || {
        let mut text = format!("The trainer is {}.", status.state.as_str());
        for ModelInUse { name, learned, .. } in &status.in_use {
            let _ = write!(text, "\nIn use: {name} ({learned} files learned)");
        }
        if let Some(training) = &status.last {
            let _ = write!(text, "\n{}", table(std::slice::from_ref(training)));
        }
        text
    })
}

pub(super) async fn list(app: &App, limit: u32) -> Result<()> {
    let trainings = inspect::trainings(app.catalogue().await?, limit).await?;
    print(app.settings.json, &trainings, || {
        if trainings.is_empty() {
            return "There was no training yet: codelupe train".to_owned();
        }
        table(&trainings)
    })
}

fn table(trainings: &[ListedTraining]) -> String {
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
        let (figures, training) = (training.figures(), &training.0);
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
