//! `codelupe train`.

mod status;
mod watch;

use std::env;

use codelupe_catalogue::{Catalogue, Signal};
use codelupe_corpus::WriteLock;
use codelupe_train::config::{EngineChoice, Mode, TrainConfig};
use codelupe_train::{Environment, Error, Request, StopToken, TrainEvent, Trainer};
use serde_json::json;
use tokio::runtime::Handle;

use super::{StopSignals, stop_at_once};
use crate::cli::{EngineArgument, TrainArguments, TrainCommand, TrainingArguments};
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::report;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, arguments: TrainArguments) -> Result<()> {
    match arguments.command {
        None => train(settings, &arguments.training).await,
        Some(TrainCommand::Status) => status::run(settings).await,
        Some(TrainCommand::List { limit }) => status::list(settings, limit).await,
        Some(TrainCommand::Start) => signal(settings, Signal::Start).await,
        Some(TrainCommand::Cancel) => signal(settings, Signal::Cancel).await,
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
    let request = Request { force: arguments.force };
    if arguments.watch {
        let max_wait = config.max_wait_minutes;
        return with_trainer(settings, config, move |trainer, stop| {
            watch::watch(trainer, request, max_wait, stop)
        })
        .await;
    }
    let outcome = with_trainer(settings, config, move |trainer, _| {
        trainer.train_once(request, &mut tell)
    })
    .await?;
    print(settings.json, &outcome, || report::training(&outcome))
}

/// Opens the data folder, runs blocking work of the trainer, and stops it cleanly on Ctrl-C or SIGTERM.
pub(crate) async fn with_trainer<T: Send + 'static>(
    settings: &Settings,
    config: TrainConfig,
    work: impl FnOnce(&Trainer, &StopToken) -> Result<T, Error> + Send + 'static,
) -> Result<T> {
    let mut signals = StopSignals::install()?;
    let (lock, catalogue) = open(settings).await?;
    let stop = StopToken::default();
    let (folder, runtime, token, to_close) = (
        settings.folder.clone(),
        Handle::current(),
        stop.clone(),
        catalogue.clone(),
    );
    let mut work = tokio::task::spawn_blocking(move || {
        let environment = Environment::without_secrets(env::vars_os());
        let trainer = Trainer::open(config, environment, folder, catalogue, runtime, token.clone())?;
        work(&trainer, &token)
    });
    let finished = tokio::select! {
        finished = &mut work => finished,
        () = signals.next() => {
            tracing::info!("stopping: a checkpoint is written; once more to stop at once");
            stop.stop();
            tokio::select! {
                finished = work => finished,
                () = signals.next() => stop_at_once(),
            }
        }
    };
    to_close.close().await;
    drop(lock);
    Ok(finished.map_err(Failure::defect)??)
}

/// The catalogue of the data folder, for writing.
pub(crate) async fn open(settings: &Settings) -> Result<(WriteLock, Catalogue)> {
    let catalogue = Catalogue::open_existing(&settings.catalogue).await?;
    let mut lock = settings.folder.lock()?;
    lock.share()?;
    Ok((lock, catalogue))
}

/// Tells of the progress of a training.
pub(crate) fn tell(event: &TrainEvent) {
    match event {
        TrainEvent::Started { step, parameters } => tracing::info!(step, parameters, "training goes on from"),
        TrainEvent::Step {
            step,
            loss,
            learning_rate,
            tokens,
            seconds,
            ..
        } if *step <= 3 || step % 10 == 0 => {
            let tokens_per_second = *tokens as f64 / seconds.max(1e-9);
            let (loss, rate) = (format!("{loss:.4}"), format!("{learning_rate:.2e}"));
            tracing::info!(
                step,
                loss,
                rate,
                tokens_per_second = format!("{tokens_per_second:.0}"),
                "step"
            );
        }
        TrainEvent::Validated { step, loss, best } => {
            tracing::info!(step, loss = format!("{loss:.4}"), best, "validation");
        }
        TrainEvent::Skipped { step, rate_scale, .. } => {
            tracing::warn!(step, rate_scale, "the gradient is not finite; the step is skipped");
        }
        TrainEvent::Memory { rows_at_once } => tracing::warn!(rows_at_once, "memory is short; fewer rows at once"),
        TrainEvent::Warning { text } => tracing::warn!(text, "the engine says"),
        TrainEvent::Step { .. } | TrainEvent::Checkpoint { .. } => {}
    }
}

async fn signal(settings: &Settings, signal: Signal) -> Result<()> {
    let (_lock, catalogue) = open(settings).await?;
    catalogue.send_signal(signal).await?;
    catalogue.close().await;
    print(settings.json, &json!({ "sent": signal.as_str() }), || {
        format!("The trainer was asked: {signal}.")
    })
}
