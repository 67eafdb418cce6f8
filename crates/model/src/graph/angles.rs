//! The angles of rotary positions.

use crate::batch::Batch;
use crate::config::ModelConfig;
use crate::ops::Rotation;

/// Cosines and sines for positions up to the longest sample seen so far, and the positions of a batch.
#[derive(Debug, Default)]
pub(crate) struct Angles {
    cosines: Vec<f32>,
    sines: Vec<f32>,
    positions: Vec<u32>,
}

impl Angles {
    /// The angles of positions 0 to `count`: position times theta^(-2i/width), for i under half of the width.
    #[expect(clippy::cast_possible_truncation, reason = "angles are used in single precision")]
    fn reach(&mut self, config: &ModelConfig, count: usize) {
        let half = config.head_dim / 2;
        for position in self.cosines.len() / half..count {
            for index in 0..half {
                let frequency = config.rope_theta.powf(-2.0 * index as f64 / config.head_dim as f64);
                let (sine, cosine) = (position as f64 * frequency).sin_cos();
                self.cosines.push(cosine as f32);
                self.sines.push(sine as f32);
            }
        }
    }

    /// Takes the positions of a batch's tokens, each counted in its sample.
    pub(crate) fn of_batch(&mut self, config: &ModelConfig, batch: &Batch) {
        self.reach(config, batch.longest());
        self.positions.clear();
        self.positions
            .extend(batch.samples().iter().flat_map(|sample| (0u32..).take(sample.len())));
    }

    /// Takes a single position.
    pub(crate) fn of_position(&mut self, config: &ModelConfig, position: u32) {
        self.reach(config, position as usize + 1);
        self.positions = vec![position];
    }

    /// The angles of the tokens taken last.
    pub(crate) fn rotation(&self) -> Rotation<'_> {
        Rotation {
            cosines: &self.cosines,
            sines: &self.sines,
            positions: &self.positions,
        }
    }
}
