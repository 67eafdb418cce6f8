//! A small deterministic generator: the same seed gives the same numbers on every machine and in every version.

use std::f64::consts::TAU;

/// `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of one thing among many made from one seed, such as a tensor by its name.
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        // FNV-1a, 64 bits.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self::new(seed ^ hash);
        random.bits();
        random
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in [0, 1) with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Numbers of the normal distribution around zero (Box and Muller's transform).
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
    pub(crate) fn fill_normal(&mut self, deviation: f64, values: &mut [f32]) {
        for pair in values.chunks_mut(2) {
            let radius = deviation * (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
            let (sine, cosine) = (TAU * self.uniform()).sin_cos();
            for (value, part) in pair.iter_mut().zip([cosine, sine]) {
                *value = (radius * part) as f32;
            }
        }
    }

    /// Numbers spread evenly over [-bound, bound).
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
    pub(crate) fn fill_uniform(&mut self, bound: f64, values: &mut [f32]) {
        for value in values {
            *value = ((2.0 * self.uniform() - 1.0) * bound) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_the_deviation() {
        let mut values = vec![0.0; 100_001];
        Random::of(1, "x").fill_normal(0.02, &mut values);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 3e-4, "{mean}");
        assert!((variance.sqrt() - 0.02).abs() < 3e-4, "{variance}");
    }

    #[test]
    fn names_give_different_numbers() {
        assert_ne!(Random::of(1, "a").bits(), Random::of(1, "b").bits());
        assert_ne!(Random::of(1, "a").bits(), Random::of(2, "a").bits());
    }
}
