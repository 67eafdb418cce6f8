//! Projections with a common input, forward and backward.

use std::ops::Range;

use crate::graph::network::{Linear, LoraGroup, Projection};
use crate::graph::workspace::Workspace;
use crate::ops::{DropoutMask, Ops};
use crate::tensor::{Mat, MatMut};

/// What a pass hands to every projection.
pub(crate) struct Context<'a> {
    pub(crate) ops: &'a dyn Ops,
    /// The key of this pass's dropout; `None` where nothing is left out.
    pub(crate) dropout: Option<u64>,
}

impl Projection<'_> {
    /// `y = x Wᵀ + b + scale (x Aᵀ) Bᵀ`; returns `x Aᵀ`, which the backward pass needs.
    pub(crate) fn forward(&self, cx: &Context<'_>, ws: &mut Workspace, x: &[f32], y: &mut [f32]) -> Vec<f32> {
        let x = Mat::new(x, self.inputs());
        let outputs = self.outputs();
        for linear in &self.linears {
            let y = MatMut::new(y, outputs).columns(linear.start, linear.table.weight.rows());
            let bias = linear.bias.as_ref().map(|bias| bias.values);
            cx.ops.linear(x, linear.table.weight, bias, y);
        }
        let mut reduced = ws.take(x.rows * self.reduced());
        if let Some(lora) = &self.lora {
            lora.reduce(cx, ws, x, &mut reduced);
            for (index, (start, b)) in lora.b.iter().enumerate() {
                let reduced = Mat::new(&reduced, self.reduced()).columns(index * lora.rank, lora.rank);
                let b = Mat::new(b.values, lora.rank);
                let y = MatMut::new(y, outputs).columns(*start, b.rows);
                cx.ops.matmul(lora.scale, reduced, b.transposed(), true, y);
            }
        }
        reduced
    }

    /// The gradients of what is trained, added to `gradients`, and that of the input, written to `dx` if it is wanted.
    pub(crate) fn backward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        io: &Io<'_>,
        gradients: &mut [f32],
        mut dx: Option<&mut [f32]>,
    ) {
        let (x, dy) = (Mat::new(io.x, self.inputs()), Mat::new(io.dy, self.outputs()));
        for (index, linear) in self.linears.iter().enumerate() {
            let dy = dy.columns(linear.start, linear.table.weight.rows());
            if let Some(dx) = &mut dx {
                cx.ops
                    .linear_backward(dy, linear.table.weight, index > 0, MatMut::new(dx, x.columns));
            }
            linear.weight_backward(cx.ops, x, dy, gradients);
        }
        if let Some(lora) = &self.lora {
            let back = LoraBack {
                x,
                dy,
                reduced: Mat::new(io.reduced, self.reduced()),
            };
            lora.backward(cx, ws, &back, gradients, dx);
        }
    }
}

/// What a projection had, and the gradient that it gets in the backward pass.
pub(crate) struct Io<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) reduced: &'a [f32],
    pub(crate) dy: &'a [f32],
}

/// [`Io`] as matrices, for the part that LoRA adds; `dy` is that of all linears side by side.
struct LoraBack<'a> {
    x: Mat<'a>,
    dy: Mat<'a>,
    reduced: Mat<'a>,
}

impl Linear<'_> {
    /// dW += dyᵀ x; db += Σ dy.
    fn weight_backward(&self, ops: &dyn Ops, x: Mat<'_>, dy: Mat<'_>, gradients: &mut [f32]) {
        if let Some(range) = &self.table.gradient {
            let dweight = MatMut::new(&mut gradients[range.clone()], x.columns);
            ops.matmul(1.0, dy.transposed(), x, true, dweight);
        }
        if let Some(range) = self.bias.as_ref().and_then(|bias| bias.gradient.clone()) {
            ops.add_column_sums(dy, &mut gradients[range]);
        }
    }
}

