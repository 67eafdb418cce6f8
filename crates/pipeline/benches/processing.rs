//! What one core does to one content: every signal, verdict, redaction, and the MinHash signature.
//!
//! Corpus: the crate sources in cargo's home, in order of path, up to 64 MB. `cargo bench -p codelupe-pipeline`.

#![expect(clippy::unwrap_used, reason = "a bench ends where its setup fails")]

use std::fs;
use std::path::{Path, PathBuf};

use codelupe_dedup::{ShingleSize, Signer};
use codelupe_process::{Config, Processor};
use divan::Bencher;
use divan::counter::BytesCount;

const CORPUS_BYTES: usize = 64 << 20;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn process_and_sign(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    let bytes: usize = corpus.iter().map(|(_, content)| content.len()).sum();
    let processor = Processor::new(Config::default()).unwrap();
    let mut signer = Signer::new(ShingleSize::default());
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let mut signatures = 0;
        for (name, content) in &corpus {
            let processed = processor.process(name, content);
            let signature = processed.text.and_then(|text| signer.sign(text.as_bytes()));
            signatures += usize::from(signature.is_some());
        }
        signatures
    });
}

#[divan::bench(sample_count = 10)]
fn process_alone(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    let bytes: usize = corpus.iter().map(|(_, content)| content.len()).sum();
    let processor = Processor::new(Config::default()).unwrap();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        corpus
            .iter()
            .filter(|(name, content)| processor.process(name, content).text.is_some())
            .count()
    });
}

/// File names and contents.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .unwrap();
    let mut files = Vec::new();
    walk(&home.join("registry/src"), &mut files);
    files.sort();
    let mut bytes = 0;
    let contents = files.into_iter().filter_map(|path| {
        let content = fs::read(&path).ok().filter(|content| content.len() < 10 << 20)?;
        Some((path.file_name()?.to_string_lossy().into_owned(), content))
    });
    contents
        .take_while(|(_, content)| {
            bytes += content.len();
            bytes < CORPUS_BYTES
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}
