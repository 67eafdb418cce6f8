//! AdamW with clipping by the global norm, over one flat buffer.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ops::{AdamwStep, Ops};

/// How trained values follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimConfig {
    /// The decay of the first moment. Default 0.9.
    pub beta1: f32,
    /// The decay of the second moment. Default 0.999.
    pub beta2: f32,
    /// Added to the root of the second moment. Default 1e-8.
    pub epsilon: f32,
    /// The decoupled decay of matrices; norms and biases do not decay. Default 0.01.
    pub weight_decay: f32,
    /// The largest norm of all gradients together; larger ones are scaled down. Default 1.
    pub max_grad_norm: f64,
}

impl Default for OptimConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            max_grad_norm: 1.0,
        }
    }
}

impl OptimConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the value that is not valid.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.beta1) || !(0.0..1.0).contains(&self.beta2) {
            return Err(Error::invalid("beta1 and beta2 must be 0 to under 1"));
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !positive(self.epsilon.into()) || !positive(self.max_grad_norm) {
            return Err(Error::invalid("epsilon and max_grad_norm must be over 0"));
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(Error::invalid(format!(
                "weight_decay is {}; it must be 0 or more",
                self.weight_decay
            )));
        }
        Ok(())
    }

    /// What gradients whose norm is `norm` are multiplied by, as `torch.nn.utils.clip_grad_norm_` does it.
    pub(crate) fn clip(&self, norm: f64) -> f64 {
        (self.max_grad_norm / (norm + 1e-6)).min(1.0)
    }
}

/// What a step is scaled by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scales {
    /// The learning rate.
    pub(crate) rate: f32,
    /// From the sum of the gradients to their mean, clipped.
    pub(crate) gradient_scale: f32,
}

/// The moments and the count of steps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    pub(crate) first: Vec<f32>,
    pub(crate) second: Vec<f32>,
    /// Steps that were applied.
    pub(crate) steps: u64,
}

impl Moments {
    pub(crate) fn new(len: usize) -> Self {
        Self {
            first: vec![0.0; len],
            second: vec![0.0; len],
            steps: 0,
        }
    }

    /// One step; `stretches` are the neighboring values that decay or do not.
    pub(crate) fn step(
        &mut self,
        ops: &dyn Ops,
        config: &OptimConfig,
        scales: Scales,
        values: &mut [f32],
        gradients: &[f32],
        stretches: &[Stretch],
    ) {
        let Scales { rate, gradient_scale } = scales;
        self.steps += 1;
        for Stretch { range, decays } in stretches {
            let step = AdamwStep {
                rate,
                beta1: config.beta1,
                beta2: config.beta2,
                epsilon: config.epsilon,
                weight_decay: if *decays { config.weight_decay } else { 0.0 },
                gradient_scale,
                count: self.steps,
            };
            let range = range.clone();
            let (first, second) = (&mut self.first[range.clone()], &mut self.second[range.clone()]);
            ops.adamw(&step, &mut values[range.clone()], &gradients[range], first, second);
        }
    }
}

/// Neighboring values that decay, or that do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) decays: bool,
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    #[test]
    fn only_norms_over_the_bound_are_clipped() {
        let config = OptimConfig::default();
        assert_eq!(config.clip(0.5), 1.0);
        assert!((config.clip(4.0) - 0.25).abs() < 1e-6);
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let good = OptimConfig::default();
        good.validate().unwrap();
        for bad in [
            OptimConfig { beta1: 1.0, ..good },
            OptimConfig { epsilon: 0.0, ..good },
            OptimConfig {
                weight_decay: f32::NAN,
                ..good
            },
            OptimConfig {
                max_grad_norm: 0.0,
                ..good
            },
        ] {
            bad.validate().unwrap_err();
        }
    }
}