impl LoraGroup<'_> {
    /// The rate and the mask's key of the adapted projection `index`, if values are left out.
    fn mask(&self, cx: &Context<'_>, index: usize) -> Option<DropoutMask> {
        let pass = cx.dropout.filter(|_| self.dropout > 0.0)?;
        // An odd factor, so that projections of a pass have keys far from one another.
        let own = (self.key * 4 + index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some(DropoutMask {
            rate: self.dropout,
            key: pass ^ own,
        })
    }

    /// The rows of A, and of its gradient, that belong to the adapted projection `index`.
    fn rows(&self, index: usize, inputs: usize) -> Range<usize> {
        index * self.rank * inputs..(index + 1) * self.rank * inputs
    }

    /// `x Aᵀ` for all A together; with dropout, each projection drops other values, as in PEFT.
    fn reduce(&self, cx: &Context<'_>, ws: &mut Workspace, x: Mat<'_>, reduced: &mut [f32]) {
        let width = self.b.len() * self.rank;
        if self.mask(cx, 0).is_none() {
            let a = Mat::new(self.a.values, x.columns);
            return cx
                .ops
                .matmul(1.0, x, a.transposed(), false, MatMut::new(reduced, width));
        }
        for index in 0..self.b.len() {
            let dropped = self.dropped(cx, ws, x, index);
            let a = Mat::new(&self.a.values[self.rows(index, x.columns)], x.columns);
            let reduced = MatMut::new(reduced, width).columns(index * self.rank, self.rank);
            cx.ops
                .matmul(1.0, Mat::new(&dropped, x.columns), a.transposed(), false, reduced);
            ws.give(dropped);
        }
    }

    /// The input of the adapted projection `index` after dropout.
    fn dropped(&self, cx: &Context<'_>, ws: &mut Workspace, x: Mat<'_>, index: usize) -> Vec<f32> {
        let mut dropped = ws.take(x.data.len());
        if let Some(mask) = self.mask(cx, index) {
            cx.ops.dropout(x.data, mask, false, &mut dropped);
        }
        dropped
    }

    /// With r = x Aᵀ and dr = scale dy B: dB += scale dyᵀ r; dA += drᵀ x; dx += dr A.
    fn backward(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        back: &LoraBack<'_>,
        gradients: &mut [f32],
        dx: Option<&mut [f32]>,
    ) {
        let LoraBack { x, dy, reduced } = *back;
        let mut dreduced = ws.take(reduced.data.len());
        for (index, (start, b)) in self.b.iter().enumerate() {
            let (b_values, first) = (Mat::new(b.values, self.rank), index * self.rank);
            let dy = dy.columns(*start, b_values.rows);
            let out = MatMut::new(&mut dreduced, reduced.columns).columns(first, self.rank);
            cx.ops.matmul(self.scale, dy, b_values, false, out);
            if let Some(range) = &b.gradient {
                let db = MatMut::new(&mut gradients[range.clone()], self.rank);
                cx.ops
                    .matmul(self.scale, dy.transposed(), reduced.columns(first, self.rank), true, db);
            }
        }
        let da = self.a.gradient.clone().map(|range| &mut gradients[range]);
        if self.mask(cx, 0).is_some() {
            self.backward_dropped(cx, ws, x, &dreduced, da, dx);
        } else {
            let dr = Mat::new(&dreduced, reduced.columns);
            if let Some(da) = da {
                cx.ops.matmul(1.0, dr.transposed(), x, true, MatMut::new(da, x.columns));
            }
            if let Some(dx) = dx {
                cx.ops.matmul(
                    1.0,
                    dr,
                    Mat::new(self.a.values, x.columns),
                    true,
                    MatMut::new(dx, x.columns),
                );
            }
        }
        ws.give(dreduced);
    }

    /// The same with dropout, whose masks are computed again.
    fn backward_dropped(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        x: Mat<'_>,
        dreduced: &[f32],
        mut da: Option<&mut [f32]>,
        mut dx: Option<&mut [f32]>,
    ) {
        let width = self.b.len() * self.rank;
        for index in 0..self.b.len() {
            let dr = Mat::new(dreduced, width).columns(index * self.rank, self.rank);
            let rows = self.rows(index, x.columns);
            let mut dropped = self.dropped(cx, ws, x, index);
            if let Some(da) = &mut da {
                let da = MatMut::new(&mut da[rows.clone()], x.columns);
                cx.ops
                    .matmul(1.0, dr.transposed(), Mat::new(&dropped, x.columns), true, da);
            }
            if let (Some(dx), Some(mask)) = (&mut dx, self.mask(cx, index)) {
                let a = Mat::new(&self.a.values[rows], x.columns);
                cx.ops.matmul(1.0, dr, a, false, MatMut::new(&mut dropped, x.columns));
                cx.ops.dropout(&dropped, mask, true, dx);
            }
            ws.give(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::graph::network::Vector;
    use crate::ops::Cpu;

    fn keys(dropout: f32, pass: Option<u64>) -> HashSet<Option<u64>> {
        let empty = || Vector {
            values: &[],
            gradient: None,
        };
        let cx = Context {
            ops: &Cpu,
            dropout: pass,
        };
        let group = |key| LoraGroup {
            rank: 1,
            scale: 1.0,
            dropout,
            a: empty(),
            b: Vec::new(),
            key,
        };
        let places = (0..24).map(|place| (place / 3, place % 3));
        let masks = places.map(|(key, index)| group(key as u64).mask(&cx, index));
        masks.map(|mask| mask.map(|mask| mask.key)).collect()
    }

    #[test]
    fn every_projection_of_every_layer_leaves_out_others() {
        assert_eq!(keys(0.5, Some(7)).len(), 8 * 3);
        assert!(keys(0.5, Some(7)).is_disjoint(&keys(0.5, Some(8))));
        for nothing in [keys(0.0, Some(7)), keys(0.5, None)] {
            assert_eq!(nothing, HashSet::from([None]));
        }
    }
}
