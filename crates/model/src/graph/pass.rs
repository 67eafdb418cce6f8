//! Whole passes over a batch: the loss alone, or the loss and its gradients.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, Prediction};
use crate::config::ModelConfig;
use crate::graph::angles::Angles;
use crate::graph::block::{Back, Geometry, norm, norm_backward};
use crate::graph::head::{HeadBack, losses};
use crate::graph::network::Network;
use crate::graph::projection::Context;
use crate::graph::workspace::Workspace;
use crate::ops::{AttentionShape, Ops};
use crate::tensor::{Mat, MatMut};

/// What a pass keeps for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// What every layer needs: fastest.
    #[default]
    None,
    /// The input of every layer, which is computed again: a third more work for a fraction of the memory.
    PerLayer,
}

/// The loss over some predictions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loss {
    /// The sum of the negative natural logarithms of the targets' probabilities.
    pub nll_sum: f64,
    /// How many predictions there were.
    pub tokens: u64,
}

impl Loss {
    /// The mean over all predictions; NaN if there were none.
    pub fn mean(&self) -> f64 {
        self.nll_sum / self.tokens as f64
    }

    /// Adds other predictions.
    pub fn add(&mut self, other: Self) {
        self.nll_sum += other.nll_sum;
        self.tokens += other.tokens;
    }
}

/// What passes reuse: buffers and angles.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) workspace: Workspace,
    pub(crate) angles: Angles,
}

/// How a batch lies in the buffers.
pub(crate) fn geometry<'a>(network: &Network<'_>, batch: &'a Batch, angles: &'a Angles) -> Geometry<'a> {
    geometry_of(network.config, batch.samples(), batch.tokens().len(), angles)
}

/// How samples lie in the buffers.
pub(crate) fn geometry_of<'a>(
    config: &ModelConfig,
    samples: &'a [Range<usize>],
    tokens: usize,
    angles: &'a Angles,
) -> Geometry<'a> {
    Geometry {
        shape: AttentionShape {
            heads: config.heads,
            kv_heads: config.kv_heads,
            width: config.head_dim,
            samples,
            tokens,
        },
        rotation: angles.rotation(),
        eps: config.rms_norm_eps,
    }
}

/// The embeddings of tokens, [tokens, hidden size].
pub(crate) fn embed(ops: &dyn Ops, ws: &mut Workspace, network: &Network<'_>, tokens: &[u32]) -> Vec<f32> {
    let mut x = ws.take(tokens.len() * network.config.hidden_size);
    ops.embed(network.embedding.weight, tokens, &mut x);
    x
}

/// The normed output of the last layer, [tokens, hidden size]; nothing is kept.
fn last_hidden(ops: &dyn Ops, scratch: &mut Scratch, network: &Network<'_>, batch: &Batch) -> Vec<f32> {
    let Scratch { workspace: ws, angles } = scratch;
    ws.start(batch.tokens().len());
    angles.of_batch(network.config, batch);
    let cx = Context { ops, dropout: None };
    let geometry = geometry(network, batch, angles);
    let mut x = embed(ops, ws, network, batch.tokens());
    for block in &network.blocks {
        let (y, kept) = block.forward(&cx, ws, &geometry, &x);
        kept.give(ws);
        ws.give(std::mem::replace(&mut x, y));
    }
    let (normed, inverse) = norm(&cx, ws, &network.norm, geometry.eps, &x);
    ws.give(inverse);
    ws.give(x);
    normed
}

/// All logits, [tokens, vocabulary].
pub(crate) fn logits(ops: &dyn Ops, scratch: &mut Scratch, network: &Network<'_>, batch: &Batch) -> Vec<f32> {
    let normed = last_hidden(ops, scratch, network, batch);
    let head = network.head.weight;
    let mut logits = vec![0.0; batch.tokens().len() * head.rows()];
    ops.linear(
        Mat::new(&normed, head.columns()),
        head,
        None,
        MatMut::new(&mut logits, head.rows()),
    );
    scratch.workspace.give(normed);
    logits
}

