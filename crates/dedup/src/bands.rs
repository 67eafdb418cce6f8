//! LSH bands: signatures that agree on all rows of one band become candidates.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind};
use crate::hash::{mix, splitmix};
use crate::minhash::{MAX_PERMUTATIONS, Permutations, Signature};

/// How a signature is cut: `bands` groups of `rows` values each; what is left over at its end is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banding {
    bands: usize,
    rows: usize,
}

impl Banding {
    /// 50 bands of 5 rows: finds a pair of Jaccard similarity 0.7 with probability 0.9999, at the price of many
    /// candidates (0.80 at 0.5). For leakage between splits.
    pub const HIGH_RECALL: Self = Self { bands: 50, rows: 5 };

    /// A banding.
    ///
    /// # Errors
    /// [`ErrorKind::Banding`] when either is zero or the product is over [`MAX_PERMUTATIONS`].
    pub fn new(bands: usize, rows: usize) -> Result<Self, Error> {
        match bands.checked_mul(rows) {
            Some(1..=MAX_PERMUTATIONS) => Ok(Self { bands, rows }),
            _ => Err(Error::new(ErrorKind::Banding, format!("{bands} bands of {rows} rows"))),
        }
    }

    /// This banding, if a signature with that number of values has room for it.
    ///
    /// # Errors
    /// [`ErrorKind::BandingRoom`] when it does not.
    pub fn within(self, permutations: Permutations) -> Result<Self, Error> {
        if self.bands * self.rows <= permutations.get() {
            return Ok(self);
        }
        let context = format!(
            "{} bands of {} rows need {} values, and signatures have {}",
            self.bands,
            self.rows,
            self.bands * self.rows,
            permutations.get()
        );
        Err(Error::new(ErrorKind::BandingRoom, context))
    }

    /// Bands that find 0.999 and more of the pairs of Jaccard similarity 0.7, at the price of many candidates: 50 of 5
    /// rows ([`Self::HIGH_RECALL`]) for 256 values, 38 of 5 for 192, 32 of 4 for 128, 21 of 3 for 64.
    pub fn high_recall(permutations: Permutations) -> Self {
        let wide = Self::HIGH_RECALL;
        (1..=wide.rows)
            .rev()
            .map(|rows| Self {
                bands: wide.bands.min(permutations.get() / rows),
                rows,
            })
            .find(|banding| banding.candidate_probability(0.7) >= 0.999)
            .unwrap_or(wide)
    }

    /// The number of bands, which is the number of keys of a signature.
    pub const fn bands(self) -> usize {
        self.bands
    }

    /// The number of values in a band.
    pub const fn rows(self) -> usize {
        self.rows
    }

    /// One key for each band, in band order. The number of the band is part of its key: keys of different bands do not meet.
    pub fn keys(self, signature: &Signature) -> impl Iterator<Item = u64> + '_ {
        let bands = signature.values().chunks_exact(self.rows).take(self.bands);
        (0..).zip(bands).map(|(band, values)| band_key(band, values))
    }

    /// The probability that two texts of this Jaccard similarity share a band: `1 - (1 - s^rows)^bands`
    /// (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2).
    pub fn candidate_probability(self, jaccard: f64) -> f64 {
        1.0 - (1.0 - jaccard.powf(self.rows as f64)).powf(self.bands as f64)
    }

    /// The mean of [`Self::candidate_probability`] over similarities spread evenly between `from` and 1: what share of such
    /// pairs is found. By Simpson's rule in 200 steps, which is exact to 1e-6 for curves as steep as a signature allows.
    pub fn mean_probability(self, from: f64) -> f64 {
        const STEPS: u32 = 200;
        let at = |step: u32| self.candidate_probability(from + (1.0 - from) * f64::from(step) / f64::from(STEPS));
        let weight = |step: u32| match step {
            0 | STEPS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let sum: f64 = (0..=STEPS).map(|step| weight(step) * at(step)).sum();
        sum / (3.0 * f64::from(STEPS))
    }

    /// The similarity about which the curve is steepest: `(1 / bands)^(1 / rows)` (the same section of the same book).
    pub fn knee(self) -> f64 {
        (1.0 / self.bands as f64).powf(1.0 / self.rows as f64)
    }
}

impl Default for Banding {
    /// 25 bands of 10 rows, as `BigCode` and The Stack v2 use it: the curve is steepest at 0.725.
    fn default() -> Self {
        Self { bands: 25, rows: 10 }
    }
}

/// A fold over the values in pairs, started from the number of the band.
fn band_key(band: u64, values: &[u32]) -> u64 {
    let folded = values.chunks(2).fold(splitmix(64 + band), |key, pair| {
        let (low, high) = (pair[0], pair.get(1).copied().unwrap_or(0));
        mix(key ^ (u64::from(high) << 32 | u64::from(low)), const { splitmix(4) })
    });
    mix(folded, const { splitmix(5) })
}

/// Documents by band key, to look up which share a band with a given one.
#[derive(Debug, Clone, Default)]
pub struct BandIndex {
    buckets: HashMap<u64, Vec<u32>>,
}

