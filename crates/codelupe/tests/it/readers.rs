//! Others read what we write: pyarrow, DuckDB and datasets, each from its own package, on a build of real crates.

use std::path::Path;
use std::process::Command;

use crate::fixture::{Bench, crates, text};

#[test]
fn pyarrow_duckdb_and_datasets_read_a_build_as_it_is() {
    let bench = Bench::new();
    let sources: Vec<String> = crates(60)
        .iter()
        .map(|path| format!("repo:{}", path.display()))
        .collect();
    let arguments: Vec<&str> = std::iter::once("run")
        .chain(sources.iter().map(String::as_str))
        .collect();
    let report = bench.json(&arguments);
    let lines = bench.root().join("lines");
    bench.text(&["export", "--format", "jsonl.zst", lines.to_str().unwrap()]);
    let venv = bench.root().join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let python = venv.join("bin/python");
    let packages = ["pyarrow", "duckdb", "datasets", "zstandard"];
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/readers.py");
    let build = report["build"]["folder"].as_str().unwrap();
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_HOME", bench.root().to_str().unwrap())];
    run(Command::new(&python).arg(script).arg(build).arg(&lines).envs(offline));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}
