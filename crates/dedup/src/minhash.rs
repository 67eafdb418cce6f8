//! `MinHash` signatures: the smallest value of a set under each of up to 256 permutations.
//!
//! A permutation is `h -> a * h + b` in wrapping 32-bit arithmetic with odd `a`, over shingle hashes that were mixed
//! in 64 bits and folded to 32: a bijection, so that permuting adds no collisions. It is not min-wise independent in
//! theory; the tests compare the estimates with the error that independent permutations would have.

use crate::error::{Error, ErrorKind};
use crate::hash::splitmix;

/// The most values that a signature has.
pub const MAX_PERMUTATIONS: usize = 256;

/// The permutations that are taken together: their minima stay in vector registers.
const LANES: usize = 64;

/// The number of permutations, which is the number of values in a signature: 64, 128, 192 or 256.
///
/// A signature of fewer is the beginning of one of more. Fewer cost less time and space, and have room for fewer bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permutations(usize);

impl Permutations {
    /// As many as there are.
    pub const MAX: Self = Self(MAX_PERMUTATIONS);

    /// A number of permutations.
    ///
    /// # Errors
    /// [`ErrorKind::SignaturePermutations`] when it is not 64, 128, 192 or 256.
    pub fn new(count: usize) -> Result<Self, Error> {
        if (LANES..=MAX_PERMUTATIONS).contains(&count) && count.is_multiple_of(LANES) {
            Ok(Self(count))
        } else {
            let context = format!("{count} permutations");
            Err(Error::new(ErrorKind::SignaturePermutations, context))
        }
    }

    /// The number.
    pub const fn get(self) -> usize {
        self.0
    }

    /// The size of a stored signature in bytes.
    pub const fn signature_bytes(self) -> usize {
        4 * self.0
    }
}

impl Default for Permutations {
    fn default() -> Self {
        Self::MAX
    }
}

/// The signature of a set of shingles.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    permutations: Permutations,
    /// What is behind the permutations is `u32::MAX`.
    values: [u32; MAX_PERMUTATIONS],
}

impl Signature {
    /// The signature of a set of shingle hashes under all permutations; `None` for the empty set. Order and repeats do
    /// not matter.
    pub fn of_shingles(shingles: &[u64]) -> Option<Self> {
        of_shingles_with(add_dispatched, shingles)
    }

    /// The same without vector instructions beyond those that every CPU of the target has: the safe twin that the
    /// fast way is tested against.
    pub fn of_shingles_scalar(shingles: &[u64]) -> Option<Self> {
        of_shingles_with(add_plain, shingles)
    }

    /// A signature from its values.
    pub const fn from_values(values: [u32; MAX_PERMUTATIONS]) -> Self {
        Self {
            permutations: Permutations::MAX,
            values,
        }
    }

    /// The values, one for each permutation.
    pub fn values(&self) -> &[u32] {
        &self.values[..self.permutations.0]
    }

    /// The number of values.
    pub const fn permutations(&self) -> Permutations {
        self.permutations
    }

    /// What this signature would be under fewer permutations: its beginning.
    #[must_use]
    pub fn under(mut self, permutations: Permutations) -> Self {
        self.permutations.0 = self.permutations.0.min(permutations.0);
        self.values[self.permutations.0..].fill(u32::MAX);
        self
    }

    /// The stored form: the values in order, each little endian.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.values().iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The estimated Jaccard similarity: the share of equal values among those that both have. Its standard error is
    /// `sqrt(J * (1 - J) / n)` for `n` values.
    pub fn similarity(&self, other: &Self) -> f64 {
        let compared = self.permutations.0.min(other.permutations.0);
        let equal = self.values().iter().zip(other.values()).filter(|(a, b)| a == b).count();
        equal as f64 / compared as f64
    }

    /// The signature that no shingle was added to.
    pub(crate) const fn empty(permutations: Permutations) -> Self {
        Self {
            permutations,
            values: [u32::MAX; MAX_PERMUTATIONS],
        }
    }