impl BandIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document under each of its keys.
    pub fn insert(&mut self, doc: u32, keys: impl IntoIterator<Item = u64>) {
        for key in keys {
            self.buckets.entry(key).or_default().push(doc);
        }
    }

    /// The documents under one key, in the order in which they were added.
    pub fn bucket(&self, key: u64) -> &[u32] {
        self.buckets.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The documents that share any of the keys, ascending, each once.
    pub fn candidates(&self, keys: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut docs: Vec<u32> = keys.into_iter().flat_map(|key| self.bucket(key)).copied().collect();
        docs.sort_unstable();
        docs.dedup();
        docs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_curve_is_the_published_one() {
        fn check(banding: Banding, jaccard: f64, expected: f64) {
            let got = banding.candidate_probability(jaccard);
            assert!((got - expected).abs() < 0.0006, "{banding:?} at {jaccard}: {got}");
        }
        for (jaccard, expected) in [
            (0.5, 0.024),
            (0.6, 0.141),
            (0.7, 0.512),
            (0.75, 0.765),
            (0.8, 0.942),
            (0.9, 1.0),
        ] {
            check(Banding::default(), jaccard, expected);
        }
        check(Banding::new(20, 12).unwrap(), 0.0, 0.0);
        check(Banding::new(14, 8).unwrap(), 0.7, 0.565);
        check(Banding::HIGH_RECALL, 0.7, 0.9999);
        check(Banding::HIGH_RECALL, 1.0, 1.0);
    }

    #[test]
    fn the_knee_and_the_mean_are_those_of_the_curve() {
        fn check(bands: usize, rows: usize, knee: f64, from: f64, mean: f64) {
            let banding = Banding::new(bands, rows).unwrap();
            assert!((banding.knee() - knee).abs() < 0.001, "{}", banding.knee());
            let got = banding.mean_probability(from);
            assert!((got - mean).abs() < 1e-5, "{bands} x {rows} from {from}: {got}");
        }
        // One band of one row is the diagonal; the others by adaptive quadrature (scipy.integrate.quad).
        check(1, 1, 1.0, 0.0, 0.5);
        check(25, 10, 0.725, 0.7, 0.913_261);
        check(14, 8, 0.719, 0.7, 0.913_877);
        check(2, 128, 0.995, 0.7, 0.038_709);
    }

    #[test]
    fn bandings_that_do_not_fit_a_signature_are_refused() {
        for (bands, rows) in [(0, 10), (10, 0), (26, 10), (257, 1), (usize::MAX, 2)] {
            let error = Banding::new(bands, rows).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Banding, "{bands}x{rows}");
        }
        assert!(Banding::new(256, 1).is_ok() && Banding::new(1, 256).is_ok());
    }

    #[test]
    fn bandings_for_fewer_permutations_find_almost_everything_too() {
        for (permutations, bands, rows) in [(256, 50, 5), (192, 38, 5), (128, 32, 4), (64, 21, 3)] {
            let permutations = Permutations::new(permutations).unwrap();
            let banding = Banding::high_recall(permutations);
            assert_eq!((banding.bands(), banding.rows()), (bands, rows));
            assert!(banding.candidate_probability(0.7) >= 0.999);
            assert_eq!(banding.within(permutations).unwrap(), banding);
        }
    }

    #[test]
    fn bands_that_fewer_permutations_have_no_room_for_are_refused_with_both_numbers() {
        let few = Permutations::new(128).unwrap();
        assert!(Banding::new(12, 10).unwrap().within(few).is_ok());
        let error = Banding::default().within(few).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BandingRoom);
        assert!(
            error.to_string().contains("need 250 values, and signatures have 128"),
            "{error}"
        );
    }

    #[test]
    fn equal_values_in_different_bands_have_different_keys() {
        let keys: Vec<u64> = Banding::default()
            .keys(&Signature::from_values([7; MAX_PERMUTATIONS]))
            .collect();
        assert_eq!(keys.len(), 25);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 25);
    }

    #[test]
    fn a_key_depends_on_every_row_of_its_band_and_on_nothing_else() {
        let banding = Banding::new(5, 5).unwrap();
        let base = [1; MAX_PERMUTATIONS];
        let keys: Vec<u64> = banding.keys(&Signature::from_values(base)).collect();
        for changed in 0..MAX_PERMUTATIONS {
            let mut values = base;
            values[changed] = 2;
            let other: Vec<u64> = banding.keys(&Signature::from_values(values)).collect();
            for band in 0..5 {
                assert_eq!(
                    keys[band] != other[band],
                    changed / 5 == band,
                    "value {changed}, band {band}"
                );
            }
        }
    }

    #[test]
    fn keys_never_change() {
        let mut value = 0;
        let values = [(); MAX_PERMUTATIONS].map(|()| {
            value += 1;
            value
        });
        let keys: Vec<u64> = Banding::default()
            .keys(&Signature::from_values(values))
            .take(2)
            .collect();
        assert_eq!(keys, [427_977_884_489_282_941, 17_623_410_735_934_543_373]);
    }

    #[test]
    fn candidates_come_sorted_and_once() {
        let mut index = BandIndex::new();
        index.insert(9, [1, 2, 3]);
        index.insert(4, [3, 4]);
        index.insert(5, [5]);
        assert_eq!(index.candidates([1, 2, 3]), [4, 9]);
        assert_eq!(index.candidates([6]), [0_u32; 0]);
        assert_eq!(index.bucket(3), [9, 4]);
    }
}
