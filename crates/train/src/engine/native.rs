//! The native engine: this program, on the CPU.

use std::time::Instant;

use codelupe_disk::publish_folder;
use codelupe_model::{Adapter, Batch, Loss, Model, ModelConfig, Recompute, Trainable, Trainer, estimate};
use codelupe_samples::{Dataset, Row};

use super::{Ended, StopToken, Support, TrainEngine};
use crate::checkpoint::{self, Progress};
use crate::error::{Error, ErrorKind};
use crate::job::{EngineJob, TrainEvent};
use crate::memory::available_memory;

/// Models with more parameters take too long on a CPU to be chosen without being asked for by name: 0.5B takes a day for
/// two million tokens on two cores (31 tokens a second and core).
const MAX_PARAMETERS: u64 = 2_000_000_000;

/// Skipped steps in a row after which the learning rate is halved.
const SKIPPED_UNTIL_LOWERED: u32 = 2;

/// Skipped steps in a row after which training ends.
const SKIPPED_UNTIL_STOPPED: u32 = 6;

/// The part of the free memory that an estimate may take.
const MEMORY_SHARE: f64 = 0.8;

/// Trains in this process.
#[derive(Debug, Clone, Copy)]
pub struct NativeEngine;

impl TrainEngine for NativeEngine {
    fn name(&self) -> &'static str {
        "native"
    }

    fn probe(&self, job: &EngineJob) -> Support {
        let config = match ModelConfig::read(&job.base) {
            Ok(config) => config,
            Err(error) => return Support::No { why: error.to_string() },
        };
        let parameters = config.parameters();
        if parameters > MAX_PARAMETERS {
            let why = format!("the base has {parameters} parameters; on a CPU at most {MAX_PARAMETERS} make sense");
            return Support::No { why };
        }
        let length = match codelupe_samples::read_summary(&job.train) {
            Ok(summary) => summary.config.sequence_length,
            Err(error) => return Support::No { why: error.to_string() },
        };
        let needed = estimate(&config, job.lora.as_ref(), 1, length, recompute(job)).required();
        match available_memory() {
            Some(free) if needed > free => Support::No {
                why: format!("one row takes {needed} bytes of memory, and {free} are free"),
            },
            _ => Support::Yes {
                bytes: needed,
                why: format!("native: {parameters} parameters, on the CPU of this machine"),
            },
        }
    }

    fn run(&self, job: &EngineJob, events: &mut dyn FnMut(TrainEvent), stop: &StopToken) -> Result<Ended, Error> {
        let model = Model::open(&job.base)?.with_name(job.base_name.clone());
        let train = Dataset::open(&job.train)?;
        let validation = job.validation.as_deref().map(Dataset::open).transpose()?;
        if train.is_empty() {
            return Err(Error::new(ErrorKind::Nothing, "there is no row to learn"));
        }
        let trainable = trainable(job, &model)?;
        let mut trainer = Trainer::new(&model, trainable, job.optimizer, recompute(job), job.seed)?;
        let restored = checkpoint::restore(&job.checkpoint, &mut trainer)?;
        let progress = restored.unwrap_or_else(|| {
            let rows_at_once = rows_in_memory(job, model.config(), train.sequence_length(), available_memory());
            if rows_at_once < job.rows_at_once.min(job.rows_per_step) {
                events(TrainEvent::Memory { rows_at_once });
            }
            Progress::start(rows_at_once)
        });
        let parameters = trainer.values().map(|(_, _, values)| values.len() as u64).sum();
        let step = progress.step;
        events(TrainEvent::Started { step, parameters });
        let mut work = Work {
            job,
            trainer,
            train,
            validation,
            progress,
            events,
        };
        let ended = work.steps(stop)?;
        work.finish()?;
        Ok(ended)
    }
}

fn recompute(job: &EngineJob) -> Recompute {
    if job.recompute {
        Recompute::PerLayer
    } else {
        Recompute::None
    }
}

fn trainable(job: &EngineJob, model: &Model) -> Result<Trainable, Error> {
    Ok(match (&job.lora, &job.adapter) {
        (Some(_), Some(adapter)) => Trainable::Adapter(Adapter::read(adapter, model)?),
        (Some(lora), None) => Trainable::Lora(lora.clone()),
        (None, _) => Trainable::Full,
    })
}

