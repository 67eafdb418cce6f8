//! Judging: the result is compared with the model in use on held-out files, and everything is put beside it.

use codelupe_catalogue::{TrainingProgress, TrainingState};
use codelupe_disk::{read_json, write, write_json};
use codelupe_model::{Adapter, Model};
use codelupe_samples::Tokenizer;
use serde::{Deserialize, Serialize};

use crate::card::{TrainingRecord, complete};
use crate::config::Mode;
use crate::error::Error;
use crate::evaluate::{Candidate, Evaluation};
use crate::events::{EventLog, Figures};
use crate::report::report;
use crate::training::Training;

/// Evaluations of a training: `evaluation.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Judgment {
    evaluation: Option<Evaluation>,
    compared: Option<Evaluation>,
}

/// Compares the result with what is in use, unless that was done, and puts report, record and card beside it.
pub(crate) fn judge(training: &Training<'_>) -> Result<(), Error> {
    training.advance(TrainingState::Evaluating, &TrainingProgress::default())?;
    tracing::info!(training = training.row.name, "comparing with the model in use");
    let path = training.folder.path().join("evaluation.json");
    let judgment = match read_json(&path)? {
        Some(judgment) => judgment,
        None if training.plan.material.held_out => compare(training)?,
        None => Judgment::default(),
    };
    write_json(&path, &judgment)?;
    let log = EventLog::open(&training.folder.events())?;
    let record = record(training, &log, judgment)?;
    write(&training.folder.report(), report(&record, &log.events)?.as_bytes())?;
    complete(&training.folder.result(), training.base.path(), &record)
}

/// The result, and what it would take the place of, on the same held-out rows.
fn compare(training: &Training<'_>) -> Result<Judgment, Error> {
    let (config, plan, folder) = (&training.config, &training.plan, &training.folder);
    let tokenizer = Tokenizer::open(training.base.path())?;
    let stop = training.stop();
    let judge = |model: &Model, adapter: Option<&Adapter>| {
        let candidate = Candidate {
            model,
            adapter,
            tokenizer: &tokenizer,
        };
        candidate.evaluate(folder.path(), config.held_out_rows, config.held_out_holes, &stop)
    };
    let base = Model::open(training.base.path())?.with_name(plan.base_folder.display().to_string());
    let (evaluation, compared) = if config.mode == Mode::Lora {
        let made = Adapter::read(&folder.result(), &base)?;
        let before = training.adapter().map(|folder| Adapter::read(&folder, &base));
        (judge(&base, Some(&made))?, judge(&base, before.transpose()?.as_ref())?)
    } else {
        (judge(&Model::open(&folder.result())?, None)?, judge(&base, None)?)
    };
    Ok(Judgment {
        evaluation: Some(evaluation),
        compared: Some(compared),
    })
}

/// Where the model comes from and how it does.
fn record(training: &Training<'_>, log: &EventLog, judgment: Judgment) -> Result<TrainingRecord, Error> {
    let (config, plan) = (&training.config, &training.plan);
    let loss = |evaluation: &Option<Evaluation>| evaluation.as_ref().map(|evaluation| evaluation.total.loss);
    let measured = log.figures();
    let rows_at_once = match measured.rows_at_once {
        0 => config.rows_at_once,
        fewer => fewer,
    };
    let figures = Figures {
        is_adapter: config.mode == Mode::Lora,
        new_files: plan.choice.new.len() as u64,
        replayed_files: plan.choice.replayed.len() as u64,
        held_out_loss: loss(&judgment.evaluation),
        compared_loss: loss(&judgment.compared),
        rows_at_once,
        ..measured
    };
    let context = training.context;
    let open = context.wait(context.catalogue.open_training())?;
    Ok(TrainingRecord {
        program: concat!("codelupe ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: plan.name.clone(),
        base: plan.base.clone(),
        parent: plan.parent.clone(),
        training: training.row.name.clone(),
        engine: open.and_then(|training| training.engine).unwrap_or_default(),
        config: config.clone(),
        material: plan.material.clone(),
        figures,
        evaluation: judgment.evaluation,
        compared: judgment.compared,
    })
}