/// The loss of each sample.
pub(crate) fn evaluate(ops: &dyn Ops, scratch: &mut Scratch, network: &Network<'_>, batch: &Batch) -> Vec<Loss> {
    let normed = last_hidden(ops, scratch, network, batch);
    let predictions = batch.predictions();
    let losses = losses(ops, &mut scratch.workspace, &network.head, &normed, &predictions, None);
    scratch.workspace.give(normed);
    let mut by_sample = vec![Loss::default(); batch.samples().len()];
    for (prediction, nll_sum) in predictions.iter().zip(losses) {
        by_sample[prediction.sample].add(Loss { nll_sum, tokens: 1 });
    }
    by_sample
}

/// One pass, forward and backward.
pub(crate) struct Pass<'a> {
    pub(crate) ops: &'a dyn Ops,
    pub(crate) network: &'a Network<'a>,
    pub(crate) recompute: Recompute,
    /// The key of this pass's dropout.
    pub(crate) dropout: u64,
}

impl Pass<'_> {
    /// The loss of a batch; the gradients of its sum are added to `gradients`.
    pub(crate) fn run(&self, scratch: &mut Scratch, batch: &Batch, gradients: &mut [f32]) -> Loss {
        let Scratch { workspace: ws, angles } = scratch;
        ws.start(batch.tokens().len());
        angles.of_batch(self.network.config, batch);
        let geometry = geometry(self.network, batch, angles);
        let cx = Context {
            ops: self.ops,
            dropout: Some(self.dropout),
        };
        let mut x = embed(self.ops, ws, self.network, batch.tokens());
        let (mut inputs, mut kept) = (Vec::new(), Vec::new());
        for block in &self.network.blocks {
            let (y, activations) = block.forward(&cx, ws, &geometry, &x);
            inputs.push(std::mem::replace(&mut x, y));
            match self.recompute {
                Recompute::None => kept.push(activations),
                Recompute::PerLayer => activations.give(ws),
            }
        }
        let (loss, mut d) = self.head(&cx, ws, &x, &batch.predictions(), gradients);
        ws.give(x);
        let trains_embedding = self.network.embedding.gradient.is_some();
        for (layer, block) in self.network.blocks.iter().enumerate().rev() {
            let Some(x) = inputs.pop() else { break };
            let activations = kept.pop().unwrap_or_else(|| {
                let (y, activations) = block.forward(&cx, ws, &geometry, &x);
                ws.give(y);
                activations
            });
            let back = Back {
                x: &x,
                kept: &activations,
                deeper: layer > 0 || trains_embedding,
            };
            block.backward(&cx, ws, &geometry, &back, gradients, &mut d);
            activations.give(ws);
            ws.give(x);
        }
        if let Some(range) = &self.network.embedding.gradient {
            self.ops
                .embed_backward(batch.tokens(), &d, &mut gradients[range.clone()]);
        }
        ws.give(d);
        loss
    }

    /// The loss, and the gradient of the last layer's output.
    fn head(
        &self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        x: &[f32],
        predictions: &[Prediction],
        gradients: &mut [f32],
    ) -> (Loss, Vec<f32>) {
        let network = self.network;
        let (normed, inverse) = norm(cx, ws, &network.norm, network.config.rms_norm_eps, x);
        let mut dnormed = ws.take_zeros(x.len());
        let back = HeadBack {
            dx: &mut dnormed,
            gradients,
        };
        let losses = losses(self.ops, ws, &network.head, &normed, predictions, Some(back));
        let mut d = ws.take_zeros(x.len());
        norm_backward(cx, &network.norm, x, &inverse, &dnormed, gradients, &mut d);
        ws.give_all([normed, inverse, dnormed]);
        let loss = Loss {
            nll_sum: losses.iter().sum(),
            tokens: losses.len() as u64,
        };
        (loss, d)
    }
}
