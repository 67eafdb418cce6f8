//! Speed of the whole way of a content and of its parts, over the sources that cargo has unpacked on this machine.
//!
//! `CODELUPE_BENCH_CORPUS` names another folder. Run it as `cargo bench -p codelupe-process --bench process`.

#![expect(clippy::unwrap_used, reason = "a bench ends where its setup fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use codelupe_process::Redactor;
use codelupe_process::language::{detect, load};
use codelupe_process::{Config, Processor, decode, encoded, generated, lines, syntax, tokens};
use divan::Bencher;
use divan::counter::BytesCount;

/// How much is read, in bytes.
const CORPUS: usize = 32 << 20;

/// Base names and contents of source files.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let mut files = Vec::new();
    read(&corpus(), &mut 0, &mut files);
    assert!(!files.is_empty(), "no sources found; set CODELUPE_BENCH_CORPUS");
    files
});

fn main() {
    divan::main();
}

#[divan::bench]
fn whole(bencher: Bencher) {
    let processor = Processor::new(Config::default()).unwrap();
    run(bencher, |name, text| {
        processor.process(name, text.as_bytes()).text.is_some()
    });
}

#[divan::bench]
fn decoding(bencher: Bencher) {
    run(bencher, |_, text| decode::decode(text.as_bytes(), 0.01).is_ok());
}

#[divan::bench]
fn language_detection(bencher: Bencher) {
    let facts = load().unwrap();
    run(bencher, |name, text| detect(facts, name, text).is_some());
}

#[divan::bench]
fn generated_marks(bencher: Bencher) {
    run(bencher, generated::is_generated);
}

#[divan::bench]
fn line_lengths(bencher: Bencher) {
    run(bencher, |_, text| lines::lengths(text).longest > 80);
}

#[divan::bench]
fn line_contents(bencher: Bencher) {
    run(bencher, |_, text| {
        lines::contents(text, lines::lengths(text), syntax::comments("Rust")).repeated > 0
    });
}

#[divan::bench]
fn encoded_data(bencher: Bencher) {
    run(bencher, |_, text| encoded::measure(text).longest > 0);
}

#[divan::bench]
fn words(bencher: Bencher) {
    run(bencher, |_, text| tokens::measure(text).distinct > 0);
}

#[divan::bench]
fn redaction(bencher: Bencher) {
    let redactor = Redactor::new().unwrap();
    run(bencher, |_, text| redactor.redact(text).found.is_empty());
}

fn run(bencher: Bencher, step: impl Fn(&str, &str) -> bool + Sync) {
    let bytes: usize = FILES.iter().map(|(_, text)| text.len()).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| FILES.iter().filter(|(name, text)| step(name, text)).count());
}

fn corpus() -> PathBuf {
    if let Some(folder) = std::env::var_os("CODELUPE_BENCH_CORPUS") {
        return folder.into();
    }
    let home = std::env::home_dir().unwrap_or_default();
    std::env::var_os("CARGO_HOME")
        .map_or_else(|| home.join(".cargo"), PathBuf::from)
        .join("registry/src")
}

/// Reads the source files under `folder` in the order of names until there is enough.
fn read(folder: &Path, total: &mut usize, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if *total >= CORPUS {
            return;
        }
        if path.is_dir() {
            read(&path, total, files);
        } else if path
            .extension()
            .is_some_and(|extension| ["rs", "c", "h", "md", "toml"].iter().any(|e| extension == *e))
            && let Ok(text) = fs::read_to_string(&path)
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            *total += text.len();
            files.push((name.to_owned(), text));
        }
    }
}
