//! The random numbers of weights.

use std::f64::consts::TAU;

use codelupe_core::random::Random;

/// The generator of one thing among many made from one seed, such as a tensor by its name.
pub(crate) fn of_name(seed: u64, name: &str) -> Random {
    // FNV-1a, 64 bits.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut random = Random::new(seed ^ hash);
    random.bits();
    random
}

/// Fills `values` with numbers of the normal distribution around zero (Box and Muller's transform).
#[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
pub(crate) fn fill_normal(random: &mut Random, deviation: f64, values: &mut [f32]) {
    for pair in values.chunks_mut(2) {
        let radius = deviation * (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
        let (sine, cosine) = (TAU * random.uniform()).sin_cos();
        for (value, part) in pair.iter_mut().zip([cosine, sine]) {
            *value = (radius * part) as f32;
        }
    }
}

/// Fills `values` with numbers spread evenly over [-bound, bound).
#[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
pub(crate) fn fill_uniform(random: &mut Random, bound: f64, values: &mut [f32]) {
    for value in values {
        *value = ((2.0 * random.uniform() - 1.0) * bound) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_zero_and_the_deviation() {
        let mut values = vec![0.0; 100_001];
        fill_normal(&mut of_name(1, "x"), 0.02, &mut values);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 3e-4, "{mean}");
        assert!((variance.sqrt() - 0.02).abs() < 3e-4, "{variance}");
    }

    #[test]
    fn names_give_different_numbers() {
        assert_ne!(of_name(1, "a").bits(), of_name(1, "b").bits());
        assert_ne!(of_name(1, "a").bits(), of_name(2, "a").bits());
    }
}
