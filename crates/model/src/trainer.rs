//! Training: gradients of batches are gathered, then all trained values take a step.

use std::path::Path;

use codelupe_core::random::splitmix;
use codelupe_disk::replace_folder;

use crate::adapter::{Adapter, source};
use crate::batch::Batch;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Error, Result};
use crate::graph::network::{AdapterView, Network, Source};
use crate::graph::pass::{self, Loss, Pass, Recompute, Scratch};
use crate::init::write_model;
use crate::layout::Layout;
use crate::lora::LoraConfig;
use crate::model::Model;
use crate::ops::{Cpu, Ops};
use crate::optimizer::{Moments, OptimConfig, Scales, Stretch};
use crate::state;

/// What is trained.
#[derive(Debug, Clone)]
pub enum Trainable {
    /// A new adapter; the model's own weights stay as they are.
    Lora(LoraConfig),
    /// An adapter that was trained before, from where it is.
    Adapter(Adapter),
    /// All weights of the model, as floats: for small models that start from random weights.
    Full,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepStats {
    /// The norm of the mean gradient over all trained values, before clipping.
    pub grad_norm: f64,
    /// Whether the step was taken. It is not if the norm is not finite, or no token was learned since the last step:
    /// nothing is changed then, and the gradients are discarded.
    pub applied: bool,
}

/// A model in training. It holds the trained values, their gradients and moments: 16 bytes a value.
pub struct Trainer<'m> {
    model: &'m Model,
    /// The adapter's config; `None` if all weights are trained.
    lora: Option<LoraConfig>,
    layout: Layout,
    values: Vec<f32>,
    gradients: Vec<f32>,
    moments: Moments,
    stretches: Vec<Stretch>,
    optim: OptimConfig,
    recompute: Recompute,
    seed: u64,
    scratch: Scratch,
    ops: Cpu,
    /// Tokens learned, and batches, since the last step.
    tokens: u64,
    batches: u64,
}

impl std::fmt::Debug for Trainer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer")
            .field("model", &self.model.name())
            .field("lora", &self.lora)
            .field("values", &self.values.len())
            .field("steps", &self.moments.steps)
            .finish_non_exhaustive()
    }
}

impl<'m> Trainer<'m> {
    /// Starts training. The seed decides what a new adapter starts with and what dropout leaves out.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for invalid configs; [`ErrorKind::Mismatch`] for an adapter of another base.
    pub fn new(
        model: &'m Model,
        trainable: Trainable,
        optim: OptimConfig,
        recompute: Recompute,
        seed: u64,
    ) -> Result<Self> {
        optim.validate()?;
        let (lora, layout, values) = start(model, trainable, seed)?;
        let len = layout.len();
        Ok(Self {
            model,
            lora,
            stretches: stretches(&layout),
            gradients: vec![0.0; len],
            moments: Moments::new(len),
            layout,
            values,
            optim,
            recompute,
            seed,
            scratch: Scratch::default(),
            ops: Cpu,
            tokens: 0,
            batches: 0,
        })
    }

    /// Adds the gradients of a batch, of the sum over its learned tokens, to those gathered since the last step.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a batch that the model cannot read.
    pub fn accumulate(&mut self, batch: &Batch) -> Result<Loss> {
        batch.check(self.model.config())?;
        let source = network_source(self.model, self.lora.as_ref(), &self.layout, &self.values);
        let network = Network::assemble(source)?;
        let pass = Pass {
            ops: &self.ops,
            network: &network,
            recompute: self.recompute,
            dropout: dropout_key(self.seed, self.moments.steps, self.batches),
        };
        // Inside the pool, so that not every operation hands its work over to it.
        let loss = rayon::scope(|_| pass.run(&mut self.scratch, batch, &mut self.gradients));
        self.tokens += loss.tokens;
        self.batches += 1;
        Ok(loss)
    }

    /// Takes a step by the mean gradient over the tokens gathered since the last one, clipped, with this learning rate.
    #[expect(clippy::cast_possible_truncation, reason = "used in single precision")]
    pub fn step(&mut self, rate: f64) -> StepStats {
        let mean = 1.0 / self.tokens.max(1) as f64;
        let grad_norm = self.ops.sum_of_squares(&self.gradients).sqrt() * mean;
        let applied = grad_norm.is_finite() && self.tokens > 0;
        if applied {
            let scale = mean * self.optim.clip(grad_norm);
            let scales = Scales {
                rate: rate as f32,
                gradient_scale: scale as f32,
            };
            self.moments.step(
                &self.ops,
                &self.optim,
                scales,
                &mut self.values,
                &self.gradients,
                &self.stretches,
            );
        }
        self.discard();
        StepStats { grad_norm, applied }
    }

