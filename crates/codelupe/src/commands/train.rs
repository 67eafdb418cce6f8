//! `codelupe train`.

mod status;
mod watch;

use codelupe_train::{EngineChoice, Mode, TrainConfig};
use codelupe_train::{Error, TrainingOutcome, drive, enqueue, training_run};
use codelupe_worker::{JobName, Worker};
use serde_json::json;

use super::run::Either;
use crate::app::App;
use crate::cli::{EngineArgument, TrainArguments, TrainCommand, TrainingArguments};
use crate::failure::Result;
use crate::output::print;
use crate::report;

pub(crate) async fn run(app: &App, arguments: TrainArguments) -> Result<()> {
    match arguments.command {
        None => train(app, &arguments.training).await,
        Some(TrainCommand::Status) => status::run(app).await,
        Some(TrainCommand::List { limit }) => status::list(app, limit).await,
        Some(TrainCommand::Start) => start(app).await,
        Some(TrainCommand::Cancel) => cancel(app).await,
    }
}

/// The settings with what the command line says.
pub(crate) fn config(app: &App, arguments: &TrainingArguments) -> TrainConfig {
    let mut config = app.settings.train.clone();
    if arguments.full {
        config.mode = Mode::Full;
    }
    if let Some(base) = &arguments.base {
        config.base.clone_from(base);
    }
    if let Some(engine) = arguments.engine {
        config.engine = match engine {
            EngineArgument::Auto => EngineChoice::Auto,
            EngineArgument::Native => EngineChoice::Native,
            EngineArgument::Torch => EngineChoice::Torch,
        };
    }
    if let Some(steps) = arguments.steps {
        config.max_steps = steps;
    }
    config
}

async fn train(app: &App, arguments: &TrainingArguments) -> Result<()> {
    let config = config(app, arguments);
    let (force, queue) = (arguments.force, arguments.queue);
    if arguments.watch {
        return work(app, move |worker| watch::watch(worker, &config, force, queue)).await;
    }
    let done = work(app, move |worker| {
        let run = enqueue(worker, &config, force, queue.priority)?;
        if queue.enqueue {
            return Ok(Either::Enqueued(run));
        }
        drive(worker, &run).map(Either::Done)
    })
    .await?;
    match done {
        Either::Done(outcome) => print(app.settings.json, &outcome, || report::training(&outcome)),
        Either::Enqueued(run) => report::enqueued(&app.settings, &run),
    }
}

/// One training that starts whatever little is new.
pub(super) async fn train_now(app: &App, config: TrainConfig) -> Result<TrainingOutcome> {
    work(app, move |worker| drive(worker, &enqueue(worker, &config, true, 0)?)).await
}

/// Does work of the trainer on a data folder that there is.
async fn work<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Worker) -> Result<T, Error> + Send + 'static,
) -> Result<T> {
    app.writable_catalogue().await?;
    app.work(app.settings.workplace(), move |worker, _| work(worker)).await
}

/// Asks for a training, which a watching trainer does, or a worker.
async fn start(app: &App) -> Result<()> {
    let (_lock, catalogue) = app.locked().await?;
    training_run(&app.settings.train, true, 0)?.enqueue(catalogue).await?;
    sent(
        app,
        "start",
        "A training waits in the queue: `codelupe worker` or `codelupe train --watch` does it.",
    )
}

async fn cancel(app: &App) -> Result<()> {
    let (_lock, catalogue) = app.locked().await?;
    if !catalogue.cancel_training(JobName::Train.as_str()).await? {
        return sent(app, "cancel", "There is no training to cancel.");
    }
    sent(
        app,
        "cancel",
        "The training is canceled; a worker that does it stops within seconds.",
    )
}

fn sent(app: &App, signal: &str, text: &str) -> Result<()> {
    print(app.settings.json, &json!({ "sent": signal }), || text.to_owned())
}
