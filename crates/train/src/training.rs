//! One training, in its folder: what was chosen, the job, the events, the figures.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use codelupe_disk::{children, remove, write};
use codelupe_model::Schedule;
use serde::{Deserialize, Serialize};

use crate::config::{Mode, TrainConfig};
use crate::cursor::Choice;
use crate::error::Error;
use crate::format::Material;
use crate::job::{JOB_VERSION, TrainEvent, TrainJob};
use crate::memory::peak_memory;

/// The longest line of events that is read, in bytes.
const MAX_LINE: usize = 1 << 20;

/// What a training will do, decided once: `plan.json`. With it a training goes on after whatever ended the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The name of the model to be made.
    pub(crate) name: String,
    /// The base.
    pub(crate) base: String,
    /// Its folder.
    pub(crate) base_folder: PathBuf,
    /// The line that the model adds to.
    pub(crate) line: String,
    /// The model that training goes on from.
    pub(crate) parent: Option<String>,
    /// The files.
    pub(crate) choice: Choice,
    /// The samples.
    pub(crate) material: Material,
}

/// What a training took and came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Whether an adapter was made.
    pub is_adapter: bool,
    /// Files that were not learned before.
    pub new_files: u64,
    /// Files that were.
    pub replayed_files: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Steps that were skipped, since their gradient was not finite.
    pub skipped_steps: u64,
    /// Tokens that the engine read, padding included.
    pub tokens: u64,
    /// Mean loss of the last tenth of the steps, nats a token.
    pub train_loss: Option<f64>,
    /// The first measured validation loss.
    pub first_validation_loss: Option<f64>,
    /// The lowest validation loss.
    pub validation_loss: Option<f64>,
    /// Loss on held-out files.
    pub held_out_loss: Option<f64>,
    /// That of the model it was compared with.
    pub compared_loss: Option<f64>,
    /// Tokens a second of the engine.
    pub tokens_per_second: f64,
    /// The most memory of the process, in bytes.
    pub peak_memory: u64,
    /// Rows that were in memory at once at the end.
    pub rows_at_once: u64,
    /// Seconds of the engine.
    pub seconds: f64,
}

/// The folder of a training.
#[derive(Debug, Clone)]
pub(crate) struct TrainingFolder(pub(crate) PathBuf);

impl TrainingFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    pub(crate) fn result(&self) -> PathBuf {
        self.0.join("result")
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }
}

/// The job of a plan.
pub(crate) fn job(config: &TrainConfig, plan: &Plan, adapter: Option<PathBuf>, training: &TrainingFolder) -> TrainJob {
    let steps = steps(config, plan.material.rows);
    TrainJob {
        version: JOB_VERSION,
        base: plan.base_folder.clone(),
        base_name: plan.base_folder.display().to_string(),
        lora: (config.mode == Mode::Lora).then(|| config.lora.clone()),
        adapter,
        train: training.path().join("train"),
        validation: plan.material.validation.then(|| training.path().join("validation")),
        optimizer: config.optimizer,
        schedule: Schedule {
            peak: config.peak_rate(),
            warmup: share(steps, config.warmup_share),
            steps,
            floor: config.floor_share,
        },
        steps,
        rows_per_step: config.rows_per_step,
        rows_at_once: config.rows_at_once,
        recompute: config.recompute,
        checkpoint_steps: config.checkpoint_steps,
        validation_steps: config.validation_steps,
        validation_rows: config.validation_rows,
        patience: config.patience,
        seed: config.seed,
        checkpoint: training.path().join("checkpoint"),
        out: training.result(),
    }
}

/// Steps that see each row `epochs` times, within the bound.
fn steps(config: &TrainConfig, rows: u64) -> u64 {
    let all = (rows * u64::from(config.epochs)).div_ceil(config.rows_per_step).max(1);
    if config.max_steps > 0 {
        all.min(config.max_steps)
    } else {
        all
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number is between 0 and the number"
)]
fn share(of: u64, share: f64) -> u64 {
    (of as f64 * share).round() as u64
}

/// The events of a training, kept as lines of JSON.
pub(crate) struct EventLog {
    path: PathBuf,
    file: File,
    pub(crate) events: Vec<TrainEvent>,
}