    /// Discards the gradients gathered since the last step.
    pub fn discard(&mut self) {
        self.gradients.fill(0.0);
        self.tokens = 0;
        self.batches = 0;
    }

    /// The loss of each sample of a batch, without dropout and without gradients.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a batch that the model cannot read.
    pub fn evaluate(&mut self, batch: &Batch) -> Result<Vec<Loss>> {
        batch.check(self.model.config())?;
        let source = network_source(self.model, self.lora.as_ref(), &self.layout, &self.values);
        let network = Network::assemble(source)?;
        Ok(rayon::scope(|_| {
            pass::evaluate(&self.ops, &mut self.scratch, &network, batch)
        }))
    }

    /// The bytes of the buffers that passes over batches of the last size have needed; they are kept for the next one.
    pub fn buffer_bytes(&self) -> u64 {
        self.scratch.workspace.bytes()
    }

    /// Steps that were applied, since the very start of training.
    pub const fn steps(&self) -> u64 {
        self.moments.steps
    }

    /// The gradients gathered since the last step, of the sum over tokens: the name, shape and values of each.
    pub fn gradients(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        let slots = self.layout.tensors().iter();
        slots.map(|slot| {
            (
                slot.name.as_str(),
                slot.shape.as_slice(),
                &self.gradients[slot.range.clone()],
            )
        })
    }

    /// The trained values: the name, shape and values of each.
    pub fn values(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        let slots = self.layout.tensors().iter();
        slots.map(|slot| {
            (
                slot.name.as_str(),
                slot.shape.as_slice(),
                &self.values[slot.range.clone()],
            )
        })
    }

    /// A copy of the adapter as it is now; `None` if all weights are trained.
    pub fn adapter(&self) -> Option<Adapter> {
        let config = self.lora.clone()?;
        Some(Adapter::of_values(
            self.model,
            config,
            self.layout.clone(),
            self.values.clone(),
        ))
    }

    /// Writes all weights as a model folder that `transformers` reads too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if an adapter is trained; kinds of I/O.
    pub fn save_model(&self, folder: &Path) -> Result<()> {
        if self.lora.is_some() {
            return Err(Error::invalid("an adapter is trained, not a model; merge it instead"));
        }
        replace_folder(folder, |folder| {
            write_model(folder, self.model.config(), &self.layout, &self.values)
        })
    }

    /// Writes everything that training needs to go on: trained values, both moments, the number of steps, the seed. The
    /// file is there whole or not at all. Gradients gathered since the last step are not in it.
    ///
    /// # Errors
    /// Kinds of I/O.
    pub fn save_state(&self, path: &Path) -> Result<()> {
        state::save(
            path,
            &self.layout,
            [&self.values, &self.moments.first, &self.moments.second],
            self.progress(),
        )
    }

    /// Restores a state: from here on training gives the same bits as without a break, with the same number of threads.
    /// Gradients gathered since the last step are discarded. After an error nothing is changed.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] for the state of another training; [`ErrorKind::Corrupt`] for a damaged file; kinds of
    /// I/O.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let ([values, first, second], progress) = state::load(path, &self.layout, self.progress().fingerprint)?;
        self.values = values;
        self.moments = Moments {
            first,
            second,
            steps: progress.steps,
        };
        self.seed = progress.seed;
        self.discard();
        Ok(())
    }

    fn progress(&self) -> state::Progress {
        let full = || "full".to_owned();
        let lora = self
            .lora
            .as_ref()
            .map_or_else(full, |lora| format!("{} {}", lora.alpha, lora.dropout));
        state::Progress {
            steps: self.moments.steps,
            seed: self.seed,
            fingerprint: format!("{} {lora}", self.model.fingerprint()),
        }
    }
}

