//! The operations that a pass over the model needs: a small set over floats, so that another device can be added without
//! changing the graph.
//!
//! Matrices lie row after row; a row is a token. What is named `d…` is a gradient of the loss. "Heads apart" means
//! [heads, tokens, head width], as attention wants it; everywhere else the heads of a token are neighbors.

mod cpu;

use std::ops::Range;

use crate::tensor::{Mat, MatMut, Weight};

pub use cpu::Cpu;

/// The operations of a pass. Every one is deterministic for a given number of threads.
///
/// # Panics
/// All of them, if lengths do not fit together: that is a defect of the caller.
pub trait Ops: Send + Sync {
    /// Writes the rows of `table` that the tokens name: [tokens, columns].
    fn embed(&self, table: Weight<'_>, tokens: &[u32], out: &mut [f32]);

    /// Adds each row of `dout` to the row of `dtable`, [vocabulary, width], that its token names.
    fn embed_backward(&self, tokens: &[u32], dout: &[f32], dtable: &mut [f32]);

    /// `y = x Wᵀ + b` for weights that may be narrow: x [tokens, inputs], W [outputs, inputs], y [tokens, outputs].
    fn linear(&self, x: Mat<'_>, weight: Weight<'_>, bias: Option<&[f32]>, y: MatMut<'_>);

    /// `dx = dy W`, or `dx += dy W` with `accumulate`.
    fn linear_backward(&self, dy: Mat<'_>, weight: Weight<'_>, accumulate: bool, dx: MatMut<'_>);

    /// `c = scale a b`, or `c += scale a b` with `accumulate`.
    fn matmul(&self, scale: f32, a: Mat<'_>, b: Mat<'_>, accumulate: bool, c: MatMut<'_>);

    /// Adds the sum of each column of `m` to `sums`: the gradient of a bias.
    fn add_column_sums(&self, m: Mat<'_>, sums: &mut [f32]);

    /// RMS norm (Zhang and Sennrich, arXiv:1910.07467): `y = x * inverse * weight` with
    /// `inverse = 1 / sqrt(mean(x²) + eps)`, which is kept for the backward pass, one for each row.
    fn rms_norm(&self, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]);

    /// Adds the gradient of the input of RMS norm to `dx` and, where wanted, that of its weight to `dweight`.
    fn rms_norm_backward(&self, norm: Norm<'_>, dy: &[f32], dx: &mut [f32], dweight: Option<&mut [f32]>);

    /// Splits each row into its heads, `width` wide, and rotates them by the angles of their positions, if given.
    fn split_heads(&self, x: Mat<'_>, width: usize, rotation: Option<Rotation<'_>>, out: &mut [f32]);

    /// Merges heads into rows and rotates them back: the inverse of [`Ops::split_heads`].
    fn merge_heads(&self, heads: &[f32], width: usize, rotation: Option<Rotation<'_>>, out: MatMut<'_>);

    /// Causal attention inside each sample, heads apart: queries, keys, values in, `out` and the logarithm of each
    /// row's sum of exponentials, [heads, tokens], out.
    fn attention(&self, shape: &AttentionShape<'_>, qkv: Qkv<'_>, out: &mut [f32], log_sums: &mut [f32]);

    /// The gradients of queries, keys and values, heads apart, from that of the output. Probabilities are computed
    /// anew from `log_sums`. `dout` and `out` are those of [`Ops::attention`].
    fn attention_backward(&self, shape: &AttentionShape<'_>, qkv: Qkv<'_>, back: AttentionBack<'_>, d: QkvMut<'_>);

    /// `silu(gate) * up` (Shazeer, arXiv:2002.05202): from [tokens, 2 width], gate before up, to [tokens, width].
    fn swiglu(&self, gate_up: &[f32], width: usize, out: &mut [f32]);

    /// The gradient of gate and up, [tokens, 2 width].
    fn swiglu_backward(&self, gate_up: &[f32], dout: &[f32], width: usize, dgate_up: &mut [f32]);

    /// `y += x`.
    fn add(&self, x: &[f32], y: &mut [f32]);

    /// Leaves out each value with the probability of `mask` and scales the others up, into `out` or, with `accumulate`,
    /// added to it. The same mask leaves out the same places, so it is its own backward pass.
    fn dropout(&self, x: &[f32], mask: DropoutMask, accumulate: bool, out: &mut [f32]);

    /// For each row of logits, [targets, vocabulary], the negative logarithm of the target's probability; the logits
    /// become their gradient.
    fn cross_entropy(&self, logits: &mut [f32], targets: &[u32], losses: &mut [f64]);

    /// The sum of all squares.
    fn sum_of_squares(&self, x: &[f32]) -> f64;

    /// One step of AdamW over values, gradients and both moments.
    fn adamw(&self, step: &AdamwStep, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]);
}

/// What RMS norm had in the forward pass.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// Its input, [tokens, width].
    pub x: &'a [f32],
    /// Its weight, `[width]`.
    pub weight: &'a [f32],
    /// What it kept, `[tokens]`.
    pub inverse: &'a [f32],
}

/// The angles by which the heads of each token are turned (Su and others, arXiv:2104.09864), as `transformers` lays
/// them out: value `i` of a head's first half goes with value `i` of its second half.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// The cosine of each angle, [positions, half of a head's width].
    pub cosines: &'a [f32],
    /// The sine of each angle, [positions, half of a head's width].
    pub sines: &'a [f32],
    /// The position of each token in its sample.
    pub positions: &'a [u32],
}

/// How heads and samples lie in the buffers of attention.
#[derive(Debug, Clone, Copy)]
pub struct AttentionShape<'a> {
    /// The query heads.
    pub heads: usize,
    /// The heads of keys and values.
    pub kv_heads: usize,
    /// The width of a head.
    pub width: usize,
    /// The places of the samples, which follow one another and cover all tokens; a token sees those before it in its
    /// sample and itself.
    pub samples: &'a [Range<usize>],
    /// All tokens.
    pub tokens: usize,
}

/// Queries, keys and values, heads apart.
#[derive(Debug, Clone, Copy)]
pub struct Qkv<'a> {
    /// Queries, [heads, tokens, width].
    pub q: &'a [f32],
    /// Keys, [heads of keys, tokens, width].
    pub k: &'a [f32],
    /// Values, [heads of keys, tokens, width].
    pub v: &'a [f32],
}

