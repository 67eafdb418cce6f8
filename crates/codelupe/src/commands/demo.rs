//! `codelupe demo`: the whole way on real code that is on this machine already.

use std::path::{Path, PathBuf};

use codelupe_core::error::ErrorCode;
use codelupe_forge::Source;
use codelupe_model::Preset;
use codelupe_samples::SampleConfig;
use codelupe_train::TrainingOutcome;
use codelupe_train::{Mode, TrainConfig};

use super::models::with_registry;
use super::run::{first, go};
use super::train::train_now;
use crate::app::App;
use crate::cli::{DemoArguments, QueueArguments};
use crate::failure::{Failure, Result};
use crate::report;

/// The model that it trains.
const MODEL: &str = "demo";

/// Its learning rate: of 0.001, 0.003 and 0.006 the one with the lowest held-out loss after 100 steps.
const LEARNING_RATE: f64 = 0.003;

/// Ids of its tokenizer.
const VOCABULARY: usize = 4096;

pub(crate) async fn run(app: &App, arguments: &DemoArguments) -> Result<()> {
    let source = source()?;
    tracing::info!(%source, "demo: real code of this machine");
    let limit = arguments.limit;
    let queue = QueueArguments {
        enqueue: false,
        priority: 0,
    };
    let Some(outcome) = go(app, queue, move |context| first(context, source, limit)).await? else {
        return Ok(());
    };
    if arguments.steps == 0 {
        return report::outcome(&app.settings, &outcome, None);
    }
    let trained = train(app, arguments.steps).await?;
    report::outcome(&app.settings, &outcome, Some(&trained))
}

/// Makes a tiny model, unless there is one, and trains all of its weights on the corpus.
async fn train(app: &App, steps: u64) -> Result<TrainingOutcome> {
    let config = TrainConfig {
        base: MODEL.to_owned(),
        mode: Mode::Full,
        max_steps: steps,
        learning_rate: match app.settings.train.learning_rate {
            0.0 => LEARNING_RATE,
            rate => rate,
        },
        validation_steps: (steps / 5).max(1),
        validation_rows: 32,
        held_out_rows: 64,
        held_out_holes: 16,
        samples: SampleConfig {
            sequence_length: 256,
            ..app.settings.train.samples.clone()
        },
        ..app.settings.train.clone()
    };
    with_registry(app, |registry| {
        if registry.find(MODEL).is_err() {
            registry.init(Preset::Tiny, MODEL, VOCABULARY, 0)?;
        }
        Ok(())
    })
    .await?;
    tracing::info!(model = MODEL, steps, "demo: training a tiny model from nothing");
    train_now(app, config).await
}

/// The crate sources that cargo unpacked, each crate a repository; else the folder we stand in.
fn source() -> Result<Source> {
    if let Some(crates) = crate_sources() {
        return Ok(Source::Repositories(crates));
    }
    let here = std::env::current_dir()?;
    if here.join("Cargo.toml").is_file() || here.join(".git").exists() {
        return Ok(Source::Repository(here));
    }
    let text = "cargo's home holds no crate sources, and this folder is no checkout; try `codelupe run FOLDER`";
    Err(Failure::new(ErrorCode::NotFound, text))
}

/// The folder below `registry/src` in cargo's home that holds the most crates.
fn crate_sources() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let registries = folders(&home.join("registry").join("src"));
    let counted = registries
        .into_iter()
        .map(|registry| (folders(&registry).len(), registry));
    counted
        .filter(|(crates, _)| *crates > 0)
        .max()
        .map(|(_, registry)| registry)
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
