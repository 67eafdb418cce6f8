//! Linear projections with frozen weights, and the embedding. Weights that are narrow in their file are widened a few
//! rows at a time, so that no copy of a whole matrix is ever made.

use rayon::prelude::*;

use super::elementwise::add_row;
use super::matmul::{Threads, matmul};
use super::rows_of;
use crate::tensor::{Mat, MatMut, Weight};

/// How many widened floats are held at a time: 1 MiB, which a level-2 cache holds.
const WIDENED: usize = 1 << 18;

/// `y = x Wᵀ + b`.
pub(super) fn forward(x: Mat<'_>, weight: Weight<'_>, bias: Option<&[f32]>, y: MatMut<'_>) {
    let MatMut {
        data,
        rows,
        columns,
        row_stride,
    } = y;
    if let Some(bias) = bias {
        assert_eq!(bias.len(), columns, "a bias for each output");
        for row in 0..rows {
            data[row * row_stride..][..columns].copy_from_slice(bias);
        }
    }
    for_tiles(weight, |first, tile| {
        let y = MatMut {
            data: &mut *data,
            rows,
            columns,
            row_stride,
        };
        let y = y.columns(first, tile.rows);
        matmul(Threads::Pool, 1.0, x, tile.transposed(), bias.is_some(), y);
    });
}

/// `dx = dy W`, or `dx += dy W` with `accumulate`.
pub(super) fn backward(dy: Mat<'_>, weight: Weight<'_>, accumulate: bool, dx: MatMut<'_>) {
    let MatMut {
        data,
        rows,
        columns,
        row_stride,
    } = dx;
    for_tiles(weight, |first, tile| {
        let dx = MatMut {
            data: &mut *data,
            rows,
            columns,
            row_stride,
        };
        let dy = dy.columns(first, tile.rows);
        matmul(Threads::Pool, 1.0, dy, tile, accumulate || first > 0, dx);
    });
}

/// Hands out all rows as floats: all together if they can be used in place, else a few at a time.
fn for_tiles(weight: Weight<'_>, mut use_tile: impl FnMut(usize, Mat<'_>)) {
    let columns = weight.columns();
    if let Some(floats) = weight.as_floats() {
        return use_tile(0, Mat::new(floats, columns));
    }
    let rows = (WIDENED / columns.max(1)).clamp(1, weight.rows().max(1));
    let mut widened = vec![0.0; rows * columns];
    for first in (0..weight.rows()).step_by(rows) {
        let count = rows.min(weight.rows() - first);
        let tile = &mut widened[..count * columns];
        tile.par_chunks_mut(rows_of(columns) * columns)
            .enumerate()
            .for_each(|(task, out)| weight.widen(first + task * rows_of(columns), out));
        use_tile(first, Mat::new(tile, columns));
    }
}

/// Writes the rows that the tokens name.
pub(super) fn embed(table: Weight<'_>, tokens: &[u32], out: &mut [f32]) {
    assert_eq!(out.len(), tokens.len() * table.columns(), "a row for each token");
    for (row, &token) in out.chunks_exact_mut(table.columns()).zip(tokens) {
        table.widen(token as usize, row);
    }
}

/// Adds each row to the row that its token names.
pub(super) fn embed_backward(tokens: &[u32], dout: &[f32], dtable: &mut [f32]) {
    let width = dout.len().checked_div(tokens.len()).unwrap_or(0);
    assert_eq!(dout.len(), tokens.len() * width, "a row for each token");
    for (row, &token) in dout.chunks_exact(width.max(1)).zip(tokens) {
        add_row(row, &mut dtable[token as usize * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::tensor::Dtype;

    /// 600 rows of 1,024 need three tiles.
    #[test]
    fn narrow_weights_give_what_their_widened_copy_gives() {
        let (rows, columns, tokens) = (600, 1024, 3);
        let narrow: Vec<bf16> = (0..rows * columns)
            .map(|i| bf16::from_f32((i as f32 * 0.01).sin()))
            .collect();
        let wide: Vec<f32> = narrow.iter().map(|v| v.to_f32()).collect();
        let bytes: Vec<u8> = narrow.iter().flat_map(|v| v.to_le_bytes()).collect();
        let x: Vec<f32> = (0..tokens * columns).map(|i| (i as f32 * 0.02).cos()).collect();
        let dy: Vec<f32> = (0..tokens * rows).map(|i| (i as f32 * 0.05).cos()).collect();
        let bias: Vec<f32> = (0..rows).map(|i| i as f32).collect();
        let run = |weight: Weight<'_>| {
            let (mut y, mut dx) = (vec![0.0; tokens * rows], vec![1.0; tokens * columns]);
            forward(Mat::new(&x, columns), weight, Some(&bias), MatMut::new(&mut y, rows));
            backward(Mat::new(&dy, rows), weight, true, MatMut::new(&mut dx, columns));
            (y, dx)
        };
        let expected = run(Weight::floats(&wide, rows, columns));
        let got = run(Weight::bytes(Dtype::Bf16, &bytes, rows, columns));
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close(&expected.0, &got.0) && close(&expected.1, &got.1));
    }

    #[test]
    fn tokens_that_come_twice_gather_both_gradients() {
        let mut dtable = vec![0.0; 6];
        embed_backward(&[2, 0, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut dtable);
        assert_eq!(dtable, [3.0, 4.0, 0.0, 0.0, 6.0, 8.0]);
    }
}
