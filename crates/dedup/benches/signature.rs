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

fn sets() -> Vec<Vec<u64>> {
    TEXTS
        .iter()
        .map(|text| shingles(text, ShingleSize::default()))
        .collect()
}