impl EventLog {
    /// Opens the log; what an earlier process told is in it. A line that a crash cut off is left out.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut events = Vec::new();
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                let line = line.map_err(|error| Error::own_io("read", path, error))?;
                if line.len() <= MAX_LINE {
                    events.extend(serde_json::from_str::<TrainEvent>(&line).ok());
                }
            }
        }
        let mut log = Self {
            path: path.to_owned(),
            file: append(path)?,
            events,
        };
        log.rewrite()?;
        Ok(log)
    }

    /// Adds an event. When training goes on from a step, what was told of later ones is forgotten.
    pub(crate) fn push(&mut self, event: TrainEvent) -> Result<(), Error> {
        if let TrainEvent::Started { step: from, .. } = event {
            self.events
                .retain(|event| step_of(event).is_none_or(|step| step <= from));
            self.rewrite()?;
        }
        let line = line(&event);
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| Error::own_io("write", &self.path, error))?;
        self.events.push(event);
        Ok(())
    }

    fn rewrite(&mut self) -> Result<(), Error> {
        let text: String = self.events.iter().map(line).collect();
        write(&self.path, text.as_bytes())?;
        self.file = append(&self.path)?;
        Ok(())
    }

    /// What the events come to.
    pub(crate) fn figures(&self) -> Figures {
        let mut figures = Figures {
            peak_memory: peak_memory(),
            ..Figures::default()
        };
        let mut losses = Vec::new();
        for event in &self.events {
            match event {
                TrainEvent::Step {
                    step,
                    loss,
                    tokens,
                    seconds,
                    ..
                } => {
                    figures.steps = *step;
                    figures.tokens += tokens;
                    figures.seconds += seconds;
                    losses.push(*loss);
                }
                TrainEvent::Skipped { .. } => figures.skipped_steps += 1,
                TrainEvent::Validated { loss, .. } => {
                    figures.first_validation_loss.get_or_insert(*loss);
                    figures.validation_loss = Some(figures.validation_loss.map_or(*loss, |best| best.min(*loss)));
                }
                TrainEvent::Memory { rows_at_once } => figures.rows_at_once = *rows_at_once,
                TrainEvent::Started { .. } | TrainEvent::Checkpoint { .. } | TrainEvent::Warning { .. } => {}
            }
        }
        let last = &losses[losses.len() - losses.len().div_ceil(10)..];
        figures.train_loss = (!last.is_empty()).then(|| last.iter().sum::<f64>() / last.len() as f64);
        if figures.seconds > 0.0 {
            figures.tokens_per_second = figures.tokens as f64 / figures.seconds;
        }
        figures
    }
}

fn append(path: &Path) -> Result<File, Error> {
    let options = OpenOptions::new().create(true).append(true).open(path);
    options.map_err(|error| Error::own_io("open", path, error))
}

fn line(event: &TrainEvent) -> String {
    serde_json::to_string(event).map_or_else(|_| String::new(), |line| line + "\n")
}

const fn step_of(event: &TrainEvent) -> Option<u64> {
    match event {
        TrainEvent::Step { step, .. }
        | TrainEvent::Skipped { step, .. }
        | TrainEvent::Validated { step, .. }
        | TrainEvent::Checkpoint { step } => Some(*step),
        TrainEvent::Started { .. } | TrainEvent::Memory { .. } | TrainEvent::Warning { .. } => None,
    }
}

/// Removes what only a training under way needs: samples and checkpoints. Events, plan and report stay.
pub(crate) fn tidy(training: &TrainingFolder) -> Result<(), Error> {
    for name in ["train", "validation", "held_out", "holes", "checkpoint", "result"] {
        remove(&training.path().join(name))?;
    }
    Ok(())
}

/// The folders of trainings, oldest first by their number.
pub(crate) fn folders(parent: &Path) -> Result<Vec<PathBuf>, Error> {
    if !parent.exists() {
        return Ok(Vec::new());
    }
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix("training-")?.parse().ok();
    let found = children(parent)?.into_iter();
    let mut found: Vec<(u64, PathBuf)> = found.filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> TrainEvent {
        TrainEvent::Step {
            step,
            loss,
            grad_norm: 1.0,
            learning_rate: 0.1,
            tokens: 10,
            seconds: 0.5,
        }
    }

    #[test]
    fn what_was_told_after_the_checkpoint_is_forgotten_when_training_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        log.push(TrainEvent::Started { step: 0, parameters: 3 }).unwrap();
        for number in 1..=5 {
            log.push(step(number, 5.0 - number as f64)).unwrap();
        }
        drop(log);
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"event\":\"st")
            .unwrap();
        let mut log = EventLog::open(&path).unwrap();
        assert_eq!(log.events.len(), 6);
        log.push(TrainEvent::Started { step: 3, parameters: 3 }).unwrap();
        log.push(step(4, 9.0)).unwrap();
        let figures = EventLog::open(&path).unwrap().figures();
        assert_eq!((figures.steps, figures.tokens), (4, 40));
        assert_eq!(figures.train_loss, Some(9.0));
        assert!((figures.tokens_per_second - 20.0).abs() < 1e-9);
    }

    #[test]
    fn steps_see_each_row_as_often_as_wanted() {
        let config = TrainConfig {
            epochs: 2,
            rows_per_step: 8,
            ..TrainConfig::default()
        };
        assert_eq!(steps(&config, 20), 5);
        assert_eq!(steps(&config, 0), 1);
        let bounded = TrainConfig { max_steps: 3, ..config };
        assert_eq!(steps(&bounded, 20), 3);
    }
}
