//! Dropout whose mask is a function of its key, so that it is never stored.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::TASK;
use super::vector::simd;
use crate::ops::DropoutMask;

/// `out = mask x / (1 - rate)`, or `out +=` with `accumulate`.
pub(super) fn apply(x: &[f32], mask: DropoutMask, accumulate: bool, out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "a place for each value");
    out.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .enumerate()
        .for_each(|(task, (out, x))| {
            simd!(apply_task(x, mask, task, accumulate, out));
        });
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bits are mixed, and a rate is 0 to 1"
)]
fn apply_task(x: &[f32], mask: DropoutMask, task: usize, accumulate: bool, out: &mut [f32]) {
    let threshold = (f64::from(mask.rate) * (1u64 << 32) as f64) as u32;
    let keep = 1.0 / (1.0 - mask.rate);
    let start = (task * TASK) as u32;
    let (low, high) = (mask.key as u32, (mask.key >> 32) as u32);
    for (index, (out, x)) in out.iter_mut().zip(x).enumerate() {
        let bits = mix(mix(start.wrapping_add(index as u32) ^ low).wrapping_add(high));
        let kept = if bits >= threshold { x * keep } else { 0.0 };
        *out = if accumulate { *out + kept } else { kept };
    }
}

/// The 32-bit finalizer of `MurmurHash3` (Appleby), a bijection that mixes well.
#[inline(always)]
const fn mix(mut bits: u32) -> u32 {
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x85eb_ca6b);
    bits ^= bits >> 13;
    bits = bits.wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    fn dropped(rate: f32, key: u64) -> Vec<f32> {
        let mut out = vec![0.0; 100_000];
        apply(&vec![1.0; out.len()], DropoutMask { rate, key }, false, &mut out);
        out
    }

    #[test]
    fn the_mask_keeps_its_rate_and_the_mean() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let out = dropped(rate, 42);
            let zeros = out.iter().filter(|v| **v == 0.0).count() as f32 / out.len() as f32;
            let mean = out.iter().sum::<f32>() / out.len() as f32;
            assert!((zeros - rate).abs() < 0.01, "{rate}: {zeros}");
            assert!((mean - 1.0).abs() < 0.05, "{rate}: {mean}");
        }
    }

    #[test]
    fn a_key_gives_one_mask_and_another_key_another() {
        assert_eq!(dropped(0.5, 7), dropped(0.5, 7));
        for other in [8, 7 | 1 << 32] {
            let same = dropped(0.5, 7)
                .iter()
                .zip(dropped(0.5, other))
                .filter(|(a, b)| **a == *b)
                .count();
            assert!((45_000..55_000).contains(&same), "{same}");
        }
    }
}
