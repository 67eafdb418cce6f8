//! Speed of redaction on source files.
//!
//! `CODELUPE_BENCH_SOURCES` names a folder of real source files, of which up to 64 MB are read; without it a synthetic
//! text is used.

use codelupe_process::{Redactor, RedactorConfig};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench]
fn build(bencher: Bencher<'_, '_>) {
    bencher.bench(Redactor::new);
}

#[divan::bench(args = ["secrets", "pii", "both"])]
fn redact(bencher: Bencher<'_, '_>, what: &str) {
    let config = RedactorConfig {
        secrets: what != "pii",
        pii: what != "secrets",
    };
    let Ok(redactor) = Redactor::with_config(config) else {
        return;
    };
    let files = sources();
    let bytes: usize = files.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let found = files.iter().map(|file| redactor.redact(black_box(file)).found.len());
        found.sum::<usize>()
    });
}

fn sources() -> Vec<String> {
    let mut files = Vec::new();
    let mut left = 64 << 20;
    if let Some(folder) = std::env::var_os("CODELUPE_BENCH_SOURCES") {
        read(std::path::Path::new(&folder), &mut files, &mut left);
    }
    if files.is_empty() {
        let line =
            "    let token = self.tokens.next().ok_or_else(|| Error::at(span.start, Kind::Eof))?; // see https://x.y\n";
        files.push(line.repeat(10_000));
    }
    files
}

fn read(folder: &std::path::Path, files: &mut Vec<String>, left: &mut usize) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read(&path, files, left);
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && text.len() <= *left
            && text.len() < 1 << 20
        {
            *left -= text.len();
            files.push(text);
        }
    }
}
