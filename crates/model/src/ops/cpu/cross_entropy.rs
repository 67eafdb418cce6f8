//! Softmax and cross-entropy over rows of logits.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::vector::{exp_sum, max, scale, simd};

/// Each row's loss; the logits become their gradient, softmax minus one at the target.
pub(super) fn in_place(logits: &mut [f32], targets: &[u32], losses: &mut [f64]) {
    let vocabulary = logits.len().checked_div(targets.len()).unwrap_or(0);
    assert!(
        logits.len() == targets.len() * vocabulary && losses.len() == targets.len(),
        "a target for each row"
    );
    logits
        .par_chunks_mut(vocabulary.max(1))
        .zip(targets)
        .zip(losses)
        .for_each(|((row, &target), loss)| simd!(*loss = row_in_place(row, target as usize)));
}

#[inline(always)]
fn row_in_place(row: &mut [f32], target: usize) -> f64 {
    let most = max(row);
    let at_target = row[target];
    let sum = exp_sum(row, most);
    scale(row, 1.0 / sum);
    row[target] -= 1.0;
    f64::from(sum).ln() + f64::from(most) - f64::from(at_target)
}