/// Rows that fit into the free memory at once, where that is known: what the job says, halved until they do.
fn rows_in_memory(job: &EngineJob, config: &ModelConfig, length: usize, free: Option<u64>) -> u64 {
    let mut rows = job.rows_at_once.clamp(1, job.rows_per_step);
    let Some(free) = free else { return rows };
    let fits = |rows: u64| {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let needed = estimate(config, job.lora.as_ref(), rows, length, recompute(job)).required();
        needed as f64 <= free as f64 * MEMORY_SHARE
    };
    while rows > 1 && !fits(rows) {
        rows /= 2;
    }
    rows
}

/// A training under way.
struct Work<'a> {
    job: &'a EngineJob,
    trainer: Trainer<'a>,
    train: Dataset,
    validation: Option<Dataset>,
    progress: Progress,
    events: &'a mut dyn FnMut(TrainEvent),
}

impl Work<'_> {
    fn steps(&mut self, stop: &StopToken) -> Result<Ended, Error> {
        if self.is_over_early() {
            return Ok(Ended::Early);
        }
        if self.progress.step == 0 && self.job.validation_steps > 0 {
            self.validate()?;
        }
        while self.progress.step < self.job.steps {
            if stop.is_stopped() {
                self.save()?;
                return Err(Error::canceled());
            }
            self.step()?;
            let step = self.progress.step;
            let is_last = step == self.job.steps;
            if is_last || due(step, self.job.validation_steps) {
                self.validate()?;
                if self.is_over_early() {
                    self.save()?;
                    return Ok(Ended::Early);
                }
            }
            if is_last || due(step, self.job.checkpoint_steps) {
                self.save()?;
            }
        }
        Ok(Ended::AllSteps)
    }

    /// Whether the validation loss has not fallen for too long.
    fn is_over_early(&self) -> bool {
        self.job.patience > 0 && self.progress.worse >= self.job.patience
    }

    fn step(&mut self) -> Result<(), Error> {
        let started = Instant::now();
        let rows = self.job.rows_of_step(self.progress.step, self.train.len() as u64);
        let mut sum = Sum::default();
        for rows in rows.chunks(usize::try_from(self.progress.rows_at_once).unwrap_or(usize::MAX).max(1)) {
            let batch = batch(&self.train, rows)?;
            sum.add(self.trainer.accumulate(&batch)?);
        }
        let learning_rate = self.job.schedule.rate(self.progress.step) * self.progress.rate_scale;
        let stats = self.trainer.step(learning_rate);
        self.progress.step += 1;
        if !stats.applied || !sum.mean().is_finite() {
            return self.skipped(rows);
        }
        self.progress.skipped = 0;
        (self.events)(TrainEvent::Step {
            step: self.progress.step,
            loss: sum.mean(),
            grad_norm: stats.grad_norm,
            learning_rate,
            tokens: (rows.len() * self.train.sequence_length()) as u64,
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    /// Notes a step whose gradient is not finite: skips, then lowers the rate, then stops.
    fn skipped(&mut self, rows: Vec<usize>) -> Result<(), Error> {
        self.progress.skipped += 1;
        let step = self.progress.step;
        if self.progress.skipped >= SKIPPED_UNTIL_STOPPED {
            let context = format!(
                "the gradient is not finite, {} steps in a row; the last is step {step} with the rows {rows:?} of the samples",
                self.progress.skipped
            );
            return Err(Error::new(ErrorKind::Diverged, context));
        }
        if self.progress.skipped >= SKIPPED_UNTIL_LOWERED {
            self.progress.rate_scale /= 2.0;
        }
        let rate_scale = self.progress.rate_scale;
        (self.events)(TrainEvent::Skipped { step, rows, rate_scale });
        Ok(())
    }

    fn validate(&mut self) -> Result<(), Error> {
        let Some(validation) = &self.validation else {
            return Ok(());
        };
        let rows = validation
            .len()
            .min(usize::try_from(self.job.validation_rows).unwrap_or(usize::MAX));
        let mut sum = Sum::default();
        for row in 0..rows {
            for loss in self.trainer.evaluate(&batch(validation, &[row])?)? {
                sum.add(loss);
            }
        }
        if sum.tokens == 0 {
            return Ok(());
        }
        let loss = sum.mean();
        let best = loss.is_finite() && self.progress.best.is_none_or(|lowest| loss < lowest);
        if best {
            self.progress.best = Some(loss);
            self.progress.worse = 0;
            // After the last step the best is the result itself.
            self.progress.best_is_apart = self.progress.step < self.job.steps;
            if self.progress.best_is_apart {
                self.save_result(&checkpoint::best(&self.job.checkpoint))?;
            }
        } else {
            self.progress.worse += 1;
        }
        let step = self.progress.step;
        (self.events)(if loss.is_finite() {
            TrainEvent::Validated { step, loss, best }
        } else {
            let text = format!("the validation loss after step {step} is {loss}");
            TrainEvent::Warning { text }
        });
        Ok(())
    }

    fn save(&mut self) -> Result<(), Error> {
        checkpoint::save(&self.job.checkpoint, &self.trainer, &self.progress)?;
        let step = self.progress.step;
        (self.events)(TrainEvent::Checkpoint { step });
        Ok(())
    }

    /// Puts the best result into its place.
    fn finish(&self) -> Result<(), Error> {
        let best = checkpoint::best(&self.job.checkpoint);
        if !self.progress.best_is_apart {
            return self.save_result(&self.job.out);
        }
        Ok(publish_folder(&best, &self.job.out)?)
    }

    fn save_result(&self, folder: &std::path::Path) -> Result<(), Error> {
        match self.trainer.adapter() {
            Some(adapter) => adapter.save(folder)?,
            None => self.trainer.save_model(folder)?,
        }
        Ok(())
    }
}

fn due(step: u64, every: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}

/// The loss over several batches.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) nll: f64,
    pub(crate) tokens: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, loss: Loss) {
        self.nll += loss.nll_sum;
        self.tokens += loss.tokens;
    }

    /// Nats a token.
    pub(crate) fn mean(self) -> f64 {
        self.nll / self.tokens.max(1) as f64
    }
}

