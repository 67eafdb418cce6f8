//! Completion, token by token, over a cache of keys and values.

use codelupe_core::random::Random;
use serde::{Deserialize, Serialize};

use crate::adapter::{Adapter, source};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::graph::block::norm;
use crate::graph::cache::Cache;
use crate::graph::network::Network;
use crate::graph::pass::{self, Scratch};
use crate::graph::projection::Context;
use crate::model::Model;
use crate::ops::{Cpu, Ops};
use crate::tensor::{Mat, MatMut};

/// How tokens are chosen, and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateConfig {
    /// The most tokens. Fewer fit if the prompt takes most of what the model can read. Default 128.
    pub max_new_tokens: usize,
    /// Logits are divided by it before a token is drawn; 0 takes the likeliest token always. Default 0.
    pub temperature: f32,
    /// Only the likeliest tokens that together have this probability are drawn from. Default 1.
    pub top_p: f32,
    /// The same seed draws the same tokens.
    pub seed: u64,
    /// Tokens that end the completion, besides those that end a text in the model's config.
    pub stop_ids: Vec<u32>,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            max_new_tokens: 128,
            temperature: 0.0,
            top_p: 1.0,
            seed: 0,
            stop_ids: Vec::new(),
        }
    }
}

impl GenerateConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the value that is not valid.
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(Error::invalid(format!(
                "the temperature is {}; it must be 0 or more",
                self.temperature
            )));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::invalid(format!(
                "top_p is {}; it must be over 0 and at most 1",
                self.top_p
            )));
        }
        Ok(())
    }
}

/// The continuation of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The new tokens, without the one that ended it.
    pub tokens: Vec<u32>,
    /// Whether such a token came; otherwise the bound was reached.
    pub ended: bool,
}

/// Completes a prompt.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a prompt that is empty, has tokens that the model does not know, or leaves no room;
/// or an invalid config. [`crate::ErrorKind::Mismatch`] for an adapter of another base.
pub fn generate(
    model: &Model,
    adapter: Option<&Adapter>,
    prompt: &[u32],
    config: &GenerateConfig,
) -> Result<Completion> {
    config.validate()?;
    let batch = Batch::of_text(prompt)?;
    batch.check(model.config())?;
    let network = Network::assemble(source(model, adapter)?)?;
    let most = model
        .config()
        .max_position_embeddings
        .saturating_sub(prompt.len())
        .min(config.max_new_tokens);
    let mut decoder = Decoder::new(&network, prompt.len() + most);
    // Inside the pool, so that not every operation hands its work over to it.
    Ok(rayon::scope(|_| complete(&mut decoder, &batch, config, most)))
}

fn complete(decoder: &mut Decoder<'_>, prompt: &Batch, config: &GenerateConfig, most: usize) -> Completion {
    let ends = &decoder.network.config.eos_token_ids;
    let mut random = Random::new(config.seed);
    let mut tokens = Vec::new();
    let mut logits = decoder.read_prompt(prompt);
    while tokens.len() < most {
        let token = choose(&mut logits, config, &mut random);
        if config.stop_ids.contains(&token) || ends.contains(&token) {
            return Completion { tokens, ended: true };
        }
        tokens.push(token);
        if tokens.len() < most {
            logits = decoder.read(token);
        }
    }
    Completion { tokens, ended: false }
}

/// The logits of every token of a batch, [tokens, vocabulary]. All are in memory together, so it is for short batches only.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a batch that the model cannot read; [`crate::ErrorKind::Mismatch`] for an adapter
/// of another base.
pub fn logits(model: &Model, adapter: Option<&Adapter>, batch: &Batch) -> Result<Vec<f32>> {
    batch.check(model.config())?;
    let network = Network::assemble(source(model, adapter)?)?;
    Ok(pass::logits(&Cpu, &mut Scratch::default(), &network, batch))
}

/// A model that reads a text token by token.
struct Decoder<'a> {
    network: &'a Network<'a>,
    scratch: Scratch,
    cache: Cache,
}

impl<'a> Decoder<'a> {
    fn new(network: &'a Network<'a>, capacity: usize) -> Self {
        Self {
            network,
            scratch: Scratch::default(),
            cache: Cache::new(network.config, capacity),
        }
    }

