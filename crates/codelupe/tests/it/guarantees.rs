//! The guarantees that hold across runs: order, increments, secrets.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixture::{Bench, crates, real_code, splits, text};

/// How many real crates the runs are compared on.
const CRATES: usize = 40;

fn run(bench: &Bench, sources: &[PathBuf]) -> Value {
    let sources: Vec<String> = sources.iter().map(|path| format!("repo:{}", path.display())).collect();
    let arguments: Vec<&str> = std::iter::once("run")
        .chain(sources.iter().map(String::as_str))
        .collect();
    bench.json(&arguments)
}

#[test]
fn one_by_one_in_any_order_gives_the_same_bytes_as_all_at_once() {
    let crates = crates(CRATES);
    let all_at_once = Bench::new();
    let batch = run(&all_at_once, &crates);

    let bench = Bench::new();
    let (first, rest) = crates.split_at(CRATES / 2);
    run(&bench, rest);
    for single in first.iter().rev().map(std::slice::from_ref) {
        run(&bench, single);
    }
    let one_by_one = run(&bench, &crates[..1]);

    let expected = splits(&all_at_once, &batch);
    assert!(expected.to_string().contains("sha256"), "{expected:#}");
    assert_eq!(expected, splits(&bench, &one_by_one));
    assert_eq!(batch["build"]["name"], one_by_one["build"]["name"]);
}

#[test]
fn one_thread_gives_the_same_bytes_as_many() {
    let crates = crates(CRATES);
    let sources: Vec<String> = crates.iter().map(|path| format!("repo:{}", path.display())).collect();
    let arguments: Vec<&str> = std::iter::once("run")
        .chain(sources.iter().map(String::as_str))
        .collect();
    let reports = ["1", "7"].map(|threads| {
        let bench = Bench::new();
        let output = bench
            .command(&arguments)
            .arg("--json")
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let report = serde_json::from_slice(&output.stdout).unwrap();
        splits(&bench, &report)
    });
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn no_secret_of_the_corpus_is_stored_printed_or_exported() {
    let bench = Bench::new();
    // Built at run time, so that this file holds no secret itself.
    let secret = format!("{}{}", "ghp_", "k3J9qLmW2xVt8RzB5nYc7HdF4sPg6TaUe1Qw");
    let code = format!("{}\nconst TOKEN: &str = \"{secret}\";\n", real_code("core/src/blob.rs"));
    bench.folder_repository("leaky", &[("blob.rs", &code)]);
    let report = bench.run();
    assert!(report["stats"]["redactions"].as_u64().unwrap() >= 1, "{report:#}");
    let target = bench.root().join("out");
    bench.text(&["export", "--format", "jsonl.zst", target.to_str().unwrap()]);
    let body = &secret[8..];
    let explained = bench.json(&["explain", "leaky/blob.rs"]).to_string();
    assert!(!explained.contains(body), "{explained}");
    assert!(!report.to_string().contains(body));
    let files = [files(&bench.data()), files(&target)].concat();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let plain = zstd::decode_all(&bytes[..]).unwrap_or(bytes);
        assert!(
            !plain.windows(body.len()).any(|window| window == body.as_bytes()),
            "{}",
            file.display()
        );
    }
    let found = bench.json(&["search", "TOKEN"]).to_string();
    assert!(found.contains("leaky") && !found.contains(body), "{found}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}
