//! Causal attention in tiles (Dao and others, arXiv:2205.14135): a block of queries goes over the keys before it, and
//! keeps a running maximum and sum. What is above the diagonal is never computed, and no probability is ever kept; the
//! backward pass computes them again from the logarithm of each row's sum.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::elementwise::add;
use super::matmul::{Threads, matmul};
use super::vector::{dot, exp, exp_shifted, exp_sum, max, scale, simd};
use crate::ops::{AttentionBack, AttentionShape, Qkv, QkvMut};
use crate::tensor::{Mat, MatMut};

/// Queries in a block: what lies above the diagonal in the last tile of a block is wasted, half of a square this wide.
const QUERIES: usize = 64;

/// Keys in a tile, a multiple of [`QUERIES`]: a tile of scores takes 64 KiB.
const KEYS: usize = 256;

/// What one head sees of a sample.
struct Sample<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    width: usize,
}

/// A block of queries and a tile of keys, as places in the sample.
#[derive(Clone)]
struct Tile {
    queries: Range<usize>,
    keys: Range<usize>,
}

impl Tile {
    /// The keys of the tile that the query at `row` of the block sees: at least one.
    fn seen(&self, row: usize) -> usize {
        (self.queries.start + row + 1 - self.keys.start).min(self.keys.len())
    }
}

/// The blocks of a sample.
fn blocks(tokens: usize) -> impl Iterator<Item = Range<usize>> {
    (0..tokens)
        .step_by(QUERIES)
        .map(move |start| start..(start + QUERIES).min(tokens))
}

/// The tiles of a block: all keys up to its last query.
fn tiles(queries: Range<usize>) -> impl Iterator<Item = Tile> {
    (0..queries.end).step_by(KEYS).map(move |start| Tile {
        keys: start..(start + KEYS).min(queries.end),
        queries: queries.clone(),
    })
}

impl<'a> Sample<'a> {
    /// What query head `head` sees of the sample at `place`.
    fn of(shape: &AttentionShape<'_>, qkv: Qkv<'a>, head: usize, place: &Range<usize>) -> Self {
        let kv_head = head / (shape.heads / shape.kv_heads);
        let part = |all: &'a [f32], head: usize| &all[rows(head * shape.tokens, place, shape.width)];
        Self {
            q: part(qkv.q, head),
            k: part(qkv.k, kv_head),
            v: part(qkv.v, kv_head),
            width: shape.width,
        }
    }

    /// What scores are multiplied by: 1 / sqrt(width).
    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    fn queries(&self, tile: &Tile) -> Mat<'a> {
        Mat::new(&self.q[rows(0, &tile.queries, self.width)], self.width)
    }

    fn keys(&self, tile: &Tile) -> Mat<'a> {
        Mat::new(&self.k[rows(0, &tile.keys, self.width)], self.width)
    }

    fn values(&self, tile: &Tile) -> Mat<'a> {
        Mat::new(&self.v[rows(0, &tile.keys, self.width)], self.width)
    }

    /// Writes the scaled scores of a tile, [queries, keys].
    fn scores(&self, tile: &Tile, scores: &mut [f32]) {
        let scores = MatMut::new(scores, tile.keys.len());
        matmul(
            Threads::One,
            self.scale(),
            self.queries(tile),
            self.keys(tile).transposed(),
            false,
            scores,
        );
    }
}

/// Where the rows `place`, counted from row `first`, lie.
const fn rows(first: usize, place: &Range<usize>, width: usize) -> Range<usize> {
    (first + place.start) * width..(first + place.end) * width
}

fn check(shape: &AttentionShape<'_>, qkv: Qkv<'_>) {
    let size = |heads: usize| heads * shape.tokens * shape.width;
    assert_eq!(qkv.q.len(), size(shape.heads), "queries of all heads");
    assert!(
        qkv.k.len() == size(shape.kv_heads) && qkv.v.len() == qkv.k.len(),
        "keys and values of all heads"
    );
    let ends = shape.samples.iter().map(|sample| sample.end);
    let starts = shape.samples.iter().map(|sample| sample.start);
    assert!(
        starts.eq(std::iter::once(0).chain(ends).take(shape.samples.len())),
        "samples follow one another"
    );
    assert_eq!(
        shape.samples.last().map_or(0, |sample| sample.end),
        shape.tokens,
        "samples cover all tokens"
    );
}

