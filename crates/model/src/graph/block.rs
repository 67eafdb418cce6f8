//! A decoder layer, forward and backward.
//!
//! `x₁ = x + out(attention(rope(qkv(norm(x)))))`, `y = x₁ + down(swiglu(gate_up(norm(x₁))))`. Outputs of norms and of
//! SwiGLU are cheap, so the backward pass computes them again instead of keeping them.

use crate::graph::network::{Block, Vector};
use crate::graph::projection::{Context, Io};
use crate::graph::workspace::Workspace;
use crate::ops::{AttentionBack, AttentionShape, Norm, Qkv, QkvMut, Rotation};
use crate::tensor::{Mat, MatMut};

/// What all layers of a pass share.
pub(crate) struct Geometry<'a> {
    pub(crate) shape: AttentionShape<'a>,
    pub(crate) rotation: Rotation<'a>,
    pub(crate) eps: f32,
}

/// What a layer keeps for the backward pass.
pub(crate) struct Activations {
    input_inverse: Vec<f32>,
    pub(crate) heads: Heads,
    log_sums: Vec<f32>,
    /// The output of attention, [tokens, query width].
    mixed: Vec<f32>,
    /// The residual stream between the two halves.
    middle: Vec<f32>,
    middle_inverse: Vec<f32>,
    gate_up: Vec<f32>,
    /// What the A of each group made of its input.
    reduced: [Vec<f32>; 4],
}

/// Queries, keys and values, heads apart.
pub(crate) struct Heads {
    pub(crate) q: Vec<f32>,
    pub(crate) k: Vec<f32>,
    pub(crate) v: Vec<f32>,
}

impl Heads {
    pub(crate) fn take(ws: &mut Workspace, shape: &AttentionShape<'_>) -> Self {
        let keys = shape.kv_heads * shape.tokens * shape.width;
        Self {
            q: ws.take(shape.heads * shape.tokens * shape.width),
            k: ws.take(keys),
            v: ws.take(keys),
        }
    }

    pub(crate) fn give(self, ws: &mut Workspace) {
        ws.give_all([self.q, self.k, self.v]);
    }

    pub(crate) fn view(&self) -> Qkv<'_> {
        Qkv {
            q: &self.q,
            k: &self.k,
            v: &self.v,
        }
    }
}

impl Activations {
    /// Gives all buffers back.
    pub(crate) fn give(self, ws: &mut Workspace) {
        self.heads.give(ws);
        let rest = [
            self.input_inverse,
            self.log_sums,
            self.mixed,
            self.middle,
            self.middle_inverse,
            self.gate_up,
        ];
        ws.give_all(rest.into_iter().chain(self.reduced));
    }
}

/// RMS norm into buffers of the workspace: the output, and what it keeps.
pub(crate) fn norm(
    cx: &Context<'_>,
    ws: &mut Workspace,
    weight: &Vector<'_>,
    eps: f32,
    x: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let (mut y, mut inverse) = (ws.take(x.len()), ws.take(x.len() / weight.values.len()));
    cx.ops.rms_norm(x, weight.values, eps, &mut y, &mut inverse);
    (y, inverse)
}

/// Adds the gradient through RMS norm to `dx`, and that of its weight to its place.
pub(crate) fn norm_backward(
    cx: &Context<'_>,
    weight: &Vector<'_>,
    x: &[f32],
    inverse: &[f32],
    dy: &[f32],
    gradients: &mut [f32],
    dx: &mut [f32],
) {
    let norm = Norm {
        x,
        weight: weight.values,
        inverse,
    };
    let dweight = weight.gradient.clone().map(|range| &mut gradients[range]);
    cx.ops.rms_norm_backward(norm, dy, dx, dweight);
}

/// What a layer needs for the backward pass.
pub(crate) struct Back<'a> {
    /// Its input.
    pub(crate) x: &'a [f32],
    /// What the forward pass kept.
    pub(crate) kept: &'a Activations,
    /// Whether something below it is trained.
    pub(crate) deeper: bool,
}

