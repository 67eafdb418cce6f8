//! `codelupe train status` and `codelupe train runs`.

use std::fmt::Write as _;

use codelupe_store::Catalogue;
use codelupe_store::catalogue::{ModelRow, ModelState, RunRow, RunState};
use codelupe_train::trainer::is_locked;
use serde_json::{Value, json};

use crate::output::print;
use crate::report::tables;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let catalogue = Catalogue::open_read_only(&settings.catalogue).await?;
    let open = catalogue.open_run().await?;
    let last = catalogue.runs(1).await?.into_iter().next();
    let models = catalogue.models().await?;
    let promoted: Vec<&ModelRow> = models
        .iter()
        .filter(|model| model.state == ModelState::Promoted)
        .collect();
    let mut learnt = serde_json::Map::new();
    for model in &promoted {
        let contents = catalogue.trained_contents(&model.line).await?.len();
        learnt.insert(model.line.clone(), json!(contents));
    }
    let state = state(open.as_ref(), last.as_ref(), is_locked(&settings.folder)?);
    let value = json!({
        "state": state,
        "open_run": open.as_ref().map(run_value),
        "last_run": last.as_ref().map(run_value),
        "in_use": promoted.iter().map(|model| &model.name).collect::<Vec<_>>(),
        "learnt": learnt,
    });
    print(settings.json, &value, || {
        let mut text = format!("The trainer is {state}.");
        for model in &promoted {
            let learnt = learnt.get(&model.line).and_then(Value::as_u64).unwrap_or(0);
            let _ = write!(text, "\nIn use: {} ({learnt} files learnt)", model.name);
        }
        if let Some(run) = &last {
            let _ = write!(text, "\n{}", runs_table(std::slice::from_ref(run)));
        }
        text
    })
}

/// One word on what the trainer does.
fn state(open: Option<&RunRow>, last: Option<&RunRow>, trains: bool) -> &'static str {
    match (open, last, trains) {
        (Some(run), _, true) => run.state.as_str(),
        (Some(_), _, false) => "interrupted",
        (None, _, true) => "waiting",
        (None, Some(run), false) if run.state == RunState::Failed => "failed",
        (None, _, false) => "idle",
    }
}

pub(super) async fn runs(settings: &Settings, limit: u32) -> anyhow::Result<()> {
    let catalogue = Catalogue::open_read_only(&settings.catalogue).await?;
    let runs = catalogue.runs(limit).await?;
    let value: Vec<Value> = runs.iter().map(run_value).collect();
    print(settings.json, &value, || {
        if runs.is_empty() {
            return "There was no run yet: codelupe train".to_owned();
        }
        runs_table(&runs)
    })
}

/// A run whose JSON texts are values.
fn run_value(run: &RunRow) -> Value {
    let mut value = json!(run);
    for field in ["config", "figures"] {
        if let Some(text) = value[field].as_str() {
            value[field] = serde_json::from_str(text).unwrap_or_default();
        }
    }
    value
}

fn runs_table(runs: &[RunRow]) -> String {
    let headings = [
        "run",
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
    for run in runs {
        let value = run_value(run);
        let figures = &value["figures"];
        let number = |name: &str, digits: usize| {
            figures[name]
                .as_f64()
                .map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        table.add_row([
            run.name.clone(),
            run.state.to_string(),
            run.base.clone(),
            run.engine.clone().unwrap_or_default(),
            number("steps", 0),
            number("held_out_loss", 4),
            number("compared_loss", 4),
            number("tokens_per_second", 0),
            run.error.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}
