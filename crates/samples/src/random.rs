//! Where the chances of a sample come from: its seed, its file and its number, nothing else.

use sha2::{Digest, Sha256};

/// A stream of pseudo-random numbers: `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014). The same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of sample `number` of one file, or of one repository where `path` is empty.
    pub(crate) fn new(seed: u64, repository: &str, path: &str, number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(number.to_le_bytes());
        hash.update((repository.len() as u64).to_le_bytes());
        hash.update(repository);
        hash.update(path);
        let digest = hash.finalize();
        Self(
            digest
                .iter()
                .take(8)
                .fold(0, |state, &byte| state << 8 | u64::from(byte)),
        )
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound` - 1, or 0 where `bound` is 0. The bias is under `bound` / 2^64.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fill the mantissa of an f64.
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// One of `items`, or none of none.
    pub(crate) fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // The first outputs for the state 1234567, as the reference program in C prints them.
        let mut random = Random(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn neighboring_names_do_not_share_a_stream() {
        let first = |repository, path| Random::new(1, repository, path, 0).next();
        assert_ne!(first("ab", "c"), first("a", "bc"));
        assert_ne!(first("ab", ""), first("a", "b"));
    }

    #[test]
    fn chances_come_out_as_often_as_asked() {
        let mut random = Random(7);
        let hits = (0..10_000).filter(|_| random.chance(0.3)).count();
        assert!((2_850..3_150).contains(&hits), "{hits}");
        assert!(!random.chance(0.0) && random.chance(1.0));
    }
}
