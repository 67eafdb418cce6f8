//! Which documents a query finds, in which order.

use codelupe_search::{Kind, MAX_LIMIT, MAX_OFFSET, Matching, Query, SearchIndex};

use crate::corpus::{FILES, build_corpus, found, names, opened};

#[test]
fn golden_searches() {
    let (_dir, index) = opened();
    let check = |words: &str, expected: &[&str]| {
        let hits = found(&index, words);
        assert_eq!(names(&hits), expected, "{words:?}");
        assert_eq!(hits.total, expected.len(), "{words:?}");
        assert_eq!(hits.matching, Matching::AllWords, "{words:?}");
    };
    // Any spelling of an identifier; the file that has it twice comes first.
    check(
        "parse_request",
        &["acme/http/src/server.rs", "acme/http/src/request.rs"],
    );
    check("parseHTTPRequest", &["acme/walk/tests/walk.py"]);
    check("HttpRequest", &["acme/http/src/request.rs", "acme/walk/tests/walk.py"]);
    // A phrase is a run of words, whatever punctuation stands between them.
    check("\"wait for a connection\"", &["acme/http/src/server.rs"]);
    check("std::fs::read_dir(root)", &["acme/walk/src/lib.rs"]);
    // Words may stand in different fields: repository name and text.
    check("http port", &["acme/http/src/server.rs"]);
    // A file of that name comes before files that mention the word.
    check("request.rs", &["acme/http/src/request.rs"]);
    // Equal scores are in the order of repository and path.
    check("tiger return", &["yak/twins/a.c", "zoo/twins/a.c", "zoo/twins/b.c"]);
    check(
        "twins",
        &["zoo/twins", "yak/twins/a.c", "zoo/twins/a.c", "zoo/twins/b.c"],
    );
    check("nowhere", &[]);
}

#[test]
fn a_hit_carries_what_was_stored_and_the_best_lines() {
    let (_dir, index) = opened();
    let hit = found(&index, "parse_request GET").hits.remove(0);
    assert_eq!(
        (hit.kind, hit.language.as_str(), hit.quality),
        (Kind::File, "Rust", Some(80))
    );
    assert_eq!(hit.license, "MIT OR Apache-2.0");
    assert_eq!(hit.blob.as_deref(), Some("ce013625030ba8dba906f756967f9e9ca394464a"));
    let lines: Vec<(u32, &str)> = hit
        .snippet
        .iter()
        .map(|line| (line.number, line.text.as_str()))
        .collect();
    let best = "    let request = parse_request(\"GET /\");";
    assert_eq!(lines, [(1, "use crate::request::parse_request;"), (4, best)]);

    let repository = found(&index, "walks folder").hits.remove(0);
    assert_eq!((repository.kind, repository.files), (Kind::Repository, Some(3)));
    assert_eq!(repository.origin.as_deref(), Some("file:///corpus"));
}

#[test]
fn filters_narrow_and_do_not_rank() {
    let (_dir, index) = opened();
    let check = |query: Query<'_>, expected: &[&str]| {
        let hits = index.search(&query).unwrap();
        assert_eq!(names(&hits), expected, "{query:?}");
    };
    let walk = Query::new("walk");
    let python = Some("PYTHON");
    check(
        Query {
            language: python,
            ..walk
        },
        &["acme/walk/tests/walk.py", "acme/walk"],
    );
    check(
        Query {
            language: python,
            kind: Some(Kind::File),
            ..walk
        },
        &["acme/walk/tests/walk.py"],
    );
    check(
        Query {
            language: python,
            kind: Some(Kind::Repository),
            ..walk
        },
        &["acme/walk"],
    );
    check(
        Query {
            language: Some("Perl"),
            ..walk
        },
        &[],
    );
    check(
        Query {
            repository: Some("yak/twins"),
            ..Query::new("tiger")
        },
        &["yak/twins/a.c"],
    );
    check(
        Query {
            repository: Some("yak"),
            ..Query::new("tiger")
        },
        &[],
    );

    let scores = |query: Query<'_>| index.search(&query).unwrap().hits[0].score;
    let tiger = Query::new("tiger return");
    assert_eq!(
        scores(tiger).to_bits(),
        scores(Query {
            language: Some("c"),
            ..tiger
        })
        .to_bits()
    );
}

#[test]
fn when_nothing_has_every_word_any_word_will_do() {
    let (_dir, index) = opened();
    let hits = found(&index, "connection zebra");
    assert_eq!(hits.matching, Matching::AnyWord);
    assert_eq!(names(&hits), ["acme/http/src/server.rs"]);
    // A filter still holds.
    let filtered = Query {
        language: Some("C"),
        ..Query::new("connection zebra")
    };
    assert_eq!(index.search(&filtered).unwrap().total, 0);
}

#[test]
fn pages_follow_each_other_without_gap() {
    let (_dir, index) = opened();
    let all = names(&found(&index, "twins"));
    for (limit, offset) in [
        (1, 0),
        (2, 1),
        (100, 2),
        (0, 0),
        (5, 4),
        (5, MAX_OFFSET),
        (5, usize::MAX),
    ] {
        let page = index
            .search(&Query {
                limit,
                offset,
                ..Query::new("twins")
            })
            .unwrap();
        let expected: Vec<String> = all.iter().skip(offset).take(limit).cloned().collect();
        assert_eq!(names(&page), expected, "{limit} {offset}");
        assert_eq!(page.total, 4);
    }
    let huge = index
        .search(&Query {
            limit: usize::MAX,
            ..Query::new("twins")
        })
        .unwrap();
    assert!(huge.hits.len() <= MAX_LIMIT);
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let (_dir, forwards) = opened();
    let dir = tempfile::tempdir().unwrap();
    build_corpus(dir.path(), FILES.iter().rev());
    let backwards = SearchIndex::open(dir.path()).unwrap();
    for words in [
        "twins",
        "read_to_string",
        "walk",
        "request zebra",
        "a the http rust src",
    ] {
        assert_eq!(found(&forwards, words), found(&backwards, words), "{words}");
    }
}
