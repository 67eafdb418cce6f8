//! Loops that treat every value alike.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::vector::{exp, simd};
use super::{TASK, rows_of};
use crate::tensor::Mat;

/// `y += x`.
pub(super) fn add(x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "as many to add");
    y.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .for_each(|(y, x)| add_row(x, y));
}

/// The same in the calling thread.
pub(super) fn add_row(x: &[f32], y: &mut [f32]) {
    simd!({
        for (y, x) in y.iter_mut().zip(x) {
            *y += x;
        }
    });
}

/// Adds the sum of each column to `sums`.
pub(super) fn add_column_sums(m: Mat<'_>, sums: &mut [f32]) {
    assert_eq!(m.columns, sums.len(), "a sum for each column");
    for row in 0..m.rows {
        add_row(m.row(row), sums);
    }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `silu(gate) * up`.
pub(super) fn swiglu(gate_up: &[f32], width: usize, out: &mut [f32]) {
    assert_eq!(gate_up.len(), 2 * out.len(), "gate and up for each output");
    let rows = rows_of(width);
    out.par_chunks_mut(rows * width)
        .zip(gate_up.par_chunks(rows * 2 * width))
        .for_each(|(out, gate_up)| {
            for (out, gate_up) in out.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
                let (gate, up) = gate_up.split_at(width);
                simd!(swiglu_row(gate, up, out));
            }
        });
}

#[inline(always)]
fn swiglu_row(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate * sigmoid(*gate) * up;
    }
}

/// With s = sigmoid(gate): dup = dout gate s; dgate = dout up s (1 + gate (1 - s)).
pub(super) fn swiglu_backward(gate_up: &[f32], dout: &[f32], width: usize, dgate_up: &mut [f32]) {
    assert!(
        gate_up.len() == 2 * dout.len() && gate_up.len() == dgate_up.len(),
        "gate and up for each output"
    );
    let rows = rows_of(width);
    let tasks = dgate_up
        .par_chunks_mut(rows * 2 * width)
        .zip(gate_up.par_chunks(rows * 2 * width));
    tasks
        .zip(dout.par_chunks(rows * width))
        .for_each(|((dgate_up, gate_up), dout)| {
            let rows = dgate_up
                .chunks_exact_mut(2 * width)
                .zip(gate_up.chunks_exact(2 * width));
            for ((dgate_up, gate_up), dout) in rows.zip(dout.chunks_exact(width)) {
                let (dgate, dup) = dgate_up.split_at_mut(width);
                let (gate, up) = gate_up.split_at(width);
                simd!(swiglu_backward_row(gate, up, dout, dgate, dup));
            }
        });
}

#[inline(always)]
fn swiglu_backward_row(gate: &[f32], up: &[f32], dout: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
    let inputs = gate.iter().zip(up).zip(dout);
    for ((dgate, dup), ((gate, up), dout)) in dgate.iter_mut().zip(dup).zip(inputs) {
        let s = sigmoid(*gate);
        *dup = dout * gate * s;
        *dgate = dout * up * s * (1.0 + gate * (1.0 - s));
    }
}
