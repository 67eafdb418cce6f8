//! Text to signature, on real source files: bytes of text a second on one core.

#[path = "corpus/mod.rs"]
mod corpus;

use std::sync::LazyLock;

use codelupe_dedup::{ShingleSize, Signature, Signer, shingles};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

static TEXTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let texts = corpus::sources(1000);
    assert!(!texts.is_empty(), "cargo has unpacked no sources on this machine");
    texts
});

fn bytes() -> BytesCount {
    BytesCount::new(TEXTS.iter().map(Vec::len).sum::<usize>())
}

#[divan::bench]
fn sign(bencher: Bencher) {
    let mut signer = Signer::new(ShingleSize::default());
    bencher.counter(bytes()).bench_local(|| {
        TEXTS
            .iter()
            .filter_map(|text| signer.sign(text))
            .fold(0, |sum, s| sum ^ s.values()[0])
    });
}

#[divan::bench]
fn exact_shingle_sets(bencher: Bencher) {
    bencher.counter(bytes()).bench_local(|| {
        TEXTS
            .iter()
            .map(|text| shingles(text, ShingleSize::default()).len())
            .sum::<usize>()
    });
}

/// The permutations alone, over the distinct shingles of each text.
#[divan::bench]
fn permute_dispatched(bencher: Bencher) {
    let sets = sets();
    bencher.counter(bytes()).bench_local(|| {
        sets.iter()
            .filter_map(|set| Signature::of_shingles(set))
            .fold(0, |sum, s| sum ^ s.values()[0])
    });
}

/// The safe twin of the same.
#[divan::bench(sample_count = 10)]
fn permute_scalar(bencher: Bencher) {
    let sets = sets();
    bencher.counter(bytes()).bench_local(|| {
        sets.iter()
            .filter_map(|set| Signature::of_shingles_scalar(set))
            .fold(0, |sum, s| sum ^ s.values()[0])
    });
}

/// The other way to 256 values, for comparison: one permutation, cut into 256 bins, of which the empty ones borrow from others
/// (Shrivastava, "Optimal Densification for Fast and Accurate Minwise Hashing", ICML 2017).
#[divan::bench]
fn one_permutation(bencher: Bencher) {
    let sets = sets();
    bencher.counter(bytes()).bench_local(|| {
        sets.iter()
            .filter(|set| !set.is_empty())
            .fold(0, |sum, set| sum ^ one_permutation_of(set)[0])
    });
}

fn one_permutation_of(set: &[u64]) -> [u32; 256] {
    let mut bins = [u32::MAX; 256];
    for shingle in set {
        let (bin, value) = ((shingle >> 56) as usize, (shingle >> 24) & u64::from(u32::MAX));
        bins[bin] = bins[bin].min(u32::try_from(value).unwrap_or(u32::MAX));
    }
    let filled = bins;
    for (bin, value) in bins.iter_mut().enumerate().filter(|(_, value)| **value == u32::MAX) {
        let mut attempt = 1_u64;
        while *value == u32::MAX {
            let mixed = (bin as u64 + 256 * attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            *value = filled[(mixed >> 56) as usize];
            attempt += 1;
        }
    }
    bins
}

fn sets() -> Vec<Vec<u64>> {
    TEXTS
        .iter()
        .map(|text| shingles(text, ShingleSize::default()))
        .collect()
}