/// Rows of a dataset as the model takes them.
pub(crate) fn batch(dataset: &Dataset, rows: &[usize]) -> Result<Batch, Error> {
    let length = dataset.sequence_length();
    let mut tokens = Vec::with_capacity(rows.len() * length);
    let mut learned = Vec::with_capacity(rows.len() * length);
    let mut starts = Vec::new();
    for row in rows.iter().filter_map(|row| dataset.row(*row)) {
        starts.extend(sample_starts(&row, tokens.len()));
        tokens.extend_from_slice(row.tokens);
        learned.extend((0..row.tokens.len()).map(|position| row.learned(position)));
    }
    Ok(Batch::new(length, tokens, learned, &starts)?)
}

/// Where samples, and the padding behind the last, start.
fn sample_starts(row: &Row<'_>, before: usize) -> Vec<usize> {
    let ends = row.samples.iter().map(|span| span.range().end);
    let inner = ends.filter(|end| *end < row.tokens.len());
    inner.map(|end| before + end).collect()
}

#[cfg(test)]
mod tests {
    use codelupe_model::Preset;

    use super::*;
    use crate::job::tests::job;

    #[test]
    fn rows_at_once_are_halved_until_they_fit() {
        let config = ModelConfig::preset(Preset::Tiny, 1024).unwrap();
        let job = EngineJob {
            rows_at_once: 8,
            ..job(16, 0)
        };
        let needed = |rows| estimate(&config, None, rows, 256, Recompute::None).required();
        let rows = |free| rows_in_memory(&job, &config, 256, free);
        assert_eq!(rows(None), 8);
        assert_eq!(rows(Some(2 * needed(8))), 8);
        assert_eq!(rows(Some(needed(8))), 4);
        assert_eq!(rows(Some(needed(2) * 5 / 4 + 1)), 2);
        // One row is tried in any case.
        assert_eq!(rows(Some(0)), 1);
    }
}