/// The same, to be written.
#[derive(Debug)]
pub struct QkvMut<'a> {
    /// Of queries, [heads, tokens, width].
    pub q: &'a mut [f32],
    /// Of keys, [heads of keys, tokens, width].
    pub k: &'a mut [f32],
    /// Of values, [heads of keys, tokens, width].
    pub v: &'a mut [f32],
}

/// What attention had, and the gradient that it gets in the backward pass, heads apart.
#[derive(Debug, Clone, Copy)]
pub struct AttentionBack<'a> {
    /// Its output, [heads, tokens, width].
    pub out: &'a [f32],
    /// The gradient of its output.
    pub dout: &'a [f32],
    /// What it kept, [heads, tokens].
    pub log_sums: &'a [f32],
}

/// Which values are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropoutMask {
    /// The rate of values that are left out, under 1.
    pub rate: f32,
    /// The same key gives the same mask.
    pub key: u64,
}

/// The numbers of one step of AdamW (Loshchilov and Hutter, arXiv:1711.05101).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// The learning rate.
    pub rate: f32,
    /// The decay of the first moment.
    pub beta1: f32,
    /// The decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// The decay of values, which is multiplied with the rate and not part of the gradient.
    pub weight_decay: f32,
    /// What gradients are multiplied by first: one by the number of tokens, times what clipping leaves.
    pub gradient_scale: f32,
    /// How many steps there are with this one, from 1 on.
    pub count: u64,
}
