//! The head and its loss, a few rows at a time: all logits are never held together.

use crate::batch::Prediction;
use crate::graph::network::Table;
use crate::graph::workspace::Workspace;
use crate::ops::Ops;
use crate::tensor::{Mat, MatMut};

/// How many bytes of logits are held at a time. Half of it costs 4 % of a step at a vocabulary of 151,936.
const LOGIT_BYTES: usize = 64 << 20;

/// How many of `rows` rows of logits are computed at a time, as many each time. More than the upper bound gains nothing;
/// fewer than the lower one would read the head's weights too often.
pub(crate) fn rows_at_a_time(vocabulary: usize, rows: usize) -> usize {
    let most = (LOGIT_BYTES / (4 * vocabulary.max(1))).clamp(16, 256);
    rows.div_ceil(rows.div_ceil(most).max(1))
}

/// The loss of each prediction. With `back`, also its gradients: added to the head's own in the flat buffer, if it is
/// trained, and that of `x` written to the rows that predict; other rows of it are left alone.
pub(crate) fn losses(
    ops: &dyn Ops,
    ws: &mut Workspace,
    head: &Table<'_>,
    x: &[f32],
    predictions: &[Prediction],
    mut back: Option<HeadBack<'_>>,
) -> Vec<f64> {
    let (vocabulary, width) = (head.weight.rows(), head.weight.columns());
    let rows = rows_at_a_time(vocabulary, x.len() / width);
    let mut losses = vec![0.0; predictions.len()];
    // Always whole buffers, so that the next pass finds them again.
    let (mut logits_buffer, mut x_buffer) = (ws.take(rows * vocabulary), ws.take(rows * width));
    for (predictions, losses) in predictions.chunks(rows).zip(losses.chunks_mut(rows)) {
        let logits = &mut logits_buffer[..predictions.len() * vocabulary];
        let chunk = &mut x_buffer[..predictions.len() * width];
        for (row, prediction) in chunk.chunks_exact_mut(width).zip(predictions) {
            row.copy_from_slice(&x[prediction.place * width..][..width]);
        }
        ops.linear(
            Mat::new(chunk, width),
            head.weight,
            None,
            MatMut::new(logits, vocabulary),
        );
        let targets: Vec<u32> = predictions.iter().map(|prediction| prediction.target).collect();
        ops.cross_entropy(logits, &targets, losses);
        if let Some(back) = &mut back {
            back.chunk(ops, head, predictions, logits, chunk);
        }
    }
    ws.give(logits_buffer);
    ws.give(x_buffer);
    losses
}

/// Where gradients of the head go.
pub(crate) struct HeadBack<'a> {
    /// Of its input, [tokens, width].
    pub(crate) dx: &'a mut [f32],
    /// Of everything that is trained.
    pub(crate) gradients: &'a mut [f32],
}

impl HeadBack<'_> {
    /// The gradients of some rows; `chunk` holds the head's input and is used for its gradient then.
    fn chunk(
        &mut self,
        ops: &dyn Ops,
        head: &Table<'_>,
        predictions: &[Prediction],
        dlogits: &[f32],
        chunk: &mut [f32],
    ) {
        let (vocabulary, width) = (head.weight.rows(), head.weight.columns());
        let dlogits = Mat::new(dlogits, vocabulary);
        if let Some(range) = &head.gradient {
            let dhead = MatMut::new(&mut self.gradients[range.clone()], width);
            ops.matmul(1.0, dlogits.transposed(), Mat::new(chunk, width), true, dhead);
        }
        ops.linear_backward(dlogits, head.weight, false, MatMut::new(chunk, width));
        for (row, prediction) in chunk.chunks_exact(width).zip(predictions) {
            self.dx[prediction.place * width..][..width].copy_from_slice(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_evenly_and_within_the_bound() {
        assert_eq!(rows_at_a_time(4096, 512), 256);
        assert_eq!(rows_at_a_time(4096, 300), 150);
        assert_eq!(rows_at_a_time(151_936, 128), 64);
        assert_eq!(rows_at_a_time(1 << 24, 128), 16);
        assert_eq!(rows_at_a_time(10, 0), 0);
    }
}
