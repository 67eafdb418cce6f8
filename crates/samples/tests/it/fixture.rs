//! What the tests share: real files, and a tokenizer learned from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use codelupe_core::Language;
use codelupe_samples::{Document, Provenance, SampleConfig, Tokenizer};

/// The ids of the learned tokenizer.
pub(crate) const VOCABULARY: usize = 2048;

/// Every Rust file of this repository, sorted by path.
pub(crate) fn sources() -> &'static [(String, String)] {
    static SOURCES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = Vec::new();
        for folder in ["crates", "xtask", "fuzz"] {
            collect(&root.join(folder), &mut found);
        }
        let named = |path: PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text)
        };
        let mut sources: Vec<_> = found.into_iter().map(named).collect();
        sources.sort();
        sources
    })
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The folder of a tokenizer that was learned from some of the sources, once for all tests.
pub(crate) fn tokenizer_folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let learned = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        Tokenizer::train_bpe(
            sources().iter().step_by(4).map(|(_, text)| text),
            VOCABULARY,
            folder.path(),
        )
        .unwrap();
        folder
    });
    learned.path()
}

/// That tokenizer.
pub(crate) fn tokenizer() -> &'static Tokenizer {
    static TOKENIZER: OnceLock<Tokenizer> = OnceLock::new();
    TOKENIZER.get_or_init(|| Tokenizer::open(tokenizer_folder()).unwrap())
}

/// One document.
pub(crate) fn document(repository: &str, path: &str, language: &'static str, text: &str) -> Document {
    Document {
        repository: repository.to_owned(),
        path: path.to_owned(),
        language: Language::known(language),
        text: text.to_owned(),
    }
}

/// The sources as the documents of several repositories: each folder of `crates` is one.
pub(crate) fn documents() -> Vec<Document> {
    let split = |(path, text): &(String, String)| {
        let mut parts = path.splitn(3, '/');
        let repository = format!("{}/{}", parts.next().unwrap(), parts.next().unwrap());
        document(&repository, parts.next().unwrap_or("lone.rs"), "Rust", text)
    };
    let mut documents: Vec<_> = sources().iter().step_by(3).map(split).collect();
    documents.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    documents
}

/// Settings under which every kind of sample comes up often.
pub(crate) fn config() -> SampleConfig {
    SampleConfig {
        sequence_length: 512,
        repository_share: 0.4,
        instruction_share: 0.3,
        seed: 7,
        ..SampleConfig::default()
    }
}

/// Where the documents come from.
pub(crate) fn provenance() -> Provenance {
    Provenance {
        build: "own-sources".to_owned(),
        digest: "d".to_owned(),
        split: "train".to_owned(),
    }
}

/// A text that is hard to cut: any characters, and pieces that code and tokenizers take specially.
pub(crate) fn hard_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        4 => any::<String>(),
        4 => prop::sample::select(vec![
            "fn f(a: &'a str) -> u8 {\n", "    let x = \"}\";\n", "}\n", "\r\n", "\n\n", "\t", "// {\n", "/* (\n */",
            "'''", "\"\"\"", "r#\"", "['x']", "e\u{301}", "\u{1f468}\u{200d}\u{1f469}", "\u{fb01}", "    ", "123",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|endoftext|>", "<|im_end|>\n", "<|file_sep|>",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
