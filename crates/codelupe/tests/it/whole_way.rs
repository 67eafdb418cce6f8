//! From repositories to a build that others can read.

use std::fs;

use crate::fixture::{Bench, assert_adds_up, funnel, real_code, text};

/// Three repositories: two git, one folder; one file twice, one nearly twice, one of no use.
fn small_world() -> Bench {
    let bench = Bench::new();
    let (verdict, blob, error) = (
        real_code("core/src/verdict.rs"),
        real_code("core/src/blob.rs"),
        real_code("core/src/error.rs"),
    );
    let changed = blob.replacen("Blob ids", "Blob names", 1);
    bench.git_repository("alpha", &[("src/verdict.rs", &verdict), ("src/blob.rs", &blob)]);
    bench.git_repository("beta", &[("lib/verdict.rs", &verdict), ("lib/blob.rs", &changed)]);
    bench.folder_repository(
        "gamma",
        &[
            ("error.rs", &error),
            ("bad.py", &"aaaaaaaa\n".repeat(20)),
            ("empty.rs", ""),
        ],
    );
    bench
}

#[test]
fn every_file_is_accounted_for_and_explained() {
    let bench = small_world();
    let report = bench.run();
    assert_adds_up(&report["stats"]);
    let (_, _, in_build, dropped) = funnel(&report["stats"]);
    let count = |code: &str| {
        dropped
            .iter()
            .find(|(reason, _)| reason == code)
            .map_or(0, |(_, files)| *files)
    };
    assert_eq!(in_build, 3, "{dropped:?}");
    assert_eq!(count("near_duplicate"), 1);
    assert_eq!(count("empty"), 1);

    let kept = bench.json(&["explain", "alpha/src/verdict.rs"]);
    assert_eq!(kept["verdict"], "in the latest build", "{kept:#}");
    assert_eq!(kept["language"], "Rust");
    assert_eq!(kept["license"], "MIT");
    assert!(kept["signals"]["lines"].as_u64().unwrap() > 100, "{kept:#}");
    let exact = bench.json(&["explain", "beta/lib/verdict.rs"]);
    assert_eq!(exact["reason"], "exact_duplicate");
    assert_eq!(exact["kept_twin"]["file"], "alpha/src/verdict.rs");
    let near = bench.json(&["explain", "beta/lib/blob.rs"]);
    assert_eq!(near["reason"], "near_duplicate");
    assert_eq!(near["kept_twin"]["file"], "alpha/src/blob.rs");
    assert!(near["kept_twin"]["jaccard"].as_f64().unwrap() > 0.9, "{near:#}");
    let worthless = bench.text(&["explain", "gamma/bad.py"]);
    assert!(worthless.contains("dropped"), "{worthless}");
}

#[test]
fn search_and_exports_work_on_the_result() {
    let bench = small_world();
    bench.run();
    let hits = bench.json(&["search", "exit_status"]);
    assert_eq!(hits["hits"][0]["path"], "error.rs", "{hits:#}");
    assert!(
        bench
            .text(&["search", "--kind", "repository", "gamma"])
            .starts_with("gamma"),
        "by name"
    );

    let target = bench.root().join("out");
    bench.text(&["export", "--format", "jsonl.zst", target.to_str().unwrap()]);
    let mut lines = Vec::new();
    for split in ["train", "validation", "held_out"] {
        for shard in fs::read_dir(target.join(split)).into_iter().flatten() {
            let text = zstd::decode_all(fs::File::open(shard.unwrap().path()).unwrap()).unwrap();
            lines.extend(String::from_utf8(text).unwrap().lines().map(str::to_owned));
        }
    }
    assert_eq!(lines.len(), 3);
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        first["bytes"].as_u64().unwrap(),
        first["content"].as_str().unwrap().len() as u64
    );
    assert!(first["swhid"].as_str().unwrap().starts_with("swh:1:cnt:"));

    let again = bench.output(&["export", target.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(75), "an existing folder is not overwritten");
    assert!(
        text(&again.stderr).contains("exists already"),
        "{}",
        text(&again.stderr)
    );
}

