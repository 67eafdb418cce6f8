//! Keeping: one transaction ends the training, registers its model, and adds what it learned to the cursor.

use std::path::Path;

use codelupe_catalogue::{ModelKind, NewModel, TrainingEnd, TrainingState};
use codelupe_disk::remove;

use crate::card::TrainingRecord;
use crate::config::Mode;
use crate::error::Error;
use crate::handover;
use crate::outcome::{Finished, TrainingOutcome};
use crate::registry::Registry;
use crate::training::{self, Training};

/// Keeps the model of a training, promoted if it is better, and removes what is too old.
pub(crate) fn keep(training: &Training<'_>) -> Result<TrainingOutcome, Error> {
    let (store, target) = (&training.context.folder, training.target());
    let place = store.artifact_place(&target);
    let content = store.read_of(&target, "training.json")?;
    let record: TrainingRecord =
        serde_json::from_slice(&content).map_err(|error| Error::damaged(Path::new(&place), error))?;
    let made = model(training, &record);
    let end = TrainingEnd {
        state: TrainingState::Finished,
        figures: serde_json::to_string(&record.figures).ok(),
        error: None,
    };
    let learned = &training.plan.choice.new;
    training::end(training.context, training.row.id, &end, Some(&made), learned)?;
    handover::end(&training.context.folder, &training.folder)?;
    training::tidy(&training.folder)?;
    retain(training)?;
    Ok(TrainingOutcome::Finished(Box::new(Finished {
        training: training.row.name.clone(),
        model: made.name,
        folder: place,
        report: training.folder.report(),
        promoted: made.promote,
        left: training.plan.choice.left,
        figures: record.figures,
    })))
}

fn model(training: &Training<'_>, record: &TrainingRecord) -> NewModel {
    let (config, plan) = (&training.config, &training.plan);
    NewModel {
        name: plan.name.clone(),
        kind: match config.mode {
            Mode::Lora => ModelKind::Adapter,
            Mode::Full => ModelKind::Full,
        },
        line: plan.line.clone(),
        base: (config.mode == Mode::Lora).then(|| plan.base.clone()),
        parent: plan.parent.clone(),
        loss: record.figures.held_out_loss,
        evaluation: record.evaluation.as_ref().and_then(|it| serde_json::to_string(it).ok()),
        promote: is_better(record),
    }
}

/// Whether a model is to take the place of what it was compared with. Without held-out files, the newer is taken to be better.
fn is_better(training: &TrainingRecord) -> bool {
    match (training.figures.held_out_loss, training.figures.compared_loss) {
        (Some(loss), Some(compared)) => loss < compared,
        (Some(loss), None) => loss.is_finite(),
        (None, _) => true,
    }
}

/// Removes the oldest models of the line, and the folders of the oldest trainings.
fn retain(training: &Training<'_>) -> Result<(), Error> {
    let (context, keep) = (training.context, training.config.keep);
    let registry = Registry::new(
        context.folder.clone(),
        context.catalogue.clone(),
        context.runtime.clone(),
    );
    registry.retain(&training.plan.line, keep)?;
    let folders = training::folders(&context.folder.models().join("trainings"))?;
    let surplus = folders.len().saturating_sub(keep as usize + 1);
    folders[..surplus].iter().try_for_each(|folder| remove(folder))?;
    handover::retain(&context.folder, keep as usize + 1)
}
