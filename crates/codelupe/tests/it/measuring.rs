//! `codelupe bench`: the tables come out, and tell what is there.

use serde_json::Value;

use crate::fixture::{Bench, text, write};

/// Two crates: one file in two versions, and a third that is like none.
fn unpacked(bench: &Bench) -> String {
    let lines = |from: u32| (from..from + 60).map(|n| format!("let field_{n} = read_{n}(input)?;\n"));
    let sources = bench.root().join("registry/src/a");
    write(&sources, "one-1.0.0/a.rs", lines(0).collect::<String>().as_bytes());
    write(&sources, "one-1.0.1/a.rs", lines(1).collect::<String>().as_bytes());
    write(&sources, "two-1.0.0/a.rs", lines(500).collect::<String>().as_bytes());
    bench.root().display().to_string()
}

#[test]
fn duplicates_are_found_and_judged() {
    let bench = Bench::new();
    let home = unpacked(&bench);
    let arguments = ["bench", "dedup", "--rounds", "1", "--json"];
    let output = bench.command(&arguments).env("CARGO_HOME", &home).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["files"], 3);
    let own = &told["contestants"][0];
    assert_eq!(own["library"], "codelupe");
    for figure in ["removed", "removed_rightly", "pairs", "pairs_rightly", "pairs_there"] {
        assert_eq!(own[figure], 1, "{figure}: {told}");
    }
    assert!(own["total_seconds"].as_f64() >= own["sign_seconds"].as_f64());
    assert_eq!(told["bins"][4]["pairs"]["there"], 1, "{told}");
}

#[test]
fn a_library_that_is_not_there_is_named_and_stops_nothing() {
    let bench = Bench::new();
    let home = unpacked(&bench);
    // A program that answers nothing at all.
    let arguments = ["bench", "dedup", "--rounds", "1", "--peers", "true"];
    let output = bench.command(&arguments).env("CARGO_HOME", &home).output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for library in ["datasketch", "rensa", "gaoya", "text-dedup", "datatrove"] {
        assert!(shown.contains(&format!("| {library} | not measured")), "{shown}");
    }
    assert!(shown.contains("| codelupe | "), "{shown}");
}

#[test]
fn without_files_it_says_where_they_come_from() {
    let bench = Bench::new();
    let arguments = ["bench", "dedup"];
    let output = bench
        .command(&arguments)
        .env("CARGO_HOME", bench.root())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), bench.output(&["export", "nowhere"]).status.code());
    assert!(text(&output.stderr).contains("cargo fetch"), "{}", text(&output.stderr));
}