/// The output and the logarithms of sums of all heads.
pub(super) fn forward(shape: &AttentionShape<'_>, qkv: Qkv<'_>, out: &mut [f32], log_sums: &mut [f32]) {
    check(shape, qkv);
    assert!(
        out.len() == qkv.q.len() && log_sums.len() == shape.heads * shape.tokens,
        "a place for each query"
    );
    let heads = out
        .par_chunks_mut((shape.tokens * shape.width).max(1))
        .zip(log_sums.par_chunks_mut(shape.tokens.max(1)));
    heads.enumerate().for_each(|(head, (out, log_sums))| {
        let parts = of_samples(out, shape.samples, shape.width);
        let parts = parts.into_par_iter().zip(of_samples(log_sums, shape.samples, 1));
        parts.zip(shape.samples).for_each_init(
            || vec![0.0; QUERIES * KEYS],
            |scores, ((out, log_sums), place)| {
                forward_sample(&Sample::of(shape, qkv, head, place), out, log_sums, scores);
            },
        );
    });
}

/// The parts of a head's buffer that belong to each sample.
fn of_samples<'a>(mut rest: &'a mut [f32], samples: &[Range<usize>], width: usize) -> Vec<&'a mut [f32]> {
    let part = |sample: &Range<usize>| rest.split_off_mut(..sample.len() * width).unwrap_or_default();
    samples.iter().map(part).collect()
}

fn forward_sample(sample: &Sample<'_>, out: &mut [f32], log_sums: &mut [f32], scores: &mut [f32]) {
    for queries in blocks(log_sums.len()) {
        let out = &mut out[rows(0, &queries, sample.width)];
        let (mut most, mut sums) = ([f32::NEG_INFINITY; QUERIES], [0.0f32; QUERIES]);
        for tile in tiles(queries.clone()) {
            let scores = &mut scores[..tile.queries.len() * tile.keys.len()];
            sample.scores(&tile, scores);
            simd!(softmax_tile(&tile, scores, &mut most, &mut sums, out));
            let (p, first) = (Mat::new(scores, tile.keys.len()), tile.keys.start == 0);
            matmul(
                Threads::One,
                1.0,
                p,
                sample.values(&tile),
                !first,
                MatMut::new(out, sample.width),
            );
        }
        for (row, (out, log_sum)) in out
            .chunks_exact_mut(sample.width)
            .zip(&mut log_sums[queries])
            .enumerate()
        {
            simd!(scale(out, 1.0 / sums[row]));
            *log_sum = most[row] + sums[row].ln();
        }
    }
}

/// Turns scores into exponentials below the running maximum of their row, zero above the diagonal, and scales what was
/// gathered under an older maximum.
#[inline(always)]
fn softmax_tile(
    tile: &Tile,
    scores: &mut [f32],
    most: &mut [f32; QUERIES],
    sums: &mut [f32; QUERIES],
    out: &mut [f32],
) {
    let width = out.len() / tile.queries.len();
    let rows = scores
        .chunks_exact_mut(tile.keys.len())
        .zip(out.chunks_exact_mut(width));
    for (row, (scores, out)) in rows.enumerate() {
        let (seen, hidden) = scores.split_at_mut(tile.seen(row));
        let largest = max(seen).max(most[row]);
        let shrink = if tile.keys.start == 0 {
            0.0
        } else {
            exp(most[row] - largest)
        };
        sums[row] = sums[row] * shrink + exp_sum(seen, largest);
        hidden.fill(0.0);
        if tile.keys.start > 0 && shrink < 1.0 {
            scale(out, shrink);
        }
        most[row] = largest;
    }
}

/// The gradients of all heads. Query heads that share keys each gather into a buffer of their own first.
pub(super) fn backward(shape: &AttentionShape<'_>, qkv: Qkv<'_>, back: AttentionBack<'_>, mut d: QkvMut<'_>) {
    check(shape, qkv);
    assert!(
        back.out.len() == qkv.q.len() && back.dout.len() == qkv.q.len(),
        "a gradient for each output"
    );
    assert_eq!(back.log_sums.len(), shape.heads * shape.tokens, "a sum for each query");
    assert!(
        d.q.len() == qkv.q.len() && d.k.len() == qkv.k.len() && d.v.len() == qkv.v.len(),
        "a place for each"
    );
    let shared = shape.heads / shape.kv_heads;
    d.q.fill(0.0);
    d.k.fill(0.0);
    d.v.fill(0.0);
    if shared == 1 {
        return backward_heads(shape, qkv, back, &mut d);
    }
    // Heads are computed on several threads, and their sum must not depend on which is done first.
    let (mut dk, mut dv) = (vec![0.0; qkv.q.len()], vec![0.0; qkv.q.len()]);
    let mut own = QkvMut {
        q: d.q,
        k: &mut dk,
        v: &mut dv,
    };
    backward_heads(shape, qkv, back, &mut own);
    let head = shape.tokens * shape.width;
    for (sum, parts) in [(d.k, dk), (d.v, dv)] {
        for (sum, parts) in sum.chunks_exact_mut(head).zip(parts.chunks_exact(shared * head)) {
            parts.chunks_exact(head).for_each(|part| add(part, sum));
        }
    }
}