    /// Adds folded shingle hashes with the widest vectors that this CPU has.
    pub(crate) fn add(&mut self, hashes: &[u32]) {
        add_dispatched(&mut self.values[..self.permutations.0], hashes);
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = Error;

    /// A signature from stored bytes.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureBytes`] when there are not four for each value of a possible signature.
    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        let (words, rest) = bytes.as_chunks::<4>();
        let permutations = Permutations::new(words.len()).ok().filter(|_| rest.is_empty());
        let Some(permutations) = permutations else {
            return Err(Error::new(ErrorKind::SignatureBytes, format!("{} bytes", bytes.len())));
        };
        let mut signature = Self::empty(permutations);
        for (value, word) in signature.values.iter_mut().zip(words) {
            *value = u32::from_le_bytes(*word);
        }
        Ok(signature)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({:08x} {:08x} …)", self.values[0], self.values[1])
    }
}

/// Lowers minima to permuted hashes; as many permutations as there are minima, a multiple of [`LANES`].
type Add = fn(&mut [u32], &[u32]);

fn of_shingles_with(add: Add, shingles: &[u64]) -> Option<Signature> {
    let mut signature = (!shingles.is_empty()).then_some(Signature::empty(Permutations::MAX))?;
    let mut folded = [0; 1024];
    for chunk in shingles.chunks(folded.len()) {
        let folded = &mut folded[..chunk.len()];
        folded
            .iter_mut()
            .zip(chunk)
            .for_each(|(low, &shingle)| *low = fold(shingle));
        add(&mut signature.values, folded);
    }
    Some(signature)
}

/// The 32 bits of a shingle hash that are permuted: both halves, exclusive-or.
#[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
#[inline]
pub(crate) const fn fold(shingle: u64) -> u32 {
    (shingle >> 32) as u32 ^ shingle as u32
}

/// The multipliers, all odd, and the addends: even and odd outputs of `SplitMix64`.
static MULTIPLIERS: [u32; MAX_PERMUTATIONS] = parameters(0, 1);
static ADDENDS: [u32; MAX_PERMUTATIONS] = parameters(1, 0);

