//! Low-rank adaptation (Hu and others, arXiv:2106.09685): which projections get an update `alpha / rank * B A`, and of
//! what rank.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::random::Random;

/// The largest rank that is accepted.
pub const MAX_RANK: usize = 1024;

/// A linear projection of a layer, by its name in PEFT's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Target {
    /// To the queries.
    #[serde(rename = "q_proj")]
    Q,
    /// To the keys.
    #[serde(rename = "k_proj")]
    K,
    /// To the values.
    #[serde(rename = "v_proj")]
    V,
    /// From attention back to the residual stream.
    #[serde(rename = "o_proj")]
    O,
    /// The gate of the feed-forward part.
    #[serde(rename = "gate_proj")]
    Gate,
    /// What is gated.
    #[serde(rename = "up_proj")]
    Up,
    /// From the feed-forward part back to the residual stream.
    #[serde(rename = "down_proj")]
    Down,
}

impl Target {
    /// Every projection, in the order in which a layer uses them.
    pub const ALL: [Self; 7] = [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// The module inside a layer.
    pub(crate) const fn module(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// Output and input features.
    pub(crate) const fn shape(self, config: &ModelConfig) -> (usize, usize) {
        let (hidden, middle) = (config.hidden_size, config.intermediate_size);
        match self {
            Self::Q => (config.query_width(), hidden),
            Self::K | Self::V => (config.key_width(), hidden),
            Self::O => (hidden, config.query_width()),
            Self::Gate | Self::Up => (middle, hidden),
            Self::Down => (hidden, middle),
        }
    }
}

/// How a model is adapted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// The rank of an update. Default 16.
    pub rank: usize,
    /// The update is scaled by `alpha / rank`. Default 32.
    pub alpha: f32,
    /// The rate at which values of an update's input are left out while training. Default 0.
    pub dropout: f32,
    /// Which projections are adapted. Default all.
    pub targets: BTreeSet<Target>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            dropout: 0.0,
            targets: Target::ALL.into(),
        }
    }
}

impl LoraConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the value that is not valid.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MAX_RANK).contains(&self.rank) {
            return Err(Error::invalid(format!(
                "the rank is {}; it must be 1 to {MAX_RANK}",
                self.rank
            )));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(Error::invalid(format!("alpha is {}; it must be over 0", self.alpha)));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::invalid(format!(
                "dropout is {}; it must be 0 to under 1",
                self.dropout
            )));
        }
        if self.targets.is_empty() {
            return Err(Error::invalid("no projection is to be adapted"));
        }
        Ok(())
    }

    /// What an update is multiplied by.
    pub(crate) fn scale(&self) -> f32 {
        self.alpha / self.rank as f32
    }
}

/// The values that training starts with, as PEFT's: A uniform as `kaiming_uniform` with a = sqrt(5) makes it, that is
/// within 1 / sqrt(inputs); B zero, so that the model is unchanged at first.
pub(crate) fn initial(layout: &Layout, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; layout.len()];
    for tensor in layout.tensors() {
        if tensor.name.ends_with(A_SUFFIX) {
            let bound = 1.0 / (tensor.shape[1] as f64).sqrt();
            Random::of(seed, &tensor.name).fill_uniform(bound, &mut values[tensor.range.clone()]);
        }
    }
    values
}

const A_SUFFIX: &str = ".lora_A.weight";
const B_SUFFIX: &str = ".lora_B.weight";

/// The names of A and B in a PEFT file.
pub(crate) fn tensor_names(layer: usize, target: Target) -> (String, String) {
    let module = format!("base_model.model.model.layers.{layer}.{}", target.module());
    (format!("{module}{A_SUFFIX}"), format!("{module}{B_SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let good = LoraConfig::default();
        good.validate().unwrap();
        for bad in [
            LoraConfig {
                rank: 0,
                ..good.clone()
            },
            LoraConfig {
                rank: MAX_RANK + 1,
                ..good.clone()
            },
            LoraConfig {
                alpha: f32::NAN,
                ..good.clone()
            },
            LoraConfig {
                dropout: 1.0,
                ..good.clone()
            },
            LoraConfig {
                targets: BTreeSet::new(),
                ..good
            },
        ] {
            bad.validate().unwrap_err();
        }
    }

    #[test]
    fn settings_are_read_by_their_names_in_peft() {
        let config: LoraConfig = serde_json::from_str(r#"{"rank": 8, "targets": ["q_proj", "down_proj"]}"#).unwrap();
        assert_eq!(config.targets, BTreeSet::from([Target::Q, Target::Down]));
        assert_eq!((config.rank, config.alpha), (8, 32.0));
    }
}
