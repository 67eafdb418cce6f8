//! Low-rank adaptation (Hu and others, arXiv:2106.09685): which projections get an update `alpha / rank * B A`, and of
//! what rank.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::target::Target;

/// The largest rank that is accepted.
pub(crate) const MAX_RANK: usize = 1024;

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

/// How the name of an A ends.
pub(crate) const A_SUFFIX: &str = ".lora_A.weight";
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