/// What is trained: the adapter's config, the layout of the trained values, the values.
fn start(model: &Model, trainable: Trainable, seed: u64) -> Result<(Option<LoraConfig>, Layout, Vec<f32>)> {
    let adapter = match trainable {
        Trainable::Lora(config) => Adapter::new(model, config, seed)?,
        Trainable::Adapter(adapter) => {
            source(model, Some(&adapter))?;
            adapter
        }
        Trainable::Full => {
            let layout = Layout::full(model.config());
            let mut values = Vec::with_capacity(layout.len());
            for slot in layout.tensors() {
                values.extend(model.floats(&slot.name)?);
            }
            return Ok((None, layout, values));
        }
    };
    let (config, layout, values) = adapter.into_parts();
    Ok((Some(config), layout, values))
}

fn network_source<'a>(
    model: &'a Model,
    lora: Option<&'a LoraConfig>,
    layout: &'a Layout,
    values: &'a [f32],
) -> Source<'a> {
    match lora {
        Some(config) => Source::Frozen(model, Some(AdapterView { config, layout, values })),
        None => Source::Trained(model.config(), layout, values),
    }
}

/// A key for the masks of one batch: a function of where training is, so that a resumed training leaves out the
/// same values.
fn dropout_key(seed: u64, step: u64, batch: u64) -> u64 {
    splitmix(splitmix(seed ^ splitmix(step)) ^ batch)
}

/// The neighboring tensors that decay, matrices, and those that do not, norms and biases.
fn stretches(layout: &Layout) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for slot in layout.tensors() {
        let decays = slot.shape.len() > 1;
        match stretches.last_mut().filter(|last| last.decays == decays) {
            Some(last) => last.range.end = slot.range.end,
            None => stretches.push(Stretch {
                range: slot.range.clone(),
                decays,
            }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use codelupe_core::random::Random;

    use super::*;
    use crate::config::{ModelConfig, Preset};
    use crate::init_model;
    use crate::random::fill_uniform;

    /// The way back through A, B and the masks of dropout: each gradient against central differences of the loss.
    #[test]
    fn gradients_of_lora_under_dropout_are_those_of_finite_differences() {
        const STEP: f32 = 3e-4;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("base");
        let config = ModelConfig {
            hidden_size: 16,
            layers: 2,
            heads: 2,
            kv_heads: 1,
            head_dim: 8,
            intermediate_size: 24,
            ..ModelConfig::preset(Preset::Tiny, 40).unwrap()
        };
        init_model(&path, &config, 1).unwrap();
        let model = Model::open(&path).unwrap();
        let batch = Batch::of_text(&(0..12).map(|i| i * 7 % 40).collect::<Vec<_>>()).unwrap();
        let lora = LoraConfig {
            rank: 3,
            alpha: 12.0,
            dropout: 0.3,
            ..LoraConfig::default()
        };
        // Always the first batch of the first step, so always the same masks.
        let fresh = |values: Option<&[f32]>| {
            let mut trainer = Trainer::new(
                &model,
                Trainable::Lora(lora.clone()),
                OptimConfig::default(),
                Recompute::PerLayer,
                4,
            )
            .unwrap();
            if let Some(values) = values {
                trainer.values = values.to_vec();
            }
            trainer
        };
        let mut values = fresh(None).values;
        fill_uniform(&mut Random::new(2), 0.5, &mut values);
        let mut trainer = fresh(Some(&values));
        trainer.accumulate(&batch).unwrap();
        let largest = trainer.gradients.iter().fold(0.0f32, |m, g| m.max(g.abs()));
        for place in (0..values.len()).step_by(37) {
            let loss = |step: f32| {
                let mut values = values.clone();
                values[place] += step;
                fresh(Some(&values)).accumulate(&batch).unwrap().nll_sum
            };
            let expected = (loss(STEP) - loss(-STEP)) / f64::from(2.0 * STEP);
            let got = f64::from(trainer.gradients[place]);
            assert!(
                (got - expected).abs() < 3e-3 * f64::from(largest),
                "{place}: {got} and {expected}"
            );
        }
    }

    #[test]
    fn matrices_decay_and_norms_and_biases_do_not() {
        let config = ModelConfig::preset(Preset::Tiny, 64).unwrap();
        let layout = Layout::full(&config);
        let stretches = stretches(&layout);
        assert_eq!(stretches.last().map(|last| last.range.end), Some(layout.len()));
        for slot in layout.tensors() {
            let within = |stretch: &&Stretch| stretch.range.contains(&slot.range.start);
            let decays = stretches.iter().find(within).unwrap().decays;
            assert_eq!(
                decays,
                slot.name.contains("proj.weight") || slot.name.contains("embed"),
                "{}",
                slot.name
            );
        }
    }
}
