//! Signatures equal bit for bit to those of the Python library datasketch, to compare with results made by it.
//!
//! Not for the corpus itself: one SHA-1 per shingle and a 64-bit remainder per permutation are about a hundred times
//! slower than [`crate::Signer`].

mod mt19937;

use std::collections::BTreeSet;

use sha1::{Digest, Sha1};

use self::mt19937::Mt19937;
use crate::error::{Error, ErrorKind};
use crate::shingle::ShingleSize;
use crate::token::{is_space, is_word};

/// The most permutations that can be asked for: 512 KiB of state.
pub const MAX_PERMUTATIONS: usize = 65_536;

/// 2^61 - 1, the prime of the legacy scheme.
const MERSENNE_PRIME: u64 = (1 << 61) - 1;

/// The family of permutations, by datasketch's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `((a * h + b) % (2^61 - 1)) & (2^32 - 1)` in wrapping 64-bit arithmetic: the only scheme before 2.0.0, and that
    /// of the `BigCode` scripts.
    Legacy,
    /// `a * fmix32(h) + b` in wrapping 32-bit arithmetic with odd `a`: the default from 2.0.0 on.
    Affine32,
}

impl Scheme {
    /// The name that datasketch gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Affine32 => "affine32",
        }
    }
}

/// A signature in the making, as `datasketch.MinHash(num_perm, seed, scheme=…)` with its default hash function.
#[derive(Debug, Clone)]
pub struct MinHash {
    scheme: Scheme,
    permutations: Vec<(u64, u64)>,
    values: Vec<u32>,
}

impl MinHash {
    /// An empty signature of `num_perm` values, all `u32::MAX`.
    ///
    /// # Errors
    /// [`ErrorKind::Permutations`] when `num_perm` is zero or over [`MAX_PERMUTATIONS`].
    pub fn new(scheme: Scheme, num_perm: usize, seed: u32) -> Result<Self, Error> {
        if num_perm == 0 || num_perm > MAX_PERMUTATIONS {
            return Err(Error::new(ErrorKind::Permutations, format!("num_perm {num_perm}")));
        }
        Ok(Self {
            scheme,
            permutations: permutations(scheme, num_perm, seed),
            values: vec![u32::MAX; num_perm],
        })
    }

    /// Adds one element of the set, given as the bytes that datasketch's `update` would get.
    pub fn update(&mut self, element: &[u8]) {
        let digest: [u8; 20] = Sha1::digest(element).into();
        let hash = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let (scheme, mixed) = (self.scheme, fmix32(hash));
        for (value, &(a, b)) in self.values.iter_mut().zip(&self.permutations) {
            let permuted = match scheme {
                Scheme::Legacy => low32(a.wrapping_mul(hash.into()).wrapping_add(b) % MERSENNE_PRIME),
                Scheme::Affine32 => low32(a.wrapping_mul(mixed.into()).wrapping_add(b)),
            };
            *value = permuted.min(*value);
        }
    }

    /// The values, as datasketch's `hashvalues`.
    pub fn hashvalues(&self) -> &[u32] {
        &self.values
    }
}

/// The signature of a text as datasketch makes it of the same shingles: runs of tokens, each given as the bytes of its tokens
/// with a space between them. `None` when the text has fewer tokens than one shingle.
///
/// # Errors
/// As [`MinHash::new`].
pub fn sign(
    text: &[u8],
    size: ShingleSize,
    scheme: Scheme,
    num_perm: usize,
    seed: u32,
) -> Result<Option<Vec<u32>>, Error> {
    let mut minhash = MinHash::new(scheme, num_perm, seed)?;
    let tokens = tokens(text);
    let shingles: BTreeSet<Vec<u8>> = tokens.windows(size.get()).map(|run| run.join(&b' ')).collect();
    for shingle in &shingles {
        minhash.update(shingle);
    }
    Ok((!shingles.is_empty()).then_some(minhash.values))
}

/// The tokens of a text, by the letter of their definition (see the crate's tokenizer, which is faster).
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let word = text[at..].iter().take_while(|byte| is_word(**byte)).count();
        if word > 0 || !is_space(text[at]) {
            tokens.push(&text[at..at + word.max(1)]);
        }
        at += word.max(1);
    }
    tokens
}

/// The parameters in the order in which datasketch draws them from `numpy.random.RandomState(seed)`: pair by pair for
/// the legacy scheme, all `a` before all `b` for the affine one.
fn permutations(scheme: Scheme, num_perm: usize, seed: u32) -> Vec<(u64, u64)> {
    let mut random = Mt19937::new(seed);
    match scheme {
        Scheme::Legacy => (0..num_perm)
            .map(|_| {
                let a = 1 + random.at_most(MERSENNE_PRIME - 2);
                (a, random.at_most(MERSENNE_PRIME - 1))
            })
            .collect(),
        Scheme::Affine32 => {
            let a: Vec<u64> = (0..num_perm)
                .map(|_| u64::from(random.next_u32() & 0x7FFF_FFFF) * 2 + 1)
                .collect();
            a.into_iter().map(|a| (a, random.next_u32().into())).collect()
        }
    }
}

/// The finalizer of `MurmurHash3` for 32 bits.
const fn fmix32(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what the scheme keeps")]
const fn low32(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_signatures_of_hello_and_world() {
        fn check(scheme: Scheme, expected: [u32; 4]) {
            let mut minhash = MinHash::new(scheme, 4, 1).unwrap();
            minhash.update(b"hello");
            minhash.update(b"world");
            assert_eq!(minhash.hashvalues(), expected);
        }
        check(Scheme::Legacy, [228_630_785, 216_833_891, 617_530_111, 2_362_600_675]);
        check(
            Scheme::Affine32,
            [625_790_555, 194_865_109, 1_355_773_502, 1_324_736_089],
        );
    }

    #[test]
    fn a_text_is_its_set_of_shingles() {
        let size = ShingleSize::new(2).unwrap();
        let signed = |text: &[u8]| sign(text, size, Scheme::Affine32, 8, 1).unwrap();
        let mut minhash = MinHash::new(Scheme::Affine32, 8, 1).unwrap();
        for shingle in ["größe_1 (", "( x", "x )"] {
            minhash.update(shingle.as_bytes());
        }
        assert_eq!(signed("größe_1(x)".as_bytes()), Some(minhash.hashvalues().to_vec()));
        assert_eq!(signed(b"a b a b a b"), signed(b"b a\n\tb a"));
        assert_eq!(signed(b"alone"), None);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        for bad in [0, MAX_PERMUTATIONS + 1] {
            let error = MinHash::new(Scheme::Legacy, bad, 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Permutations);
        }
    }
}
