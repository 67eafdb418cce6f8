//! Loops over floats that the compiler turns into vector instructions.
//!
//! `simd!` evaluates an expression compiled for the widest instructions that the machine has. What it calls must be
//! inlined into it to be compiled so, which is why functions here are.
#![expect(clippy::inline_always, reason = "see above")]

/// Sums and maxima run in as many lanes, since the compiler may not reorder the additions of a plain loop: four
/// registers of eight floats.
const LANES: usize = 32;

/// Evaluates an expression compiled for the widest vector instructions of this machine.
macro_rules! simd {
    ($body:expr) => {
        $crate::ops::cpu::vector::dispatch(
            #[inline(always)]
            || $body,
        )
    };
}
pub(super) use simd;

/// What `simd!` calls. The bound makes the closure one that is called once; any other would be called through a function
/// that is not inlined.
#[inline(always)]
pub(super) fn dispatch<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// eˣ within two units in the last place; 0 < eˣ < ∞ for every number, and NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; eʳ by the polynomial of the Cephes library's `expf` (Moshier); ln 2 in two
/// parts, so that n ln 2 is exact.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // The least and the largest x for which 2ⁿ is a normal number.
    const LOW: f32 = -87.336_54;
    const HIGH: f32 = 88.02;
    // 1.5 * 2²³: adding it rounds to a whole number, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Comparisons and not `clamp`, so that NaN stays.
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let high = (1.987_569_1e-4 * r + 1.398_2e-3) * r + 8.333_452e-3;
    let sum = ((high * r + 4.166_579_6e-2) * r + 0.166_666_65) * r + 0.5;
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    (sum * r * r + r + 1.0) * power
}

/// Σ f(aᵢ, bᵢ), the lanes apart until the end.
#[inline(always)]
fn fold2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(&a, &b)| f(a, b)).sum();
    rest + halves(sums)
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn halves(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Σ aᵢ bᵢ.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    fold2(a, b, |a, b| a * b)
}

/// The largest value; NaN is passed over.
#[inline(always)]
pub(super) fn max(a: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = a.as_chunks::<LANES>();
    for a in whole {
        for lane in 0..LANES {
            most[lane] = if a[lane] > most[lane] { a[lane] } else { most[lane] };
        }
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces each value by e^(value - shift).
#[inline(always)]
pub(super) fn exp_shifted(values: &mut [f32], shift: f32) {
    for value in values {
        *value = exp(*value - shift);
    }
}

/// The same; returns the sum of what it wrote.
#[inline(always)]
pub(super) fn exp_sum(values: &mut [f32], shift: f32) -> f32 {
    exp_shifted(values, shift);
    fold2(values, values, |value, _| value)
}

/// Multiplies each value.
#[inline(always)]
pub(super) fn scale(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for step in -87_000..88_000 {
            let x = step as f32 / 1000.0;
            let (got, exact) = (f64::from(exp(x)), f64::from(x).exp());
            worst = worst.max((got / exact - 1.0).abs() / f64::from(f32::EPSILON));
        }
        assert!(worst < 2.0, "{worst}");
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-1000.0) > 0.0 && exp(-1000.0) < 2e-38);
        assert!(exp(f32::INFINITY).is_finite());
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn lanes_give_what_plain_loops_give() {
        for length in [0, 1, 31, 32, 33, 100] {
            let a: Vec<f32> = (0..length).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..length).map(|i| (i as f32 * 0.11).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            assert!((f64::from(simd!(dot(&a, &b))) - plain).abs() < 1e-5);
            assert_eq!(simd!(max(&a)), a.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let mut c = a.clone();
            let sum = simd!(exp_sum(&mut c, 0.5));
            let plain: f64 = a.iter().map(|&a| (f64::from(a) - 0.5).exp()).sum();
            assert!((f64::from(sum) - plain).abs() < 1e-4, "{length}: {sum} {plain}");
        }
    }
}
