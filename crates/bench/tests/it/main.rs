//! The tables come out, and tell what is there.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program, with a folder as the home of cargo.
fn output(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codelupe-bench"));
    command.args(arguments).env("CARGO_HOME", home).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Two crates: one file in two versions, and a third that is like none.
fn unpacked() -> TempDir {
    let lines = |from: u32| (from..from + 60).map(|n| format!("let field_{n} = read_{n}(input)?;\n"));
    let home = tempfile::tempdir().unwrap();
    let sources = home.path().join("registry/src/a");
    let write = |path: &str, text: String| {
        let path = sources.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("one-1.0.0/a.rs", lines(0).collect());
    write("one-1.0.1/a.rs", lines(1).collect());
    write("two-1.0.0/a.rs", lines(500).collect());
    home
}

#[test]
fn duplicates_are_found_and_judged() {
    let home = unpacked();
    let output = output(home.path(), &["dedup", "--rounds", "1", "--json"]);
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
    let home = unpacked();
    // A program that answers nothing at all.
    let output = output(home.path(), &["dedup", "--rounds", "1", "--peers", "true"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for library in ["datasketch", "rensa", "gaoya", "text-dedup", "datatrove"] {
        assert!(shown.contains(&format!("| {library} | not measured")), "{shown}");
    }
    assert!(shown.contains("| codelupe | "), "{shown}");
}

#[test]
fn without_files_it_says_where_they_come_from() {
    let home = tempfile::tempdir().unwrap();
    let output = output(home.path(), &["dedup"]);
    let not_found = i32::from(codelupe_core::error::ErrorCode::NotFound.exit_status());
    assert_eq!(output.status.code(), Some(not_found));
    assert!(text(&output.stderr).contains("cargo fetch"), "{}", text(&output.stderr));
}
