//! The operations on the CPU: matrix products by `gemm`, the rest by loops that are compiled for several widths of
//! vector instructions, in as many threads as the current pool of rayon has.

mod attention;
mod cross_entropy;
mod dropout;
mod elementwise;
mod linear;
mod matmul;
mod norm;
mod optimizer;
mod rope;
mod vector;

use crate::ops::{AdamwStep, AttentionBack, AttentionShape, DropoutMask, Norm, Ops, Qkv, QkvMut, Rotation};
use crate::tensor::{Mat, MatMut, Weight};

/// The CPU.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu;

/// How many floats a task of a loop over all values handles: large enough that handing it to a thread costs nothing,
/// small enough for a level-1 cache.
const TASK: usize = 8192;

/// How many rows of some width make a task.
const fn rows_of(width: usize) -> usize {
    if width == 0 || width > TASK { 1 } else { TASK / width }
}

impl Ops for Cpu {
    fn embed(&self, table: Weight<'_>, tokens: &[u32], out: &mut [f32]) {
        linear::embed(table, tokens, out);
    }

    fn embed_backward(&self, tokens: &[u32], dout: &[f32], dtable: &mut [f32]) {
        linear::embed_backward(tokens, dout, dtable);
    }

    fn linear(&self, x: Mat<'_>, weight: Weight<'_>, bias: Option<&[f32]>, y: MatMut<'_>) {
        linear::forward(x, weight, bias, y);
    }

    fn linear_backward(&self, dy: Mat<'_>, weight: Weight<'_>, accumulate: bool, dx: MatMut<'_>) {
        linear::backward(dy, weight, accumulate, dx);
    }

    fn matmul(&self, scale: f32, a: Mat<'_>, b: Mat<'_>, accumulate: bool, c: MatMut<'_>) {
        matmul::matmul(matmul::Threads::Pool, scale, a, b, accumulate, c);
    }

    fn add_column_sums(&self, m: Mat<'_>, sums: &mut [f32]) {
        elementwise::add_column_sums(m, sums);
    }

    fn rms_norm(&self, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]) {
        norm::forward(x, weight, eps, y, inverse);
    }

    fn rms_norm_backward(&self, norm: Norm<'_>, dy: &[f32], dx: &mut [f32], dweight: Option<&mut [f32]>) {
        norm::backward(norm, dy, dx);
        if let Some(dweight) = dweight {
            norm::weight_backward(norm, dy, dweight);
        }
    }

    fn split_heads(&self, x: Mat<'_>, width: usize, rotation: Option<Rotation<'_>>, out: &mut [f32]) {
        rope::split_heads(x, width, rotation, out);
    }

    fn merge_heads(&self, heads: &[f32], width: usize, rotation: Option<Rotation<'_>>, out: MatMut<'_>) {
        rope::merge_heads(heads, width, rotation, out);
    }

    fn attention(&self, shape: &AttentionShape<'_>, qkv: Qkv<'_>, out: &mut [f32], log_sums: &mut [f32]) {
        attention::forward(shape, qkv, out, log_sums);
    }

    fn attention_backward(&self, shape: &AttentionShape<'_>, qkv: Qkv<'_>, back: AttentionBack<'_>, d: QkvMut<'_>) {
        attention::backward(shape, qkv, back, d);
    }

    fn swiglu(&self, gate_up: &[f32], width: usize, out: &mut [f32]) {
        elementwise::swiglu(gate_up, width, out);
    }

    fn swiglu_backward(&self, gate_up: &[f32], dout: &[f32], width: usize, dgate_up: &mut [f32]) {
        elementwise::swiglu_backward(gate_up, dout, width, dgate_up);
    }

    fn add(&self, x: &[f32], y: &mut [f32]) {
        elementwise::add(x, y);
    }

    fn dropout(&self, x: &[f32], mask: DropoutMask, accumulate: bool, out: &mut [f32]) {
        dropout::apply(x, mask, accumulate, out);
    }

    fn cross_entropy(&self, logits: &mut [f32], targets: &[u32], losses: &mut [f64]) {
        cross_entropy::in_place(logits, targets, losses);
    }

    fn sum_of_squares(&self, x: &[f32]) -> f64 {
        optimizer::sum_of_squares(x)
    }

    fn adamw(&self, step: &AdamwStep, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
        optimizer::adamw(step, values, gradients, first, second);
    }
}
