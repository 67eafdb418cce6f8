//! What settings of deduplication find and cost.

use crate::fixture::{Bench, text, write};

#[test]
fn the_settings_are_explained_and_others_beside_them() {
    let bench = Bench::new();
    let told = bench.json(&["dedup", "tune"]);
    assert_eq!(told["chosen"]["bands"], 25);
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    // As in The Stack's table for 25 x 10.
    assert!((number(&told["curve"][4]["candidate_probability"]) - 0.512).abs() < 0.001);
    assert_eq!(told["chosen"]["memory_bytes_per_million_files"], 204_000_000);
    let recalls: Vec<f64> = told["others"]
        .as_array()
        .unwrap()
        .iter()
        .map(|other| number(&other["recall_at_threshold"]))
        .collect();
    assert!(recalls.len() == 8 && recalls.is_sorted_by(|a, b| a >= b), "{recalls:?}");

    write(bench.root(), "codelupe.toml", b"[dedup]\nbands = 50\nrows = 5\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    let shown = bench.text(&["dedup", "tune", "--config", &config, "--threshold", "0.8"]);
    assert!(
        shown.starts_with("50 bands of 5 rows of 256 permutations, threshold 0.8."),
        "{shown}"
    );
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let bench = Bench::new();
    let check = |arguments: &[&str], expected: &str| {
        let output = bench.output(&[&["dedup", "tune"], arguments].concat());
        assert_ne!(output.status.code(), Some(0));
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{said}");
    };
    check(&["--bands", "30"], "30 bands of 10 rows");
    check(&["--rows", "0"], "25 bands of 0 rows");
    check(&["--threshold", "1.5"], "threshold 1.5");
    check(&["--threshold", "NaN"], "threshold NaN");
    check(&["--enqueue"], "unexpected argument");
}
