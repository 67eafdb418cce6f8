//! What an engine tells, kept as lines of JSON, and what it comes to.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use codelupe_disk::write;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::job::TrainEvent;
use crate::memory::peak_memory;

/// The longest line of events that is read, in bytes.
const MAX_LINE: usize = 1 << 20;

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
}
