//! What is said against an error fits what was asked for.

use std::fs;

use crate::fixture::{Bench, real_code, text, write};

/// What a command that fails says after its `hint:`, if anything.
fn hint(bench: &Bench, arguments: &[&str]) -> Option<String> {
    let output = bench.output(arguments);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{arguments:?}: {said}");
    assert!(said.contains("error: "), "{arguments:?}: {said}");
    said.split_once("hint: ").map(|(_, hint)| hint.trim().to_owned())
}

#[test]
fn a_hint_fits_what_was_asked_for() {
    let bench = Bench::new();
    let check = |arguments: &[&str], expected: Option<&str>| {
        let hint = hint(&bench, arguments);
        match expected {
            Some(words) => assert!(
                hint.as_ref().is_some_and(|hint| hint.contains(words)),
                "{arguments:?}: {hint:?}"
            ),
            None => assert_eq!(hint, None, "{arguments:?}"),
        }
    };
    check(&["stats"], Some("`codelupe run SOURCE` makes a corpus"));
    check(&["run", "/nope"], Some("what a SOURCE can be"));
    check(&["similar", "/nope"], None);
    check(&["--config", "/nope", "stats"], None);

    bench.git_repository("one", &[("verdict.rs", &real_code("core/src/verdict.rs"))]);
    let sources = format!("repos:{}", bench.sources().display());
    bench.json(&["process", &sources]);
    check(&["index"], Some("`codelupe build`"));
    check(&["export", "out"], Some("`codelupe build`"));
    check(&["search", "verdict"], Some("`codelupe index`"));
    check(&["train"], Some("`codelupe models list`"));
    bench.run();
    let taken = bench.root().join("taken");
    fs::create_dir(&taken).unwrap();
    check(&["export", taken.to_str().unwrap()], Some("not there yet"));
    check(&["explain", "one/nope.rs"], Some("`codelupe search`"));
    check(&["dedup", "clusters", "99"], Some("`codelupe dedup clusters`"));
    check(&["jobs", "show", "99"], Some("`codelupe jobs list`"));
    write(bench.root(), "notes", b"mine");
    let notes = bench.root().join("notes").display().to_string();
    check(&["stats", "--metrics", &notes], Some("--metrics"));
    check(&["signatures", "import", &notes], Some("`codelupe signatures export`"));
    check(
        &["similar", &notes, "--threshold", "7"],
        Some("`codelupe help COMMAND`"),
    );

    // A search index and an LSH index can be made anew; a catalogue cannot.
    fs::write(bench.data().join("search/index.json"), "{").unwrap();
    check(&["search", "verdict"], Some("`codelupe index`"));
    let manifest = bench.data().join("lsh/manifest.json");
    fs::write(&manifest, "{").unwrap();
    check(&["similar", &notes], Some("`codelupe dedup --rebuild`"));
    bench.json(&["dedup", "--rebuild"]);
    bench.json(&["similar", &notes]);
    fs::write(
        bench.data().join("catalogue.sqlite"),
        "no database, and long enough to be one".repeat(100),
    )
    .unwrap();
    check(&["stats"], Some("makes the corpus anew"));
}
