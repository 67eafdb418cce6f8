//! `codelupe train`.

mod status;
mod watch;

use codelupe_catalogue::Catalogue;
use codelupe_corpus::WriteLock;
use codelupe_train::{EngineChoice, Mode, TrainConfig};
use codelupe_train::{Error, Outcome, drive, enqueue, training_run};
use codelupe_worker::{JobName, Worker};
use serde_json::json;

use super::run::Either;
use super::with_worker;
use crate::app::App;
use crate::cli::{EngineArgument, TrainArguments, TrainCommand, TrainingArguments};
use crate::failure::Result;
use crate::output::print;
use crate::report;
use crate::settings::Settings;

pub(crate) async fn run(app: &App, arguments: TrainArguments) -> Result<()> {
    let settings = &app.settings;
    match arguments.command {
        None => train(settings, &arguments.training).await,
        Some(TrainCommand::Status) => status::run(app).await,
        Some(TrainCommand::List { limit }) => status::list(app, limit).await,
        Some(TrainCommand::Start) => start(settings).await,
        Some(TrainCommand::Cancel) => cancel(settings).await,
    }
}

/// The settings with what the command line says.
pub(crate) fn config(settings: &Settings, arguments: &TrainingArguments) -> TrainConfig {
    let mut config = settings.train.clone();
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

async fn train(settings: &Settings, arguments: &TrainingArguments) -> Result<()> {
    let config = config(settings, arguments);
    let (force, queue) = (arguments.force, arguments.queue);
    if arguments.watch {
        return work(settings, move |worker| watch::watch(worker, &config, force, queue)).await;
    }
    let done = work(settings, move |worker| {
        let run = enqueue(worker, &config, force, queue.priority)?;
        if queue.enqueue {
            return Ok(Either::Enqueued(run));
        }
        drive(worker, &run).map(Either::Done)
    })
    .await?;
    match done {
        Either::Done(outcome) => print(settings.json, &outcome, || report::training(&outcome)),
        Either::Enqueued(run) => report::enqueued(settings, &run),
    }
}

/// One training that starts whatever little is new.
pub(super) async fn train_now(settings: &Settings, config: TrainConfig) -> Result<Outcome> {
    work(settings, move |worker| {
        drive(worker, &enqueue(worker, &config, true, 0)?)
    })
    .await
}

/// Does work of the trainer on a data folder that there is.
async fn work<T: Send + 'static>(
    settings: &Settings,
    work: impl FnOnce(&Worker) -> Result<T, Error> + Send + 'static,
) -> Result<T> {
    Catalogue::open_existing(&settings.catalogue).await?.close().await;
    with_worker(settings, settings.workplace(), move |worker, _| work(worker)).await
}

/// The catalogue of the data folder, for writing.
pub(crate) async fn open(settings: &Settings) -> Result<(WriteLock, Catalogue)> {
    let catalogue = Catalogue::open_existing(&settings.catalogue).await?;
    let mut lock = settings.folder.lock()?;
    lock.share()?;
    Ok((lock, catalogue))
}

/// Asks for a training, which a watching trainer does, or a worker.
async fn start(settings: &Settings) -> Result<()> {
    let (_lock, catalogue) = open(settings).await?;
    training_run(&settings.train, true, 0)?.enqueue(&catalogue).await?;
    catalogue.close().await;
    sent(settings, "start")
}

async fn cancel(settings: &Settings) -> Result<()> {
    let (_lock, catalogue) = open(settings).await?;
    catalogue.cancel_training(JobName::Train.as_str()).await?;
    catalogue.close().await;
    sent(settings, "cancel")
}

fn sent(settings: &Settings, signal: &str) -> Result<()> {
    print(settings.json, &json!({ "sent": signal }), || {
        format!("The trainer was asked: {signal}.")
    })
}
