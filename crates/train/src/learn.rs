//! Learning: an engine does the job of a training.

use std::sync::atomic::Ordering;

use codelupe_catalogue::{TrainingProgress, TrainingState};
use codelupe_disk::write_json;
use codelupe_worker::Step;

use crate::engine::choose;
use crate::environment::Environment;
use crate::error::Error;
use crate::events::EventLog;
use crate::handover;
use crate::job::{Tell, TrainEvent};
use crate::training::Training;

/// Lets an engine do the job. Where the result is there already, nothing is done.
pub(crate) fn learn(training: &Training<'_>, environment: &Environment, tell: &Tell) -> Result<(), Error> {
    let (config, folder) = (&training.config, &training.folder);
    let job = training.job();
    write_json(&folder.path().join("job.json"), &job)?;
    if folder.result().is_dir() {
        return Ok(());
    }
    let (engine, why) = choose(config.engine, &config.torch, environment, &job)?;
    tracing::info!(
        training = training.row.name,
        engine = engine.name(),
        why,
        steps = job.steps,
        "training"
    );
    let started = TrainingProgress {
        data: Some(training.plan.material.data.clone()),
        engine: Some(engine.name().to_owned()),
        figures: None,
    };
    training.advance(TrainingState::Training, &started)?;
    let progress = &training.context.progress;
    progress.begin(Step::Train, job.steps);
    let mut log = EventLog::open(&folder.events())?;
    let stop = training.stop();
    let mut trouble = None;
    let ended = engine.run(
        &job,
        &mut |event| {
            tell(&event);
            if let TrainEvent::Step { step, .. } = event {
                progress.done.store(step, Ordering::Relaxed);
            }
            let checkpoint = match event {
                TrainEvent::Checkpoint { step } => Some(step),
                _ => None,
            };
            let kept = log.push(event).and_then(|()| match checkpoint {
                Some(step) => handover::share_checkpoint(&training.context.folder, folder, step),
                None => Ok(()),
            });
            if let Err(error) = kept {
                trouble.get_or_insert(error);
                stop.stop();
            }
        },
        &stop,
    );
    match trouble {
        Some(error) => Err(error),
        None => ended.map(|_| ()),
    }
}
