//! Building an index and asking it.
//!
//! The corpus is the source text under the folder that `CODELUPE_BENCH_FOLDER` names, without it the workspace itself;
//! files in the order of their paths, up to 64 MiB.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot read its corpus has nothing to measure"
)]
#![expect(clippy::print_stdout, reason = "the size of the corpus belongs to the figures")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use codelupe_search::{FileDocument, Query, SearchIndex, build};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const MAX_CORPUS_BYTES: usize = 64 << 20;
const MEMORY_BYTES: usize = 256 << 20;
const EXTENSIONS: [&str; 12] = [
    "rs", "c", "h", "py", "js", "ts", "go", "java", "md", "toml", "sh", "cpp",
];

static CORPUS: LazyLock<Vec<(String, String)>> = LazyLock::new(read_corpus);

static INDEX: LazyLock<(tempfile::TempDir, SearchIndex)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    index_into(dir.path());
    let index = SearchIndex::open(dir.path()).unwrap();
    (dir, index)
});

fn main() {
    let size: usize = CORPUS.iter().map(|file| file.1.len()).sum();
    println!("corpus: {} files, {:.1} MB", CORPUS.len(), size as f64 / 1e6);
    let on_disk: u64 = files_below(INDEX.0.path())
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    println!("index: {:.1} MB", on_disk as f64 / 1e6);
    divan::main();
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn build_index(bencher: Bencher<'_, '_>) {
    let size: usize = CORPUS.iter().map(|file| file.1.len()).sum();
    bencher
        .counter(BytesCount::new(size))
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_refs(|dir| index_into(dir.path()));
}

#[divan::bench(args = ["self", "HashMap", "read_to_string", "\"unsafe impl Send\"", "impl Iterator for", "fn new self error", "zzzz error"])]
fn search(words: &str) {
    black_box(INDEX.1.search(&Query::new(black_box(words))).unwrap());
}

fn index_into(folder: &Path) {
    let mut builder = build(folder, MEMORY_BYTES).unwrap();
    for (path, text) in CORPUS.iter() {
        let (repository, path) = path.split_once('/').unwrap_or(("root", path));
        let file = FileDocument {
            repository,
            path,
            language: "Rust",
            license: "MIT",
            quality: 50,
            bytes: text.len() as u64,
            blob: "ce013625030ba8dba906f756967f9e9ca394464a",
            text,
        };
        builder.add_file(&file).unwrap();
    }
    builder.finish().unwrap();
}

fn read_corpus() -> Vec<(String, String)> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates");
    let root = PathBuf::from(env::var("CODELUPE_BENCH_FOLDER").unwrap_or(workspace.to_owned()));
    let mut paths = files_below(&root);
    paths.sort();
    let mut corpus = Vec::new();
    let mut size = 0;
    for path in paths {
        let wanted = path
            .extension()
            .is_some_and(|have| EXTENSIONS.iter().any(|wanted| have == *wanted));
        let Some(text) = wanted.then(|| fs::read_to_string(&path).ok()).flatten() else {
            continue;
        };
        size += text.len();
        if size > MAX_CORPUS_BYTES {
            break;
        }
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        corpus.push((name, text));
    }
    corpus
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}
