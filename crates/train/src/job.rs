//! What an engine is given and what it tells.

use std::path::PathBuf;

use codelupe_core::random::splitmix;
use codelupe_model::{LoraConfig, OptimConfig, Schedule};
use serde::{Deserialize, Serialize};

/// The version of `job.json`.
pub const JOB_VERSION: u32 = 1;

/// What is to be trained, independent of who does it: `job.json` in the folder of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineJob {
    /// [`JOB_VERSION`].
    pub version: u32,
    /// The folder of the base model, in Hugging Face's form.
    pub base: PathBuf,
    /// The name that an adapter says of its base.
    pub base_name: String,
    /// The adapter to be trained; none: all weights are.
    pub lora: Option<LoraConfig>,
    /// The folder of an adapter to go on from.
    pub adapter: Option<PathBuf>,
    /// The samples to learn.
    pub train: PathBuf,
    /// The samples that say when to stop.
    pub validation: Option<PathBuf>,
    /// The optimizer.
    pub optimizer: OptimConfig,
    /// Its learning rate by step.
    pub schedule: Schedule,
    /// Optimizer steps.
    pub steps: u64,
    /// Rows of one step.
    pub rows_per_step: u64,
    /// Rows that are in memory at once.
    pub rows_at_once: u64,
    /// Whether layers are computed again on the way back.
    pub recompute: bool,
    /// Steps between checkpoints.
    pub checkpoint_steps: u64,
    /// Steps between measurements of the validation loss; 0: only at the end.
    pub validation_steps: u64,
    /// The most rows that it is measured on.
    pub validation_rows: u64,
    /// Measurements without a better one after which training ends; 0: never.
    pub patience: u32,
    /// Where all chances start from.
    pub seed: u64,
    /// The folder of checkpoints: what is there is gone on from.
    pub checkpoint: PathBuf,
    /// The folder that the result is put into.
    pub out: PathBuf,
}

/// Told of the progress of a training.
pub(crate) type Tell = dyn Fn(&TrainEvent) + Send + Sync;

impl EngineJob {
    /// The rows of a step, of a dataset with so many rows.
    ///
    /// Each epoch walks over all rows once in strides of about the golden ratio, from a place that depends on seed and
    /// epoch, so that neighboring steps see different parts of the corpus. (The multiples of the golden ratio are spread
    /// evenly: Knuth, The Art of Computer Programming 3, section 6.4, theorem S.)
    pub fn rows_of_step(&self, step: u64, rows: u64) -> Vec<usize> {
        let rows = rows.max(1);
        let stride = stride(rows);
        let places = step * self.rows_per_step..(step + 1) * self.rows_per_step;
        let row = |place: u64| {
            let (epoch, place) = (place / rows, place % rows);
            let start = splitmix(self.seed ^ splitmix(epoch)) % rows;
            let row = (u128::from(place) * u128::from(stride) + u128::from(start)) % u128::from(rows);
            usize::try_from(row).unwrap_or_default()
        };
        places.map(row).collect()
    }
}

/// The number next to `rows` over the golden ratio that has no divisor in common with `rows`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number is between 0 and the number"
)]
fn stride(rows: u64) -> u64 {
    let wanted = (rows as f64 * 0.618_033_988_749_895) as u64;
    (wanted.max(1)..=rows)
        .find(|stride| gcd(*stride, rows) == 1)
        .unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What an engine tells while it works: one JSON line each in `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TrainEvent {
    /// Training begins or goes on.
    Started {
        /// Steps that were done before.
        step: u64,
        /// Values that are trained.
        parameters: u64,
    },
    /// A step was taken.
    Step {
        /// Its number, from 1.
        step: u64,
        /// Mean loss over its learned tokens, nats.
        loss: f64,
        /// The norm of the gradient before clipping.
        grad_norm: f64,
        /// Its learning rate.
        learning_rate: f64,
        /// Tokens read, padding included.
        tokens: u64,
        /// Seconds that it took.
        seconds: f64,
    },
    /// A step was not taken, since its gradient was not finite.
    Skipped {
        /// Its number.
        step: u64,
        /// Its rows in the dataset.
        rows: Vec<usize>,
        /// What the learning rate is multiplied by from here on.
        rate_scale: f64,
    },
    /// The validation loss was measured.
    Validated {
        /// After that step.
        step: u64,
        /// Mean loss over learned tokens, nats.
        loss: f64,
        /// Whether it is the lowest so far.
        best: bool,
    },
    /// Everything up to that step can be gone on from.
    Checkpoint {
        /// The step.
        step: u64,
    },
    /// Memory was short: fewer rows are in memory at once from here on.
    Memory {
        /// Rows at once.
        rows_at_once: u64,
    },
    /// Something that a user should know.
    Warning {
        /// What.
        text: String,
    },
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    pub(crate) fn job(rows_per_step: u64, seed: u64) -> EngineJob {
        EngineJob {
            version: JOB_VERSION,
            base: PathBuf::new(),
            base_name: String::new(),
            lora: None,
            adapter: None,
            train: PathBuf::new(),
            validation: None,
            optimizer: OptimConfig::default(),
            schedule: Schedule::default(),
            steps: 1,
            rows_per_step,
            rows_at_once: 1,
            recompute: false,
            checkpoint_steps: 1,
            validation_steps: 0,
            validation_rows: 1,
            patience: 0,
            seed,
            checkpoint: PathBuf::new(),
            out: PathBuf::new(),
        }
    }

    #[test]
    fn an_epoch_sees_every_row_once() {
        for rows in [1, 2, 3, 7, 16, 100, 1009] {
            for seed in [0, 1, 99] {
                let job = job(1, seed);
                for epoch in 0..2 {
                    let steps = epoch * rows..(epoch + 1) * rows;
                    let seen: BTreeSet<usize> = steps.flat_map(|step| job.rows_of_step(step, rows)).collect();
                    assert_eq!(seen.len() as u64, rows, "{rows} rows, seed {seed}");
                }
            }
        }
    }

    #[test]
    fn the_order_never_changes() {
        // Computed by a program in another language.
        assert_eq!(job(4, 7).rows_of_step(0, 10), [9, 6, 3, 0]);
        assert_eq!(job(4, 7).rows_of_step(2, 10), [5, 2, 6, 3]);
        assert_eq!(job(4, 8).rows_of_step(0, 10), [3, 0, 7, 4]);
    }

    #[test]
    fn events_are_lines_of_json() {
        let event = TrainEvent::Validated {
            step: 3,
            loss: 2.5,
            best: true,
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(line, r#"{"event":"validated","step":3,"loss":2.5,"best":true}"#);
        assert_eq!(serde_json::from_str::<TrainEvent>(&line).unwrap(), event);
    }
}
