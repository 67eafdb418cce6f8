//! Heads taken apart and put together, turned by the angles of their positions on the way.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::vector::simd;
use crate::ops::Rotation;
use crate::tensor::{Mat, MatMut};

/// From [tokens, heads * width] to [heads, tokens, width], turned forwards.
pub(super) fn split_heads(x: Mat<'_>, width: usize, rotation: Option<Rotation<'_>>, out: &mut [f32]) {
    assert!(width > 0 && x.columns.is_multiple_of(width), "whole heads");
    assert_eq!(out.len(), x.rows * x.columns, "a place for each value");
    out.par_chunks_mut((x.rows * width).max(1))
        .enumerate()
        .for_each(|(head, out)| {
            let from = x.columns(head * width, width);
            simd!({
                for (token, out) in out.chunks_exact_mut(width).enumerate() {
                    turn(from.row(token), rotation, token, 1.0, out);
                }
            });
        });
}

/// From [heads, tokens, width] to [tokens, heads * width], turned back.
pub(super) fn merge_heads(heads: &[f32], width: usize, rotation: Option<Rotation<'_>>, out: MatMut<'_>) {
    let MatMut {
        data,
        rows: tokens,
        columns,
        row_stride,
    } = out;
    assert!(width > 0 && columns.is_multiple_of(width), "whole heads");
    assert_eq!(heads.len(), tokens * columns, "a place for each value");
    data.par_chunks_mut(row_stride)
        .take(tokens)
        .enumerate()
        .for_each(|(token, out)| {
            simd!({
                for (head, out) in out[..columns].chunks_exact_mut(width).enumerate() {
                    let from = &heads[(head * tokens + token) * width..][..width];
                    turn(from, rotation, token, -1.0, out);
                }
            });
        });
}

/// One head of one token: the pairs (aᵢ, bᵢ) of its two halves turned by ±angleᵢ.
#[inline(always)]
fn turn(from: &[f32], rotation: Option<Rotation<'_>>, token: usize, sign: f32, out: &mut [f32]) {
    let Some(rotation) = rotation else {
        out.copy_from_slice(from);
        return;
    };
    let half = from.len() / 2;
    let place = rotation.positions[token] as usize * half;
    let angles = rotation.cosines[place..][..half]
        .iter()
        .zip(&rotation.sines[place..][..half]);
    let (from_a, from_b) = from.split_at(half);
    let (out_a, out_b) = out.split_at_mut(half);
    let inputs = from_a.iter().zip(from_b).zip(angles);
    for ((out_a, out_b), ((a, b), (cosine, sine))) in out_a.iter_mut().zip(out_b).zip(inputs) {
        let sine = sine * sign;
        *out_a = a * cosine - b * sine;
        *out_b = b * cosine + a * sine;
    }
}
