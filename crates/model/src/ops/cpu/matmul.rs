//! The product of two matrices.

use crate::tensor::{Mat, MatMut, extent};

/// The implementation that computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// The calling thread alone, because others have work of their own.
    One,
    /// The current pool.
    Pool,
}

/// `c = scale a b`, or `c += scale a b` with `accumulate`.
pub(super) fn matmul(threads: Threads, scale: f32, a: Mat<'_>, b: Mat<'_>, accumulate: bool, c: MatMut<'_>) {
    let MatMut {
        data,
        rows,
        columns,
        row_stride,
    } = c;
    assert!(
        a.rows == rows && b.columns == columns && a.columns == b.rows,
        "shapes of a product"
    );
    for m in [a, b] {
        assert!(
            m.data.len() >= extent(m.rows, m.columns, m.row_stride, m.column_stride),
            "a matrix is whole"
        );
    }
    assert!(data.len() >= extent(rows, columns, row_stride, 1), "a matrix is whole");
    assert!(row_stride >= columns, "rows that are written do not overlap");
    let parallelism = match threads {
        Threads::Pool if rayon::current_num_threads() > 1 => gemm::Parallelism::Rayon(0),
        _ => gemm::Parallelism::None,
    };
    #[expect(unsafe_code, reason = "the library takes pointers and strides")]
    // SAFETY: each matrix lies whole within its slice, checked above, and rows of `c` do not overlap; it is borrowed
    // alone; slices are at most `isize::MAX` bytes long, so that strides within them fit.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            a.columns,
            data.as_mut_ptr(),
            1,
            row_stride.cast_signed(),
            accumulate,
            a.data.as_ptr(),
            a.column_stride.cast_signed(),
            a.row_stride.cast_signed(),
            b.data.as_ptr(),
            b.column_stride.cast_signed(),
            b.row_stride.cast_signed(),
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn products_of_any_shape_and_stride_are_those_of_plain_loops(
            m in 1usize..40, n in 1usize..40, k in 0usize..40,
            transpose_a: bool, transpose_b: bool, accumulate: bool, gap in 0usize..3,
        ) {
            let fill = |len: usize, step: f32| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<f32>>();
            let (a, b) = (fill(m * k, 0.7), fill(k * n, 0.3));
            let a = if transpose_a { strided(&a, k, m).transposed() } else { strided(&a, m, k) };
            let b = if transpose_b { strided(&b, n, k).transposed() } else { strided(&b, k, n) };
            let mut c = fill(m * (n + gap), 0.9);
            let before = c.clone();
            let out = MatMut { data: &mut c, rows: m, columns: n, row_stride: n + gap };
            matmul(Threads::One, 0.5, a, b, accumulate, out);
            for i in 0..m {
                for j in 0..n + gap {
                    let at = |x: Mat<'_>, r: usize, c: usize| x.data[r * x.row_stride + c * x.column_stride];
                    let old = before[i * (n + gap) + j];
                    let expected = if j >= n { old } else {
                        (0..k).map(|l| 0.5 * at(a, i, l) * at(b, l, j)).sum::<f32>() + if accumulate { old } else { 0.0 }
                    };
                    prop_assert!((c[i * (n + gap) + j] - expected).abs() < 1e-4);
                }
            }
        }
    }

    fn strided(data: &[f32], rows: usize, columns: usize) -> Mat<'_> {
        Mat {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn shapes_that_do_not_fit_are_a_defect() {
        let (a, b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 4]);
        matmul(
            Threads::One,
            1.0,
            Mat::new(&a, 3),
            Mat::new(&b, 3),
            false,
            MatMut::new(&mut c, 2),
        );
    }

    #[test]
    #[should_panic(expected = "a matrix is whole")]
    fn a_matrix_that_reaches_beyond_its_slice_is_a_defect() {
        let (a, b, mut c) = ([0.0; 5], [0.0; 6], [0.0; 4]);
        matmul(
            Threads::One,
            1.0,
            strided(&a, 2, 3),
            Mat::new(&b, 2),
            false,
            MatMut::new(&mut c, 2),
        );
    }
}
