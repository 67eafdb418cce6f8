//! Others read what we write: pyarrow, DuckDB, datasets and datasketch, each from its own package, on real crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Bench, crates, text, write};

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
    let python = python_with(&bench, &["pyarrow", "duckdb", "datasets", "zstandard"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/readers.py");
    let build = report["build"]["folder"].as_str().unwrap();
    let offline = [("HF_HUB_OFFLINE", "1"), ("HF_HOME", bench.root().to_str().unwrap())];
    run(Command::new(&python).arg(script).arg(build).arg(&lines).envs(offline));
}

#[test]
fn duckdb_joins_the_bands_and_datasketch_makes_the_same_signatures() {
    let bench = Bench::new();
    write(bench.root(), "codelupe.toml", b"[dedup]\nview = \"text\"\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    let sources: Vec<String> = crates(60)
        .iter()
        .map(|path| format!("repo:{}", path.display()))
        .collect();
    let mut arguments = vec!["run", "--config", &config];
    arguments.extend(sources.iter().map(String::as_str));
    bench.json(&arguments);
    let path = |name: &str| bench.root().join(name).display().to_string();
    let (ours, sketch, lines) = (path("ours.parquet"), path("sketch.parquet"), path("lines"));
    bench.text(&["signatures", "export", "--config", &config, &ours]);
    let legacy = ["--scheme", "datasketch-legacy", "--num-perm", "64"];
    bench.text(&[&["signatures", "export", "--config", &config, &sketch], &legacy[..]].concat());
    bench.text(&["export", "--format", "jsonl.zst", &lines]);
    let python = python_with(&bench, &["pyarrow", "duckdb", "datasketch", "zstandard"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/signatures.py");
    run(Command::new(&python).arg(script).args([&ours, &sketch, &lines]));
}

/// A Python of its own with these packages.
fn python_with(bench: &Bench, packages: &[&str]) -> PathBuf {
    let venv = bench.root().join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let python = venv.join("bin/python");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages));
    python
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
