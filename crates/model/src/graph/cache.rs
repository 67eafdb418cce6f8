//! Keys and values of the tokens read so far, so that reading one more does not read the others again.

use crate::config::ModelConfig;
use crate::graph::block::{Geometry, Heads};
use crate::graph::network::Block;
use crate::graph::projection::Context;
use crate::graph::workspace::Workspace;
use crate::tensor::{Mat, MatMut};

/// Keys and values of every layer, [heads, capacity, width] each.
pub(crate) struct Cache {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    capacity: usize,
    width: usize,
    len: usize,
}

impl Cache {
    pub(crate) fn new(config: &ModelConfig, capacity: usize) -> Self {
        let empty = || vec![vec![0.0; capacity * config.key_width()]; config.layers];
        Self {
            keys: empty(),
            values: empty(),
            capacity,
            width: config.head_dim,
            len: 0,
        }
    }

    /// The position of the next token.
    pub(crate) fn position(&self) -> u32 {
        u32::try_from(self.len).unwrap_or(u32::MAX)
    }

    /// Counts tokens as read, once every layer has taken theirs.
    pub(crate) fn grow(&mut self, tokens: usize) {
        self.len += tokens;
    }

    /// Takes the keys and values that a layer made of the tokens that are read now.
    pub(crate) fn take_all(&mut self, layer: usize, heads: &Heads) {
        let head = self.capacity * self.width;
        for (cache, new) in [(&mut self.keys[layer], &heads.k), (&mut self.values[layer], &heads.v)] {
            let kv_heads = cache.len() / head.max(1);
            let per_head = new.len() / kv_heads.max(1);
            for (cache, new) in cache.chunks_exact_mut(head).zip(new.chunks_exact(per_head)) {
                cache[self.len * self.width..][..per_head].copy_from_slice(new);
            }
        }
    }

    /// The output of a layer for one more token.
    pub(crate) fn forward(
        &mut self,
        cx: &Context<'_>,
        ws: &mut Workspace,
        geometry: &Geometry<'_>,
        layer: usize,
        block: &Block<'_>,
        x: &[f32],
    ) -> Vec<f32> {
        let (heads, inverse, reduced) = block.heads(cx, ws, geometry, x);
        self.take_all(layer, &heads);
        let mut mixed = ws.take(heads.q.len());
        self.attend(cx, layer, &heads.q, &mut mixed);
        let mut middle = ws.take(x.len());
        let reduced_out = block.out.forward(cx, ws, &mixed, &mut middle);
        cx.ops.add(x, &mut middle);
        let (y, feed) = block.feed_forward(cx, ws, geometry.eps, &middle);
        feed.give(ws);
        heads.give(ws);
        ws.give_all([inverse, reduced, mixed, middle, reduced_out]);
        y
    }

    /// Attention of one token's queries, [heads, width], over all tokens read so far and itself.
    fn attend(&self, cx: &Context<'_>, layer: usize, q: &[f32], out: &mut [f32]) {
        let (len, head) = (self.len + 1, self.capacity * self.width);
        let kv_heads = self.keys[layer].len() / head;
        let shared = q.len() / self.width / kv_heads;
        let mut scores = vec![0.0; shared * len];
        let groups = q
            .chunks_exact(shared * self.width)
            .zip(out.chunks_exact_mut(shared * self.width));
        for (group, (q, out)) in groups.enumerate() {
            let seen = group * head..group * head + len * self.width;
            let keys = Mat::new(&self.keys[layer][seen.clone()], self.width);
            let values = Mat::new(&self.values[layer][seen], self.width);
            let scale = 1.0 / (self.width as f32).sqrt();
            cx.ops.matmul(
                scale,
                Mat::new(q, self.width),
                keys.transposed(),
                false,
                MatMut::new(&mut scores, len),
            );
            scores.chunks_exact_mut(len).for_each(softmax);
            cx.ops
                .matmul(1.0, Mat::new(&scores, len), values, false, MatMut::new(out, self.width));
        }
    }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}
