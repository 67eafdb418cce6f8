//! Election of survivors and the look for leakage: real source files, each with a copy in which lines were changed.

#[path = "corpus/mod.rs"]
mod corpus;

use std::convert::Infallible;
use std::sync::LazyLock;

use codelupe_dedup::{
    BandTable, Banding, ElectionConfig, LeakConfig, LeakFinder, ShingleSize, Signature, Signer, elect, shingles,
};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

struct Documents {
    sets: Vec<Vec<u64>>,
    signatures: Vec<Option<Signature>>,
}

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| {
    let mut texts = corpus::sources(5000);
    assert!(!texts.is_empty(), "cargo has unpacked no sources on this machine");
    let copies: Vec<Vec<u8>> = texts.iter().map(|text| changed(text)).collect();
    texts.extend(copies);
    let mut signer = Signer::new(ShingleSize::default());
    Documents {
        sets: texts
            .iter()
            .map(|text| shingles(text, ShingleSize::default()))
            .collect(),
        signatures: texts.iter().map(|text| signer.sign(text)).collect(),
    }
});

/// Every fifteenth line replaced.
fn changed(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|&byte| byte == b'\n').enumerate();
    let lines = lines.map(|(i, line)| {
        if i % 15 == 7 {
            &b"let replaced = other::line(0);"[..]
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a source")]
fn source(doc: u32) -> Result<Vec<u64>, Infallible> {
    Ok(DOCUMENTS.sets[doc as usize].clone())
}

fn table() -> BandTable {
    let mut table = BandTable::new(Banding::default());
    for signature in &DOCUMENTS.signatures {
        assert!(table.push(signature.as_ref()).is_ok());
    }
    table
}

fn items() -> ItemsCount {
    ItemsCount::new(DOCUMENTS.signatures.len())
}

/// Band keys and table.
#[divan::bench(sample_count = 20)]
fn fill_table(bencher: Bencher) {
    bencher.counter(items()).bench_local(table);
}

/// Grouping, candidates, exact verification; shingle sets are in memory.
#[divan::bench(sample_count = 20)]
fn elect_survivors(bencher: Bencher) {
    let table = table();
    let counts = elect(table.groups(), &ElectionConfig::default(), &mut source).map(|election| election.counts);
    eprint_counts(&format!("{counts:?}"));
    bencher
        .counter(items())
        .bench_local(|| elect(table.groups(), &ElectionConfig::default(), &mut source));
}

/// One document in twenty is held out, the others are for training.
#[divan::bench(sample_count = 20)]
fn find_leaks(bencher: Bencher) {
    let signed = || {
        (0..)
            .zip(&DOCUMENTS.signatures)
            .filter_map(|(doc, signature)| Some((doc, signature.as_ref()?)))
    };
    bencher.counter(items()).bench_local(|| {
        let mut finder = LeakFinder::new(LeakConfig::default(), signed().filter(|(doc, _)| doc % 20 == 0));
        for (doc, signature) in signed().filter(|(doc, _)| doc % 20 != 0) {
            finder.scan(doc, signature);
        }
        finder.finish(&mut source)
    });
}

#[expect(clippy::print_stderr, reason = "what was measured belongs beside the measurement")]
fn eprint_counts(counts: &str) {
    eprintln!("{counts}");
}
