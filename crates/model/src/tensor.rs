//! Tensors as they lie in files, and views of matrices.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

/// The number formats of weights that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE single precision.
    F32,
    /// The upper half of a single.
    Bf16,
    /// IEEE half precision.
    F16,
}

impl Dtype {
    /// The bytes of a number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }
}

/// A matrix of weights, row after row: [rows, columns], an output feature a row. Numbers in a file are little-endian.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    data: Data<'a>,
    rows: usize,
    columns: usize,
}

#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    Floats(&'a [f32]),
    Bytes(Dtype, &'a [u8]),
}

impl<'a> Weight<'a> {
    /// A matrix of floats in memory.
    ///
    /// # Panics
    /// If there are not rows times columns values.
    pub fn floats(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix has rows times columns values");
        Self {
            data: Data::Floats(values),
            rows,
            columns,
        }
    }

    /// A matrix of a file's bytes. Floats that lie where floats may lie are used in place; everything else is widened
    /// when it is used.
    ///
    /// # Panics
    /// If the bytes are not those of rows times columns numbers.
    pub fn bytes(dtype: Dtype, bytes: &'a [u8], rows: usize, columns: usize) -> Self {
        assert_eq!(
            bytes.len(),
            rows * columns * dtype.bytes(),
            "a matrix has rows times columns values"
        );
        let data = match (dtype, in_place(bytes)) {
            (Dtype::F32, Some(floats)) => Data::Floats(floats),
            _ => Data::Bytes(dtype, bytes),
        };
        Self { data, rows, columns }
    }

    /// The output features.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The input features.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// All values, if they can be used in place.
    pub const fn as_floats(&self) -> Option<&'a [f32]> {
        match self.data {
            Data::Floats(floats) => Some(floats),
            Data::Bytes(..) => None,
        }
    }

    /// Writes `out.len() / columns` rows, from row `first` on, as floats.
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn widen(&self, first: usize, out: &mut [f32]) {
        let (start, end) = (first * self.columns, first * self.columns + out.len());
        match self.data {
            Data::Floats(floats) => out.copy_from_slice(&floats[start..end]),
            Data::Bytes(dtype, bytes) => widen(dtype, &bytes[start * dtype.bytes()..end * dtype.bytes()], out),
        }
    }
}

/// Turns little-endian numbers into floats.
///
/// # Panics
/// If there are not `out.len()` numbers.
pub(crate) fn widen(dtype: Dtype, bytes: &[u8], out: &mut [f32]) {
    assert_eq!(bytes.len(), out.len() * dtype.bytes(), "as many numbers as floats");
    match dtype {
        Dtype::F32 => {
            for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Dtype::Bf16 => {
            for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
            }
        }
        Dtype::F16 => widen_halves(bytes, out),
    }
}

/// By blocks, since the conversion that uses the machine's instructions wants aligned numbers.
fn widen_halves(bytes: &[u8], out: &mut [f32]) {
    const BLOCK: usize = 256;
    let mut bits = [0u16; BLOCK];
    for (out, bytes) in out.chunks_mut(BLOCK).zip(bytes.chunks(2 * BLOCK)) {
        let bits = &mut bits[..out.len()];
        for (bits, bytes) in bits.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *bits = u16::from_le_bytes(*bytes);
        }
        let halves: &[half::f16] = bits.reinterpret_cast();
        halves.convert_to_f32_slice(out);
    }
}

/// The floats that these bytes are, if they lie and are ordered as this machine wants them.
fn in_place(bytes: &[u8]) -> Option<&[f32]> {
    if cfg!(target_endian = "big") {
        return None;
    }
    #[expect(unsafe_code, reason = "the standard library has no safe cast from bytes to floats")]
    // SAFETY: every pattern of four bytes is a valid `f32`, and `align_to` only hands out aligned ones.
    let (before, floats, after) = unsafe { bytes.align_to::<f32>() };
    (before.is_empty() && after.is_empty()).then_some(floats)
}

/// Floats seen as a matrix with any strides.
#[derive(Debug, Clone, Copy)]
pub struct Mat<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

/// The same, to be written; its columns are neighbors.
#[derive(Debug)]
pub struct MatMut<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
}

/// How many floats reach from the first to behind the last element.
pub(crate) const fn extent(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 {
        0
    } else {
        (rows - 1) * row_stride + (columns - 1) * column_stride + 1
    }
}

impl<'a> Mat<'a> {
    /// `rows` rows that follow one another.
    ///
    /// # Panics
    /// If `data` is not a whole number of rows.
    pub fn new(data: &'a [f32], columns: usize) -> Self {
        let rows = data.len().checked_div(columns).unwrap_or(0);
        assert_eq!(data.len(), rows * columns, "whole rows");
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// `count` columns from `first` on.
    ///
    /// # Panics
    /// If there are fewer columns.
    #[must_use]
    pub fn columns(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.columns, "columns of the matrix");
        Self {
            data: self.data.get(first * self.column_stride..).unwrap_or(&[]),
            columns: count,
            ..self
        }
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Row `index` of a matrix whose columns are neighbors.
    pub(crate) fn row(&self, index: usize) -> &'a [f32] {
        &self.data[index * self.row_stride..][..self.columns]
    }
}

impl<'a> MatMut<'a> {
    /// `rows` rows that follow one another.
    ///
    /// # Panics
    /// If `data` is not a whole number of rows.
    pub fn new(data: &'a mut [f32], columns: usize) -> Self {
        let rows = data.len().checked_div(columns).unwrap_or(0);
        assert_eq!(data.len(), rows * columns, "whole rows");
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
        }
    }

    /// `count` columns from `first` on.
    ///
    /// # Panics
    /// If there are fewer columns.
    #[must_use]
    pub fn columns(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.columns, "columns of the matrix");
        Self {
            data: self.data.get_mut(first..).unwrap_or(&mut []),
            columns: count,
            ..self
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_lie_odd_are_widened_to_the_same_values() {
        let values = [1.5f32, -2.25, 3e-20, 0.0];
        let mut bytes = vec![0u8; 1];
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        for (start, padded) in [(0, &bytes[1..]), (1, &bytes[1..])] {
            let copy = [vec![0u8; start], padded.to_vec()].concat();
            let weight = Weight::bytes(Dtype::F32, &copy[start..], 2, 2);
            let mut out = [0.0; 2];
            weight.widen(1, &mut out);
            assert_eq!(out, [3e-20, 0.0]);
        }
    }

    #[test]
    fn halves_are_widened_as_the_half_crate_does_one_by_one() {
        let bits: Vec<u16> = (0..=u16::MAX).step_by(7).collect();
        let bytes: Vec<u8> = bits.iter().flat_map(|b| b.to_le_bytes()).collect();
        let mut out = vec![0.0; bits.len()];
        widen(Dtype::F16, &bytes, &mut out);
        for (&bits, value) in bits.iter().zip(&out) {
            let expected = half::f16::from_bits(bits).to_f32();
            assert!(*value == expected || (value.is_nan() && expected.is_nan()), "{bits}");
        }
        widen(Dtype::Bf16, &bytes, &mut out);
        for (&bits, value) in bits.iter().zip(&out) {
            let expected = half::bf16::from_bits(bits).to_f32();
            assert!(*value == expected || (value.is_nan() && expected.is_nan()), "{bits}");
        }
    }
}
