//! A corpus small enough to know every answer.

use std::path::Path;

use codelupe_search::{FileDocument, Hits, Query, RepositoryDocument, SearchIndex, build};

/// Repository, path, language, text.
pub(crate) const FILES: [(&str, &str, &str, &str); 9] = [
    (
        "acme/http",
        "src/request.rs",
        "Rust",
        "//! Requests.\npub struct HttpRequest {\n    url: String,\n}\n\npub fn parse_request(text: &str) -> HttpRequest {\n    read_to_string(text)\n}\n",
    ),
    (
        "acme/http",
        "src/server.rs",
        "Rust",
        "use crate::request::parse_request;\nfn serve(port: u16) {\n    // wait for a connection\n    let request = parse_request(\"GET /\");\n}\n",
    ),
    ("acme/http", "README.md", "Markdown", "# acme http\nA small server.\n"),
    (
        "acme/walk",
        "src/lib.rs",
        "Rust",
        "pub fn walk(root: &Path) {\n    let entries = std::fs::read_dir(root);\n    let text = read_to_string(root);\n}\n",
    ),
    (
        "acme/walk",
        "tests/walk.py",
        "Python",
        "def test_walk():\n    assert parseHTTPRequest('GET') is None\n",
    ),
    ("zoo/twins", "a.c", "C", "int tiger(void) { return 1; }\n"),
    ("zoo/twins", "b.c", "C", "int tiger(void) { return 1; }\n"),
    ("yak/twins", "a.c", "C", "int tiger(void) { return 1; }\n"),
    (
        "zoo/other",
        "tiger_notes.txt",
        "Text",
        "the striped animal, to read as a string\n",
    ),
];

/// Name, languages, readme.
pub(crate) const REPOSITORIES: [(&str, &[&str], &str); 3] = [
    ("acme/http", &["Rust", "Markdown"], "# acme http\nA small server.\n"),
    ("acme/walk", &["Rust", "Python"], "Walks a folder.\n"),
    ("zoo/twins", &["C"], ""),
];

/// Builds the corpus, files in the given order.
pub(crate) fn build_corpus<'a>(folder: &Path, files: impl Iterator<Item = &'a (&'a str, &'a str, &'a str, &'a str)>) {
    let mut builder = build(folder, 1).unwrap();
    for (repository, path, language, text) in files {
        let file = FileDocument {
            repository,
            path,
            language,
            license: "MIT OR Apache-2.0",
            quality: 80,
            bytes: text.len() as u64,
            blob: "ce013625030ba8dba906f756967f9e9ca394464a",
            text,
        };
        builder.add_file(&file).unwrap();
    }
    for (name, languages, readme) in REPOSITORIES {
        let languages: Vec<String> = languages.iter().map(|&language| language.to_owned()).collect();
        let repository = RepositoryDocument {
            name,
            forge: "git",
            origin: "file:///corpus",
            license: "MIT",
            languages: &languages,
            files: 3,
            bytes: 300,
            readme,
        };
        builder.add_repository(&repository).unwrap();
    }
    builder.finish().unwrap();
}

/// The corpus in a folder of its own.
pub(crate) fn opened() -> (tempfile::TempDir, SearchIndex) {
    let dir = tempfile::tempdir().unwrap();
    build_corpus(dir.path(), FILES.iter());
    let index = SearchIndex::open(dir.path()).unwrap();
    (dir, index)
}

/// `repository` or `repository/path` of every hit.
pub(crate) fn names(hits: &Hits) -> Vec<String> {
    let name = |hit: &codelupe_search::Hit| match hit.path.as_str() {
        "" => hit.repository.clone(),
        path => format!("{}/{path}", hit.repository),
    };
    hits.hits.iter().map(name).collect()
}

/// The hits of a plain query.
pub(crate) fn found(index: &SearchIndex, words: &str) -> Hits {
    index.search(&Query::new(words)).unwrap()
}
