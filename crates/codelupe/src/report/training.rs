//! What came of a training.

use codelupe_train::{Finished, TrainEvent, TrainingOutcome};

/// What came of a training, for people.
pub(crate) fn training(outcome: &TrainingOutcome) -> String {
    match outcome {
        TrainingOutcome::Finished(finished) => finished_text(finished),
        TrainingOutcome::Waiting { new_files: 0, .. } => "Nothing is new: there is nothing to learn.".to_owned(),
        TrainingOutcome::Waiting { new_files, needed } => format!(
            "{new_files} files are new; a training starts from {needed} on. `codelupe train --force` starts one now."
        ),
        TrainingOutcome::Canceled => "The training was canceled.".to_owned(),
    }
}

fn finished_text(finished: &Finished) -> String {
    let figures = &finished.figures;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    format!(
        "{} is in {}\n{} steps, {} tokens, {:.0} tokens/s, at most {} MB of memory\n\
         held-out loss {} (what was in use: {}), validation loss {} -> {}\n{}\nreport: {}",
        finished.model,
        finished.folder,
        figures.steps,
        figures.tokens,
        figures.tokens_per_second,
        figures.peak_memory / 1_000_000,
        number(figures.held_out_loss),
        number(figures.compared_loss),
        number(figures.first_validation_loss),
        number(figures.validation_loss),
        if finished.promoted && figures.held_out_loss.is_none() {
            "There are no held-out files to judge it by; it is in use now."
        } else if finished.promoted {
            "It is better and in use now."
        } else {
            "It is not better; what was in use stays. `codelupe models promote` brings it into use all the same."
        },
        finished.report.display(),
    )
}

/// Tells of the progress of a training.
pub(crate) fn train_event(event: &TrainEvent) {
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
