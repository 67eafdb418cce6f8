//! RMS norm.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::rows_of;
use super::vector::{dot, simd};
use crate::ops::Norm;

/// y = x * inverse * weight.
pub(super) fn forward(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]) {
    let width = weight.len();
    assert!(x.len() == y.len() && x.len() == inverse.len() * width, "whole rows");
    let rows = rows_of(width);
    let tasks = y.par_chunks_mut(rows * width).zip(x.par_chunks(rows * width));
    tasks.zip(inverse.par_chunks_mut(rows)).for_each(|((y, x), inverse)| {
        for ((y, x), inverse) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(inverse) {
            simd!(*inverse = forward_row(x, weight, eps, y));
        }
    });
}

#[inline(always)]
fn forward_row(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) -> f32 {
    let inverse = 1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt();
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        *y = x * inverse * weight;
    }
    inverse
}

/// dx += inverse * (weight dy) - x * inverse³ * mean(weight dy x).
pub(super) fn backward(norm: Norm<'_>, dy: &[f32], dx: &mut [f32]) {
    let width = norm.weight.len();
    assert!(norm.x.len() == dy.len() && dy.len() == dx.len(), "whole rows");
    assert_eq!(dx.len(), norm.inverse.len() * width, "whole rows");
    let rows = rows_of(width);
    let tasks = dx.par_chunks_mut(rows * width).zip(dy.par_chunks(rows * width));
    tasks
        .zip(norm.x.par_chunks(rows * width))
        .zip(norm.inverse.par_chunks(rows))
        .for_each(|(((dx, dy), x), inverse)| {
            let rows = dx
                .chunks_exact_mut(width)
                .zip(dy.chunks_exact(width))
                .zip(x.chunks_exact(width));
            for (((dx, dy), x), inverse) in rows.zip(inverse) {
                simd!(backward_row(x, norm.weight, *inverse, dy, dx));
            }
        });
}

#[inline(always)]
fn backward_row(x: &[f32], weight: &[f32], inverse: f32, dy: &[f32], dx: &mut [f32]) {
    let mut product = 0.0;
    // In pieces whose weighted gradient fits in registers' reach.
    for ((x, weight), dy) in x.chunks(PIECE).zip(weight.chunks(PIECE)).zip(dy.chunks(PIECE)) {
        let mut weighted = [0.0; PIECE];
        for ((weighted, weight), dy) in weighted.iter_mut().zip(weight).zip(dy) {
            *weighted = weight * dy;
        }
        product += dot(x, &weighted[..x.len()]);
    }
    let along = product * inverse * inverse * inverse / x.len() as f32;
    for (((dx, dy), x), weight) in dx.iter_mut().zip(dy).zip(x).zip(weight) {
        *dx += weight * dy * inverse - x * along;
    }
}

const PIECE: usize = 256;

/// dweight += Σ dy x inverse, over the rows in order.
pub(super) fn weight_backward(norm: Norm<'_>, dy: &[f32], dweight: &mut [f32]) {
    let width = norm.weight.len();
    let rows = norm.x.chunks_exact(width).zip(dy.chunks_exact(width));
    for ((x, dy), inverse) in rows.zip(norm.inverse) {
        simd!({
            for ((dweight, x), dy) in dweight.iter_mut().zip(x).zip(dy) {
                *dweight += x * inverse * dy;
            }
        });
    }
}
