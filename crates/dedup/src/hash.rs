//! The one mixing function that shingle hashes and band keys are made with.

use codelupe_core::random::{self, GOLDEN};

/// Multiplies to 128 bits and folds the halves together: the step of wyhash and rapidhash.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of the product are wanted"
)]
#[inline]
pub(crate) const fn mix(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The `n`-th output of `SplitMix64` with seed 0: a bijection of `n`, fit to make constants from.
pub(crate) const fn splitmix(n: u64) -> u64 {
    random::splitmix(n.wrapping_mul(GOLDEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_splitmix64() {
        // First outputs of the reference generator with seed 0.
        assert_eq!(splitmix(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(splitmix(1), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(splitmix(2), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn mixing_folds_both_halves_of_the_product() {
        assert_eq!(mix(u64::MAX, 2), 0xFFFF_FFFF_FFFF_FFFE ^ 1);
        assert_eq!(mix(3, 5), 15);
    }
}
