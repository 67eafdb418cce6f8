//! Pseudo-random numbers that are the same on every machine and in every version: `SplitMix64` (Steele, Lea, Flood: Fast
//! Splittable Pseudorandom Number Generators, OOPSLA 2014). Not for secrets.

/// 2^64 divided by the golden ratio: what the state grows by with each number.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The first number of the generator that is seeded with `seed`: a bijection, so it also mixes the bits of one number.
#[inline]
pub const fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A generator. The same seed gives the same numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The generator of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 random bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        let bits = splitmix(self.state);
        self.state = self.state.wrapping_add(GOLDEN);
        bits
    }

    /// A number in [0, 1) with 53 random bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from 0 to `bound` - 1, or 0 where `bound` is 0. The bias is under `bound` / 2^64.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.bits()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// True with the given probability.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fill the mantissa of an f64.
        ((self.bits() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// One of `items`; `None` if there are none.
    #[inline]
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // As the reference program in C prints them.
        let check = |seed, expected: [u64; 3]| {
            let mut random = Random::new(seed);
            assert_eq!([random.bits(), random.bits(), random.bits()], expected, "{seed}");
            assert_eq!(splitmix(seed), expected[0]);
            assert_eq!(splitmix(seed.wrapping_add(GOLDEN)), expected[1]);
        };
        check(0, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
        check(
            1_234_567,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
            ],
        );
    }

    #[test]
    fn chances_come_out_as_often_as_asked() {
        let mut random = Random::new(7);
        let hits = (0..10_000).filter(|_| random.chance(0.3)).count();
        assert!((2_850..3_150).contains(&hits), "{hits}");
        assert!(!random.chance(0.0) && random.chance(1.0));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut random = Random::new(7);
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random.uniform())));
        assert_eq!((random.below(0), random.choose::<u8>(&[])), (0, None));
    }
}