impl Block<'_> {
    /// The layer's output, and what the backward pass needs.
    pub(crate) fn forward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        geometry: &Geometry<'_>,
        x: &[f32],
    ) -> (Vec<f32>, Activations) {
        let shape = &geometry.shape;
        let (heads, input_inverse, reduced_qkv) = self.heads(cx, ws, geometry, x);
        let mut apart = ws.take(heads.q.len());
        let mut log_sums = ws.take(shape.heads * shape.tokens);
        cx.ops.attention(shape, heads.view(), &mut apart, &mut log_sums);
        let mut mixed = ws.take(apart.len());
        cx.ops.merge_heads(
            &apart,
            shape.width,
            None,
            MatMut::new(&mut mixed, shape.heads * shape.width),
        );
        ws.give(apart);

        let mut middle = ws.take(x.len());
        let reduced_out = self.out.forward(cx, ws, &mixed, &mut middle);
        cx.ops.add(x, &mut middle);
        let (y, feed) = self.feed_forward(cx, ws, geometry.eps, &middle);
        let kept = Activations {
            input_inverse,
            heads,
            log_sums,
            mixed,
            middle,
            middle_inverse: feed.inverse,
            gate_up: feed.gate_up,
            reduced: [reduced_qkv, reduced_out, feed.reduced_gate_up, feed.reduced_down],
        };
        (y, kept)
    }

    /// Queries, keys and values of the layer's input, turned by their positions; what the norm and the A keep.
    pub(crate) fn heads(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        geometry: &Geometry<'_>,
        x: &[f32],
    ) -> (Heads, Vec<f32>, Vec<f32>) {
        let shape = &geometry.shape;
        let (normed, inverse) = norm(cx, ws, &self.input_norm, geometry.eps, x);
        let mut qkv = ws.take(shape.tokens * self.qkv.outputs());
        let reduced = self.qkv.forward(cx, ws, &normed, &mut qkv);
        let mut heads = Heads::take(ws, shape);
        let columns = Mat::new(&qkv, self.qkv.outputs());
        let (queries, keys) = (shape.heads * shape.width, shape.kv_heads * shape.width);
        let turned = Some(geometry.rotation);
        cx.ops
            .split_heads(columns.columns(0, queries), shape.width, turned, &mut heads.q);
        cx.ops
            .split_heads(columns.columns(queries, keys), shape.width, turned, &mut heads.k);
        cx.ops
            .split_heads(columns.columns(queries + keys, keys), shape.width, None, &mut heads.v);
        ws.give(qkv);
        ws.give(normed);
        (heads, inverse, reduced)
    }

    /// The second half of the layer, with the residual stream added.
    pub(crate) fn feed_forward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        eps: f32,
        middle: &[f32],
    ) -> (Vec<f32>, FeedForward) {
        let (normed, inverse) = norm(cx, ws, &self.post_norm, eps, middle);
        let mut gate_up = ws.take(inverse.len() * self.gate_up.outputs());
        let reduced_gate_up = self.gate_up.forward(cx, ws, &normed, &mut gate_up);
        let gated = self.gated(cx, ws, &gate_up);
        let mut y = normed;
        let reduced_down = self.down.forward(cx, ws, &gated, &mut y);
        cx.ops.add(middle, &mut y);
        ws.give(gated);
        let kept = FeedForward {
            inverse,
            gate_up,
            reduced_gate_up,
            reduced_down,
        };
        (y, kept)
    }

    fn gated(&self, cx: &Context<'_>, ws: &mut Workspace, gate_up: &[f32]) -> Vec<f32> {
        let mut gated = ws.take(gate_up.len() / 2);
        cx.ops.swiglu(gate_up, self.down.inputs(), &mut gated);
        gated
    }

    /// Turns `d`, the gradient of the layer's output, into that of its input, and adds those of what is trained.
    /// Where nothing below the layer is trained, `d` is of no further use.
    pub(crate) fn backward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        geometry: &Geometry<'_>,
        back: &Back<'_>,
        gradients: &mut [f32],
        d: &mut [f32],
    ) {
        let Back { x, kept, deeper } = *back;
        self.feed_forward_backward(cx, ws, geometry.eps, kept, gradients, d);
        let mut dmixed = ws.take(kept.mixed.len());
        let io = Io {
            x: &kept.mixed,
            reduced: &kept.reduced[1],
            dy: d,
        };
        self.out.backward(cx, ws, &io, gradients, Some(&mut dmixed));
        let dqkv = self.attention_backward(cx, ws, geometry, kept, &dmixed);
        ws.give(dmixed);

        let (normed, inverse) = norm(cx, ws, &self.input_norm, geometry.eps, x);
        let io = Io {
            x: &normed,
            reduced: &kept.reduced[0],
            dy: &dqkv,
        };
        if deeper {
            let mut dnormed = ws.take(x.len());
            self.qkv.backward(cx, ws, &io, gradients, Some(&mut dnormed));
            norm_backward(cx, &self.input_norm, x, &kept.input_inverse, &dnormed, gradients, d);
            ws.give(dnormed);
        } else {
            self.qkv.backward(cx, ws, &io, gradients, None);
        }
        ws.give_all([dqkv, normed, inverse]);
    }

    fn feed_forward_backward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        eps: f32,
        kept: &Activations,
        gradients: &mut [f32],
        d: &mut [f32],
    ) {
        let gated = self.gated(cx, ws, &kept.gate_up);
        let mut dgated = ws.take(gated.len());
        let io = Io {
            x: &gated,
            reduced: &kept.reduced[3],
            dy: d,
        };
        self.down.backward(cx, ws, &io, gradients, Some(&mut dgated));
        let mut dgate_up = ws.take(kept.gate_up.len());
        cx.ops
            .swiglu_backward(&kept.gate_up, &dgated, self.down.inputs(), &mut dgate_up);
        ws.give(gated);
        ws.give(dgated);

        let (normed, inverse) = norm(cx, ws, &self.post_norm, eps, &kept.middle);
        let mut dnormed = ws.take(d.len());
        let io = Io {
            x: &normed,
            reduced: &kept.reduced[2],
            dy: &dgate_up,
        };
        self.gate_up.backward(cx, ws, &io, gradients, Some(&mut dnormed));
        norm_backward(
            cx,
            &self.post_norm,
            &kept.middle,
            &kept.middle_inverse,
            &dnormed,
            gradients,
            d,
        );
        ws.give_all([dgate_up, normed, inverse, dnormed]);
    }

    /// From the gradient of attention's output to that of queries, keys and values side by side.
    fn attention_backward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        geometry: &Geometry<'_>,
        kept: &Activations,
        dmixed: &[f32],
    ) -> Vec<f32> {
        let shape = &geometry.shape;
        let (queries, keys) = (shape.heads * shape.width, shape.kv_heads * shape.width);
        let (mut out, mut dout) = (ws.take(dmixed.len()), ws.take(dmixed.len()));
        cx.ops
            .split_heads(Mat::new(&kept.mixed, queries), shape.width, None, &mut out);
        cx.ops
            .split_heads(Mat::new(dmixed, queries), shape.width, None, &mut dout);
        let mut d = Heads::take(ws, shape);
        let back = AttentionBack {
            out: &out,
            dout: &dout,
            log_sums: &kept.log_sums,
        };
        let (q, k, v) = (&mut d.q, &mut d.k, &mut d.v);
        cx.ops
            .attention_backward(shape, kept.heads.view(), back, QkvMut { q, k, v });
        ws.give(out);
        ws.give(dout);

        let columns = self.qkv.outputs();
        let mut dqkv = ws.take(shape.tokens * columns);
        let turned = Some(geometry.rotation);
        for (heads, first, width, rotation) in [
            (&d.q, 0, queries, turned),
            (&d.k, queries, keys, turned),
            (&d.v, queries + keys, keys, None),
        ] {
            let out = MatMut::new(&mut dqkv, columns).columns(first, width);
            cx.ops.merge_heads(heads, shape.width, rotation, out);
        }
        d.give(ws);
        dqkv
    }
}

/// What the second half of a layer keeps.
pub(crate) struct FeedForward {
    inverse: Vec<f32>,
    gate_up: Vec<f32>,
    reduced_gate_up: Vec<f32>,
    reduced_down: Vec<f32>,
}

impl FeedForward {
    /// Gives all buffers back.
    pub(crate) fn give(self, ws: &mut Workspace) {
        let all = [self.inverse, self.gate_up, self.reduced_gate_up, self.reduced_down];
        ws.give_all(all);
    }
}
