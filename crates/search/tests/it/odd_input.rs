//! No query and no document is an error.

use codelupe_search::{FileDocument, Query, SearchIndex, build};
use proptest::prelude::*;

use crate::corpus::{found, names, opened};

#[test]
fn queries_with_odd_syntax_find_what_their_words_find() {
    let (_dir, index) = opened();
    let check = |words: &str, like: &str| assert_eq!(names(&found(&index, words)), names(&found(&index, like)));
    check("parse_request(", "parse_request");
    check("tiger(void) {", "tiger void");
    check("\"wait for a", "\"wait for a\"");
    check("text:tiger^9 AND", "\"text tiger 9\" and");
    for words in ["", "   ", "::", "\"\"", "!@#$%^&*(){}[]", "\0", "\u{202e}"] {
        let hits = found(&index, words);
        assert_eq!((hits.total, hits.hits.len()), (0, 0), "{words:?}");
    }
}

#[test]
fn a_query_of_ten_thousand_characters_is_answered() {
    let (_dir, index) = opened();
    for word in ["tiger ", "tiger", "a_", "x1", "\"", "日", "ﬃ "] {
        found(&index, &word.repeat(10_000 / word.chars().count()));
    }
    assert_eq!(
        found(&index, &"tiger ".repeat(2_000)).total,
        found(&index, "tiger").total
    );
}

#[test]
fn documents_of_any_shape_are_indexed() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = build(dir.path(), 0).unwrap();
    let long_word = "w".repeat(100_000);
    let one_line = "needle ".repeat(200_000);
    let texts = ["", "\0\0\0", "\r\r\r", "日本語のテキスト", &long_word, &one_line];
    for (i, text) in texts.iter().enumerate() {
        let path = format!("{}/{i}", "p/".repeat(40_000 * (i % 2)));
        let file = FileDocument {
            repository: "r",
            path: &path,
            language: "",
            license: "",
            quality: 0,
            bytes: 0,
            blob: "",
            text,
        };
        builder.add_file(&file).unwrap();
    }
    let summary = builder.finish().unwrap();
    assert_eq!((summary.files, summary.repositories), (6, 0));
    let index = SearchIndex::open(dir.path()).unwrap();
    assert_eq!(found(&index, "r").total, 6);
    assert_eq!(found(&index, "needle").total, 1);
    assert_eq!(found(&index, "本語").hits[0].snippet[0].text, "日本語のテキスト");
    assert_eq!(found(&index, &long_word).total, 1);
}

#[test]
fn any_query_is_answered() {
    let (_dir, index) = opened();
    proptest!(|(words in "\\PC{0,60}|[a-z\"():_ ]{0,60}", language in "\\PC{0,5}", repository in "\\PC{0,5}")| {
        let plain = Query::new(&words);
        index.search(&plain).unwrap();
        index.search(&Query { language: Some(&language), repository: Some(&repository), ..plain }).unwrap();
    });
}