/// The gradients of each query head; those of keys and values one for each query head too.
fn backward_heads(shape: &AttentionShape<'_>, qkv: Qkv<'_>, back: AttentionBack<'_>, d: &mut QkvMut<'_>) {
    let head = (shape.tokens * shape.width).max(1);
    let heads =
        d.q.par_chunks_mut(head)
            .zip(d.k.par_chunks_mut(head))
            .zip(d.v.par_chunks_mut(head));
    heads.enumerate().for_each(|(head, ((dq, dk), dv))| {
        let [dq, dk, dv] = [dq, dk, dv].map(|d| of_samples(d, shape.samples, shape.width));
        let parts = dq.into_par_iter().zip(dk).zip(dv).zip(shape.samples);
        parts.for_each_init(
            || [vec![0.0; QUERIES * KEYS], vec![0.0; QUERIES * KEYS]],
            |scratch, (((q, k), v), place)| {
                let place_of_head = rows(head * shape.tokens, place, shape.width);
                let back = AttentionBack {
                    out: &back.out[place_of_head.clone()],
                    dout: &back.dout[place_of_head],
                    log_sums: &back.log_sums[head * shape.tokens..][place.clone()],
                };
                let sample = Sample::of(shape, qkv, head, place);
                backward_sample(&sample, back, &mut QkvMut { q, k, v }, scratch);
            },
        );
    });
}

fn backward_sample(sample: &Sample<'_>, back: AttentionBack<'_>, d: &mut QkvMut<'_>, scratch: &mut [Vec<f32>; 2]) {
    let width = sample.width;
    let [p, ds] = scratch;
    for queries in blocks(back.log_sums.len()) {
        let place = rows(0, &queries, width);
        let (out, dout) = (&back.out[place.clone()], &back.dout[place.clone()]);
        let dout_matrix = Mat::new(dout, width);
        let mut along = [0.0f32; QUERIES];
        for ((along, out), dout) in along
            .iter_mut()
            .zip(out.chunks_exact(width))
            .zip(dout.chunks_exact(width))
        {
            *along = simd!(dot(out, dout));
        }
        for tile in tiles(queries.clone()) {
            let size = tile.queries.len() * tile.keys.len();
            let (p, ds) = (&mut p[..size], &mut ds[..size]);
            sample.scores(&tile, p);
            let values = sample.values(&tile).transposed();
            matmul(
                Threads::One,
                1.0,
                dout_matrix,
                values,
                false,
                MatMut::new(ds, tile.keys.len()),
            );
            simd!(softmax_backward_tile(
                &tile,
                &back.log_sums[queries.clone()],
                &along,
                p,
                ds
            ));
            let (p, ds) = (Mat::new(p, tile.keys.len()), Mat::new(ds, tile.keys.len()));
            let keys = rows(0, &tile.keys, width);
            let dq = MatMut::new(&mut d.q[place.clone()], width);
            matmul(Threads::One, sample.scale(), ds, sample.keys(&tile), true, dq);
            let dk = MatMut::new(&mut d.k[keys.clone()], width);
            matmul(
                Threads::One,
                sample.scale(),
                ds.transposed(),
                sample.queries(&tile),
                true,
                dk,
            );
            matmul(
                Threads::One,
                1.0,
                p.transposed(),
                dout_matrix,
                true,
                MatMut::new(&mut d.v[keys], width),
            );
        }
    }
}

/// Turns scores into probabilities, and the gradients of probabilities into those of scores:
/// ds = p (dp - Σ dout out).
#[inline(always)]
fn softmax_backward_tile(tile: &Tile, log_sums: &[f32], along: &[f32; QUERIES], p: &mut [f32], ds: &mut [f32]) {
    let keys = tile.keys.len();
    let rows = p
        .chunks_exact_mut(keys)
        .zip(ds.chunks_exact_mut(keys))
        .zip(log_sums)
        .zip(along);
    for (row, (((p, ds), log_sum), along)) in rows.enumerate() {
        let seen = tile.seen(row);
        exp_shifted(&mut p[..seen], *log_sum);
        p[seen..].fill(0.0);
        for (p, ds) in p.iter().zip(ds) {
            *ds = p * (*ds - along);
        }
    }
}