const fn parameters(first: u64, set: u32) -> [u32; MAX_PERMUTATIONS] {
    let mut values = [0; MAX_PERMUTATIONS];
    let (mut i, mut n) = (0, first);
    while i < MAX_PERMUTATIONS {
        values[i] = fold(splitmix(n)) | set;
        i += 1;
        n += 2;
    }
    values
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "functions compiled for a CPU feature may only be called where the CPU has it"
)]
fn add_dispatched(minima: &mut [u32], hashes: &[u32]) {
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512F, the one requirement of this otherwise safe function.
        unsafe { x86::add_avx512(minima, hashes) }
    } else if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, the one requirement of this otherwise safe function.
        unsafe { x86::add_avx2(minima, hashes) }
    } else {
        add_plain(minima, hashes);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn add_dispatched(minima: &mut [u32], hashes: &[u32]) {
    add_plain(minima, hashes);
}

/// The safe twin: what every machine can run, and what the others are tested against.
fn add_plain(minima: &mut [u32], hashes: &[u32]) {
    add::<LANES>(minima, hashes);
}

/// Lowers each minimum to the smallest permuted hash. The minima of `N` permutations stay in registers while all
/// hashes pass by; compiled for a CPU feature the inner loop becomes vector instructions.
#[expect(
    clippy::inline_always,
    reason = "only inlined code is compiled for the features of its caller"
)]
#[inline(always)]
fn add<const N: usize>(minima: &mut [u32], hashes: &[u32]) {
    let parameters = MULTIPLIERS.as_chunks::<N>().0.iter().zip(ADDENDS.as_chunks::<N>().0);
    for (minima, (multipliers, addends)) in minima.as_chunks_mut::<N>().0.iter_mut().zip(parameters) {
        let mut smallest = *minima;
        for &hash in hashes {
            for i in 0..N {
                let permuted = multipliers[i].wrapping_mul(hash).wrapping_add(addends[i]);
                smallest[i] = smallest[i].min(permuted);
            }
        }
        *minima = smallest;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, add};

    #[target_feature(enable = "avx2")]
    pub(super) fn add_avx2(minima: &mut [u32], hashes: &[u32]) {
        add::<LANES>(minima, hashes);
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn add_avx512(minima: &mut [u32], hashes: &[u32]) {
        add::<LANES>(minima, hashes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parameters_are_bijections_and_all_different() {
        assert!(MULTIPLIERS.iter().all(|a| a % 2 == 1));
        for parameters in [MULTIPLIERS, ADDENDS] {
            let mut distinct = parameters.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), MAX_PERMUTATIONS);
        }
    }

    #[test]
    fn stored_bytes_are_little_endian_and_come_back() {
        let signature = Signature::of_shingles(&[1, 2, 3]).unwrap();
        let bytes = signature.to_le_bytes();
        assert_eq!(bytes[..4], signature.values()[0].to_le_bytes());
        assert_eq!(Signature::try_from(&bytes[..]).unwrap(), signature);
        for wrong in [&bytes[..1023], &bytes[..96 * 4], &[], &[0; 1025], &[0; 1280]] {
            let error = Signature::try_from(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SignatureBytes);
            assert_eq!(error.code(), codelupe_core::error::ErrorCode::CorruptStore);
        }
    }

    #[test]
    fn the_empty_set_has_no_signature() {
        assert_eq!(Signature::of_shingles(&[]), None);
        assert_eq!(Signature::of_shingles_scalar(&[]), None);
    }

    #[test]
    fn numbers_of_permutations_that_do_not_fill_the_lanes_are_refused() {
        for count in [0, 1, 63, 65, 100, 257, 320] {
            let error = Permutations::new(count).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SignaturePermutations, "{count}");
        }
        for count in [64, 128, 192, 256] {
            assert_eq!(Permutations::new(count).unwrap().signature_bytes(), 4 * count);
        }
    }

    #[test]
    fn a_signature_of_fewer_permutations_is_the_beginning_and_estimates_alone() {
        let few = Permutations::new(64).unwrap();
        let [a, b] = [[1, 2, 3], [2, 3, 4]].map(|set| Signature::of_shingles(&set).unwrap());
        let short = a.under(few);
        assert_eq!(short.values(), &a.values()[..64]);
        assert_eq!(Signature::try_from(&short.to_le_bytes()[..]).unwrap(), short);
        assert_eq!(a.to_le_bytes()[..256], short.to_le_bytes());
        let equal = a.values()[..64].iter().zip(b.values()).filter(|(a, b)| a == b).count();
        assert!((short.similarity(&b) - equal as f64 / 64.0).abs() < 1e-12);
    }

    /// Every kernel that this machine can run.
    fn kernels() -> Vec<(&'static str, Add)> {
        let mut kernels: Vec<(&str, Add)> = vec![("dispatched", add_dispatched)];
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            kernels.push(("avx2", |minima, hashes| {
                #[expect(unsafe_code, reason = "the feature was asked for")]
                // SAFETY: the CPU has AVX2.
                unsafe {
                    x86::add_avx2(minima, hashes);
                }
            }));
        }
        kernels
    }

    proptest! {
        #[test]
        fn every_kernel_equals_the_plain_one(hashes: Vec<u32>, start in any::<[u32; 32]>()) {
            let start: [u32; MAX_PERMUTATIONS] = std::array::from_fn(|i| start[i % 32] ^ ADDENDS[i]);
            let mut expected = start;
            add_plain(&mut expected, &hashes);
            for (i, (a, b)) in MULTIPLIERS.iter().zip(&ADDENDS).enumerate() {
                let permuted = hashes.iter().map(|hash| a.wrapping_mul(*hash).wrapping_add(*b));
                prop_assert_eq!(permuted.chain([start[i]]).min(), Some(expected[i]));
            }
            for (name, kernel) in kernels() {
                let mut minima = start;
                kernel(&mut minima, &hashes);
                prop_assert_eq!(minima, expected, "{}", name);
            }
        }

        #[test]
        fn order_and_repeats_do_not_matter(mut set in prop::collection::vec(any::<u64>(), 1..50)) {
            let signature = Signature::of_shingles(&set);
            set.extend_from_within(..);
            set.reverse();
            prop_assert_eq!(Signature::of_shingles(&set), signature);
        }
    }
}
