//! Exact Jaccard similarity of sorted sets.

use crate::error::{Error, ErrorKind};

/// The Jaccard similarity from which two texts are near-duplicates: over 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Threshold(f64);

impl Threshold {
    /// A threshold.
    ///
    /// # Errors
    /// [`ErrorKind::Threshold`] when `value` is not over 0 and at most 1.
    pub fn new(value: f64) -> Result<Self, Error> {
        if value > 0.0 && value <= 1.0 {
            Ok(Self(value))
        } else {
            Err(Error::new(ErrorKind::Threshold, format!("threshold {value}")))
        }
    }

    /// The similarity.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for Threshold {
    /// 0.7, as `BigCode` and The Stack v2 use it (5-token shingles).
    fn default() -> Self {
        Self(0.7)
    }
}

/// The Jaccard similarity of two sets, given as strictly ascending slices: shared over all values, 0 when both are empty.
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    ratio(intersection(a, b), a.len(), b.len())
}

/// The similarity when it reaches the threshold; tells from the sizes alone when it cannot.
pub(crate) fn jaccard_reaching(a: &[u64], b: &[u64], threshold: Threshold) -> Option<f64> {
    if !sizes_allow(a.len(), b.len(), threshold) {
        return None;
    }
    let similarity = jaccard(a, b);
    (similarity >= threshold.get()).then_some(similarity)
}

/// Whether two sets of these sizes can reach the threshold: the best case is the smaller within the larger.
pub(crate) fn sizes_allow(a: usize, b: usize, threshold: Threshold) -> bool {
    ratio(a.min(b), a, b) >= threshold.get()
}

fn ratio(shared: usize, a: usize, b: usize) -> f64 {
    let all = a + b - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// Merges without a branch on the data: equal values move both sides on, else the smaller one moves.
fn intersection(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    shared
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shared_over_all() {
        fn check(a: &[u64], b: &[u64], expected: f64) {
            assert_eq!(jaccard(a, b).to_bits(), expected.to_bits(), "{a:?} {b:?}");
        }
        check(&[], &[], 0.0);
        check(&[1], &[], 0.0);
        check(&[1, 2, 3], &[1, 2, 3], 1.0);
        check(&[1, 2, 3], &[2, 3, 4], 0.5);
        check(&[1, 5], &[2, 6], 0.0);
    }

    #[test]
    fn thresholds_outside_their_range_are_refused() {
        for bad in [0.0, -0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Threshold::new(bad).unwrap_err().kind(), ErrorKind::Threshold);
        }
        assert!(Threshold::new(1.0).unwrap().get() >= 1.0);
    }

    #[test]
    fn a_similarity_of_exactly_the_threshold_counts() {
        let a: Vec<u64> = (0..10).collect();
        let b: Vec<u64> = (0..7).collect();
        assert_eq!(jaccard_reaching(&a, &b, Threshold::default()), Some(0.7));
        assert_eq!(jaccard_reaching(&a, &b[..6], Threshold::default()), None);
    }

    proptest! {
        #[test]
        fn the_merge_agrees_with_set_operations(a: BTreeSet<u8>, b: BTreeSet<u8>) {
            let (x, y): (Vec<u64>, Vec<u64>) =
                (a.iter().map(|&v| v.into()).collect(), b.iter().map(|&v| v.into()).collect());
            let (shared, all) = (a.intersection(&b).count(), a.union(&b).count());
            let expected = if all == 0 { 0.0 } else { shared as f64 / all as f64 };
            prop_assert_eq!(jaccard(&x, &y).to_bits(), expected.to_bits());
            prop_assert_eq!(jaccard_reaching(&x, &y, Threshold(0.4)).is_some(), expected >= 0.4);
        }
    }
}
