//! From text to signature in one pass.

use crate::minhash::{Permutations, Signature, fold};
use crate::shingle::{ShingleSize, for_each_shingle};

/// The shingle hashes that are collected before they are permuted: 4 KiB, which leaves room in a first-level cache.
const BATCH: usize = 1024;

/// The places that remember shingles just seen: 16 KiB. Four in ten shingles of a source file are repeats, and permuting
/// one costs more than remembering it: 312 MB/s against 260 without this memory.
const SEEN: usize = 4096;

/// Makes signatures. It owns small buffers and is meant to be used again for the next text; one for each thread.
#[derive(Debug, Clone)]
pub struct Signer {
    size: ShingleSize,
    permutations: Permutations,
    batch: Box<[u32; BATCH]>,
    seen: Box<[u32; SEEN]>,
}

impl Signer {
    /// A signer for shingles of this size and all permutations.
    pub fn new(size: ShingleSize) -> Self {
        Self::with_permutations(size, Permutations::MAX)
    }

    /// A signer for this shingle size and these permutations.
    pub fn with_permutations(size: ShingleSize, permutations: Permutations) -> Self {
        Self {
            size,
            permutations,
            batch: Box::new([0; BATCH]),
            seen: Box::new([0; SEEN]),
        }
    }

    /// The signature of a text, equal to [`Signature::of_shingles`] of its [`shingles`](crate::shingles) under as many
    /// permutations; `None` when it has fewer tokens than one shingle. Memory does not grow with the text.
    pub fn sign(&mut self, text: &[u8]) -> Option<Signature> {
        let mut signature = Signature::empty(self.permutations);
        let (batch, seen) = (&mut *self.batch, &mut *self.seen);
        forget(seen);
        let (mut filled, mut any) = (0, false);
        for_each_shingle(text, self.size, |shingle| {
            let hash = fold(shingle);
            // Written in any case and counted only when new: no branch to predict.
            batch[filled] = hash;
            let place = &mut seen[hash as usize % SEEN];
            filled += usize::from(*place != hash);
            *place = hash;
            if filled == BATCH {
                signature.add(batch);
                filled = 0;
                any = true;
            }
        });
        signature.add(&batch[..filled]);
        (any || filled > 0).then_some(signature)
    }
}

/// Puts a hash into every place that does not belong there, so that no hash is taken for seen.
fn forget(seen: &mut [u32; SEEN]) {
    seen.iter_mut().zip(1..).for_each(|(place, other)| *place = other);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shingle::shingles;

    #[test]
    fn a_text_of_fewer_tokens_than_a_shingle_has_no_signature() {
        fn check(text: &str, size: usize, expected: bool) {
            let signature = Signer::new(ShingleSize::new(size).unwrap()).sign(text.as_bytes());
            assert_eq!(signature.is_some(), expected, "{text:?} {size}");
        }
        check("", 1, false);
        check("import foo", 5, false);
        check("a b c d", 5, false);
        check("a b c d e", 5, true);
        check("f();a", 5, true);
        check(" \n\t", 1, false);
        check("x", 1, true);
    }

    #[test]
    fn signatures_never_change() {
        // Stored signatures are compared with new ones: a failure here means that SCHEME must get a new name.
        let mut signer = Signer::new(ShingleSize::default());
        let text = "fn main() {\n    println!(\"größe {}\", identifier_longer_than_a_word[0]);\n}\n";
        let signature = signer.sign(text.as_bytes()).unwrap();
        // Computed from the description by a program in another language.
        assert_eq!(
            signature.values()[..4],
            [922_580_613, 748_785_790, 118_315_455, 1_650_987_773]
        );
        assert_eq!(signature.values()[254..], [381_148_183, 57_435_847]);
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        // Few different tokens, so that shingles repeat; some texts longer than a batch.
        prop::collection::vec(prop::sample::select(&b"ab1_+; \n\xc3"[..]), 0..6000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn signing_a_text_is_signing_its_set_of_shingles(text in text(), size in 1_usize..=32) {
            let size = ShingleSize::new(size).unwrap();
            let set = shingles(&text, size);
            let mut signer = Signer::new(size);
            signer.sign(b"what was signed before leaves no trace in what is signed now");
            let signature = signer.sign(&text);
            prop_assert_eq!(signature, Signature::of_shingles(&set));
            prop_assert_eq!(signature, Signature::of_shingles_scalar(&set));
            for few in [64, 128, 192].map(|few| Permutations::new(few).unwrap()) {
                let short = Signer::with_permutations(size, few).sign(&text);
                prop_assert_eq!(short, signature.map(|signature| signature.under(few)));
            }
        }
    }
}