    /// Reads the whole prompt, and returns the logits of the token after it.
    fn read_prompt(&mut self, prompt: &Batch) -> Vec<f32> {
        let Scratch { workspace: ws, angles } = &mut self.scratch;
        ws.start(prompt.tokens().len());
        angles.of_batch(self.network.config, prompt);
        let geometry = pass::geometry(self.network, prompt, angles);
        let cx = Context {
            ops: &Cpu,
            dropout: None,
        };
        let mut x = pass::embed(&Cpu, ws, self.network, prompt.tokens());
        for (layer, block) in self.network.blocks.iter().enumerate() {
            let (y, kept) = block.forward(&cx, ws, &geometry, &x);
            self.cache.take_all(layer, &kept.heads);
            kept.give(ws);
            ws.give(std::mem::replace(&mut x, y));
        }
        self.cache.grow(prompt.tokens().len());
        let last = x.len() - self.network.config.hidden_size;
        self.logits(&x[last..])
    }

    /// Reads one more token, and returns the logits of the one after it.
    fn read(&mut self, token: u32) -> Vec<f32> {
        let Scratch { workspace: ws, angles } = &mut self.scratch;
        ws.start(1);
        angles.of_position(self.network.config, self.cache.position());
        let sample = 0..1;
        let geometry = pass::geometry_of(self.network.config, std::slice::from_ref(&sample), 1, angles);
        let cx = Context {
            ops: &Cpu,
            dropout: None,
        };
        let mut x = pass::embed(&Cpu, ws, self.network, &[token]);
        for (layer, block) in self.network.blocks.iter().enumerate() {
            let y = self.cache.forward(&cx, ws, &geometry, layer, block, &x);
            ws.give(std::mem::replace(&mut x, y));
        }
        self.cache.grow(1);
        self.logits(&x)
    }

    fn logits(&mut self, x: &[f32]) -> Vec<f32> {
        let cx = Context {
            ops: &Cpu,
            dropout: None,
        };
        let (weight, eps) = (&self.network.norm, self.network.config.rms_norm_eps);
        let (normed, _) = norm(&cx, &mut self.scratch.workspace, weight, eps, x);
        let head = self.network.head.weight;
        let mut logits = vec![0.0; head.rows()];
        Cpu.linear(
            Mat::new(&normed, head.columns()),
            head,
            None,
            MatMut::new(&mut logits, head.rows()),
        );
        logits
    }
}

/// Chooses the next token by its logits, which are overwritten.
fn choose(logits: &mut [f32], config: &GenerateConfig, random: &mut Random) -> u32 {
    let likeliest = || {
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(token, _)| token)
    };
    let token = if config.temperature == 0.0 {
        likeliest()
    } else {
        draw(logits, config, random)
    };
    u32::try_from(token).unwrap_or(u32::MAX)
}

/// Draws by probability among the likeliest tokens that together have `top_p`.
fn draw(logits: &mut [f32], config: &GenerateConfig, random: &mut Random) -> usize {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for logit in logits.iter_mut() {
        *logit = ((*logit - most) / config.temperature).exp();
    }
    let total: f64 = logits.iter().map(|&p| f64::from(p)).sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let (mut kept, mut mass) = (0, 0.0);
    for &token in &order {
        mass += f64::from(logits[token]);
        kept += 1;
        if mass >= total * f64::from(config.top_p) {
            break;
        }
    }
    let mut left = random.uniform() * mass;
    for &token in &order[..kept] {
        left -= f64::from(logits[token]);
        if left < 0.0 {
            return token;
        }
    }
    order.first().copied().unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    fn drawn(config: &GenerateConfig) -> Vec<u32> {
        let mut random = Random::new(config.seed);
        (0..1000)
            .map(|_| choose(&mut [1.0, 3.0, 2.0, f32::NEG_INFINITY], config, &mut random))
            .collect()
    }

    #[test]
    fn no_temperature_takes_the_likeliest_always() {
        assert!(drawn(&GenerateConfig::default()).iter().all(|&token| token == 1));
    }

    #[test]
    fn tokens_are_drawn_by_their_probability_and_seed() {
        let config = GenerateConfig {
            temperature: 1.0,
            ..GenerateConfig::default()
        };
        let tokens = drawn(&config);
        let share = |token| tokens.iter().filter(|&&t| t == token).count() as f64 / 1000.0;
        // e³ / (e + e² + e³)
        assert!((share(1) - 0.665).abs() < 0.05, "{}", share(1));
        assert_eq!(share(3), 0.0);
        assert_eq!(tokens, drawn(&config));
        assert_ne!(tokens, drawn(&GenerateConfig { seed: 1, ..config }));
    }

    #[test]
    fn a_small_top_p_leaves_only_the_likeliest() {
        let config = GenerateConfig {
            temperature: 1.0,
            top_p: 0.6,
            ..GenerateConfig::default()
        };
        assert!(drawn(&config).iter().all(|&token| token == 1));
    }
}