#[test]
fn the_second_run_has_nothing_to_do_and_a_new_commit_only_what_changed() {
    let bench = small_world();
    let first = bench.run();
    let second = bench.run();
    assert_eq!(second["unchanged"], 3, "{second:#}");
    assert_eq!(second["bytes_processed"], 0);
    assert_eq!(second["build"]["name"], first["build"]["name"]);
    assert_eq!(second["build"]["existed"], true);

    let beta = bench.sources().join("beta");
    crate::fixture::git(&beta, &["checkout", "--quiet", "--", "."]);
    crate::fixture::write(&beta, "lib/split.rs", real_code("core/src/split.rs").as_bytes());
    crate::fixture::git(&beta, &["add", "--all"]);
    crate::fixture::git(&beta, &["commit", "--quiet", "--message", "two"]);
    let third = bench.run();
    assert_eq!(third["unchanged"], 2);
    let new = real_code("core/src/split.rs").len() as u64;
    assert_eq!(
        third["bytes_processed"].as_u64().unwrap(),
        new,
        "only the new blob is processed"
    );
    assert_adds_up(&third["stats"]);
    assert_ne!(third["build"]["name"], first["build"]["name"]);
}

#[test]
fn stages_run_alone_and_say_what_comes_next() {
    let bench = small_world();
    let source = bench.sources();
    assert!(
        bench
            .text(&["process", source.to_str().unwrap()])
            .contains("Next: codelupe dedup")
    );
    assert!(bench.text(&["stats"]).contains("newer input"));
    assert!(bench.text(&["dedup"]).contains("1 near"));
    assert!(bench.text(&["dedup"]).contains("Nothing has changed"));
    assert!(bench.text(&["build", "--name", "first"]).contains("is ready"));
    bench.text(&["index"]);
    assert!(bench.text(&["doctor"]).lines().all(|line| line.starts_with("ok")));
    let config = bench.root().join("codelupe.toml");
    fs::write(&config, "[build]\nmin_quality = 1\n").unwrap();
    let other = bench.output(&["build", "--name", "first", "--config", config.to_str().unwrap()]);
    assert_eq!(other.status.code(), Some(75), "{}", text(&other.stderr));
    assert!(text(&other.stderr).contains("builds are immutable"));
}

#[test]
fn wrong_calls_name_what_is_wrong() {
    let bench = small_world();
    let check = |arguments: &[&str], status: i32, word: &str| {
        let output = bench.output(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    };
    check(&["stats"], 66, "no catalogue");
    check(&["run", "/nowhere/at/all"], 66, "/nowhere/at/all");
    check(
        &["run", "ssh://example.com/a/b"],
        2,
        "only https:// and http:// are fetched",
    );
    check(&["search", "x"], 66, "search");
    bench.run();
    check(&["explain", "alpha/nothing.rs"], 66, "no file `alpha/nothing.rs`");
    check(&["explain", "nobody/nothing.rs"], 66, "nobody");
    check(&["export", "--build", "other", "x"], 66, "no build `other`");
    check(&["build", "--name", "../x"], 64, "../x");
    let config = bench.root().join("bad.toml");
    fs::write(&config, "[dedup]\nthresold = 1\n").unwrap();
    check(&["stats", "--config", config.to_str().unwrap()], 64, "thresold");
    fs::write(&config, "[dedup]\nthreshold = 7.0\n").unwrap();
    check(&["stats", "--config", config.to_str().unwrap()], 64, "threshold");
}

#[test]
fn the_settings_that_are_printed_can_be_read_back() {
    let bench = Bench::new();
    let config = bench.root().join("codelupe.toml");
    let printed = bench.text(&["config"]);
    fs::write(&config, &printed).unwrap();
    assert_eq!(bench.text(&["config", "--config", config.to_str().unwrap()]), printed);
}
