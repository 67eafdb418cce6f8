//! The learning rate over a run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Linear warm-up, then half a cosine down to a part of the peak (Loshchilov and Hutter, arXiv:1608.03983).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate. Default 2e-4.
    pub peak: f64,
    /// The steps over which the rate rises; the first has a rate over zero already. Default 20.
    pub warmup: u64,
    /// All steps; later ones have the last rate. Default 1000.
    pub steps: u64,
    /// The part of the peak that is left at the end. Default 0.1.
    pub floor: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            peak: 2e-4,
            warmup: 20,
            steps: 1000,
            floor: 0.1,
        }
    }
}

impl Schedule {
    /// Checks the values.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the value that is not valid.
    pub fn validate(&self) -> Result<()> {
        if !(self.peak.is_finite() && self.peak >= 0.0) {
            return Err(Error::invalid(format!(
                "the peak rate is {}; it must be 0 or more",
                self.peak
            )));
        }
        if !(0.0..=1.0).contains(&self.floor) {
            return Err(Error::invalid(format!(
                "the floor is {}; it must be 0 to 1",
                self.floor
            )));
        }
        Ok(())
    }

    /// The rate of a step, counted from zero.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let falling = self.steps.saturating_sub(self.warmup).max(1);
        let progress = ((step - self.warmup) as f64 / falling as f64).min(1.0);
        self.peak * (self.floor + (1.0 - self.floor) * 0.5 * (1.0 + (PI * progress).cos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_its_floor() {
        let schedule = Schedule {
            peak: 1.0,
            warmup: 4,
            steps: 12,
            floor: 0.2,
        };
        let rates: Vec<f64> = (0..14).map(|step| schedule.rate(step)).collect();
        assert_eq!(rates[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
        assert!((rates[8] - 0.6).abs() < 1e-12, "half-way: {}", rates[8]);
        assert!((rates[12] - 0.2).abs() < 1e-12 && (rates[13] - 0.2).abs() < 1e-12);
        assert!(rates[4..].is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn degenerate_lengths_have_finite_rates() {
        for (warmup, steps) in [(0, 0), (5, 0), (0, 1), (9, 3)] {
            let schedule = Schedule {
                warmup,
                steps,
                ..Schedule::default()
            };
            assert!((0..20).all(|step| schedule.rate(step).is_finite()));
        }
    }
}
