//! Shingles: every run of a few consecutive tokens, hashed.

use crate::error::{Error, ErrorKind};
use crate::hash::{mix, splitmix};
use crate::token::for_each_token;

/// The longest shingle in tokens.
pub const MAX_SHINGLE_SIZE: usize = 32;

/// The number of tokens in a shingle: 1 to [`MAX_SHINGLE_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShingleSize(usize);

impl ShingleSize {
    /// A size.
    ///
    /// # Errors
    /// [`ErrorKind::ShingleSize`] when `tokens` is zero or over [`MAX_SHINGLE_SIZE`].
    pub fn new(tokens: usize) -> Result<Self, Error> {
        if (1..=MAX_SHINGLE_SIZE).contains(&tokens) {
            Ok(Self(tokens))
        } else {
            Err(Error::new(ErrorKind::ShingleSize, format!("{tokens} tokens")))
        }
    }

    /// The number of tokens.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Default for ShingleSize {
    /// 5 tokens, as `BigCode` and The Stack v2 use it.
    fn default() -> Self {
        Self(5)
    }
}

/// The set of shingle hashes of a text, strictly ascending; empty when the text has fewer tokens than one shingle.
pub fn shingles(text: &[u8], size: ShingleSize) -> Vec<u64> {
    let mut set = Vec::new();
    for_each_shingle(text, size, |shingle| set.push(shingle));
    set.sort_unstable();
    set.dedup();
    set
}

/// The factor of the rolling hash: odd, so that no power of it loses bits.
const BASE: u64 = splitmix(1) | 1;

/// Calls `each` with the hash of every shingle of `text`, in order, repeats among them.
///
/// The tokens `t1 … tn` of a shingle are hashed as the polynomial `t1 * B^(n-1) + … + tn` modulo 2^64 (Karp, Rabin,
/// 1987), which rolls on by one token at a time, and the polynomial is mixed.
#[inline]
pub(crate) fn for_each_shingle(text: &[u8], size: ShingleSize, mut each: impl FnMut(u64)) {
    let size = size.get();
    let leaving = power(BASE, size);
    let mut recent = [0_u64; MAX_SHINGLE_SIZE];
    let (mut polynomial, mut tokens) = (0_u64, 0_usize);
    for_each_token(text, |token| {
        let left = recent[tokens.wrapping_sub(size) % MAX_SHINGLE_SIZE];
        recent[tokens % MAX_SHINGLE_SIZE] = token;
        tokens += 1;
        polynomial = polynomial
            .wrapping_mul(BASE)
            .wrapping_add(token)
            .wrapping_sub(left.wrapping_mul(leaving));
        if tokens >= size {
            each(mix(polynomial ^ const { splitmix(2) }, const { splitmix(3) }));
        }
    });
}

fn power(base: u64, exponent: usize) -> u64 {
    (0..exponent).fold(1, |power: u64, _| power.wrapping_mul(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, size: usize) -> Vec<u64> {
        shingles(text.as_bytes(), ShingleSize::new(size).unwrap())
    }

    #[test]
    fn as_many_shingles_as_runs_of_tokens() {
        fn check(text: &str, size: usize, expected: usize) {
            assert_eq!(set(text, size).len(), expected, "{text:?} {size}");
        }
        check("", 5, 0);
        check("a b c d", 5, 0);
        check("a b c d e", 5, 1);
        check("a b c d e f", 5, 2);
        check("a a a a a a a", 5, 1);
        check("a b a b a b a b", 5, 2);
        check("a b a b a b a b", 1, 2);
        check(&"x ".repeat(31), 32, 0);
        check(&(0..40).map(|i| i.to_string()).collect::<Vec<_>>().join(" "), 32, 9);
    }

    #[test]
    fn white_space_does_not_matter_and_order_does() {
        assert_eq!(set("if(a){b=1}", 5), set("if ( a )\n{\n\tb = 1\r\n}\n", 5));
        assert_ne!(set("a b c d e", 5), set("b a c d e", 5));
        assert_ne!(set("a[i]=1", 5), set("a(i)*9", 5));
    }

    #[test]
    fn a_shingle_has_the_same_hash_wherever_it_stands() {
        let alone = set("p q r s t", 5);
        let within = set("a b c d e f g p q r s t h i j k l", 5);
        assert!(within.contains(&alone[0]));
    }

    #[test]
    fn sizes_outside_their_range_are_refused() {
        for bad in [0, 33, usize::MAX] {
            assert_eq!(ShingleSize::new(bad).unwrap_err().kind(), ErrorKind::ShingleSize);
        }
    }

    #[test]
    fn hashes_never_change() {
        // Computed from the description by a program in another language.
        assert_eq!(set("fn main ( ) {", 5), [5_579_116_953_271_099_006]);
    }
}
