//! Near-duplicates as a user meets them: increments, the index, lookups, clusters, copies of repositories, signatures.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::fixture::{Bench, assert_adds_up, crates, funnel, real_code, text, write};

fn process(bench: &Bench, sources: &[PathBuf]) {
    let sources: Vec<String> = sources.iter().map(|path| format!("repo:{}", path.display())).collect();
    let arguments: Vec<&str> = std::iter::once("process")
        .chain(sources.iter().map(String::as_str))
        .collect();
    bench.json(&arguments);
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// An origin, and a fork of it that changes a line and adds a file.
fn forked() -> Bench {
    let bench = Bench::new();
    let (one, two) = (real_code("core/src/blob.rs"), real_code("core/src/license.rs"));
    let three = real_code("core/src/split.rs");
    bench.folder_repository("origin", &[("one.rs", &one), ("two.rs", &two)]);
    let changed = two.replacen("use ", "use  std::fmt as formatting; use ", 1);
    assert_ne!(changed, two);
    bench.folder_repository("zfork", &[("one.rs", &one), ("two.rs", &changed), ("three.rs", &three)]);
    bench
}

#[test]
fn an_increment_compares_only_what_is_new_and_ends_where_a_rebuild_does() {
    let crates = crates(120);
    let (first, rest) = crates.split_at(100);
    let bench = Bench::new();
    process(&bench, first);
    let batch = bench.json(&["dedup"]);
    assert!(number(&batch["compared"]) > 0 && batch["remembered"] == 0, "{batch:#}");
    assert_eq!(bench.json(&["dedup"])["was_current"], true);
    process(&bench, rest);
    let increment = bench.json(&["dedup"]);
    assert!(number(&increment["remembered"]) > 0, "{increment:#}");
    assert!(number(&increment["compared"]) >= number(&increment["remembered"]));
    let rebuilt = bench.json(&["dedup", "--rebuild"]);
    assert_eq!(rebuilt["remembered"], 0);
    for figure in [
        "files",
        "exact",
        "near",
        "compared",
        "verified",
        "false_candidates",
        "largest_group",
    ] {
        assert_eq!(increment[figure], rebuilt[figure], "{figure}");
    }
    assert_eq!(increment["lsh"]["documents"], rebuilt["lsh"]["documents"]);
}

#[test]
fn every_index_finds_the_same() {
    let crates = crates(60);
    let outcomes = ["memory", "disk", "postgres"].map(|kind| {
        let bench = if kind == "postgres" {
            Bench::on_postgres()
        } else {
            Bench::new()
        };
        write(
            bench.root(),
            "codelupe.toml",
            format!("[dedup]\nlsh = \"{kind}\"\n").as_bytes(),
        );
        let config = bench.root().join("codelupe.toml").display().to_string();
        process(&bench, &crates[..40]);
        bench.json(&["dedup", "--config", &config]);
        process(&bench, &crates[40..]);
        let done = bench.json(&["dedup", "--config", &config]);
        let like = crates[0].join("Cargo.toml");
        let similar = bench.json(&["similar", "--config", &config, &like.display().to_string()]);
        (
            done["exact"].clone(),
            done["near"].clone(),
            done["compared"].clone(),
            similar["matches"].clone(),
        )
    });
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
}

#[test]
fn fewer_permutations_make_shorter_signatures_that_every_index_takes() {
    let crates = crates(30);
    for (permutations, bands, rows, kind) in [(64, 16, 4, "postgres"), (128, 16, 8, "disk"), (192, 19, 10, "memory")] {
        let bench = if kind == "postgres" {
            Bench::on_postgres()
        } else {
            Bench::new()
        };
        let settings = format!(
            "[dedup]\npermutations = {permutations}\nbands = {bands}\nrows = {rows}\nlsh = \"{kind}\"\ninline = true\n"
        );
        write(bench.root(), "codelupe.toml", settings.as_bytes());
        let config = bench.root().join("codelupe.toml").display().to_string();
        bench.folder_repository("ours", &[("one.rs", &real_code("core/src/blob.rs"))]);
        let crates = [&crates[..], &[bench.sources().join("ours")]].concat();
        let mut increment = Value::Null;
        for halves in crates.chunks(15) {
            let sources: Vec<String> = halves.iter().map(|path| format!("repo:{}", path.display())).collect();
            let mut arguments = vec!["process", "--config", &config];
            arguments.extend(sources.iter().map(String::as_str));
            bench.json(&arguments);
            increment = bench.json(&["dedup", "--config", &config]);
        }
        let rebuilt = bench.json(&["dedup", "--rebuild", "--config", &config]);
        for figure in ["files", "exact", "near", "compared"] {
            assert_eq!(increment[figure], rebuilt[figure], "{figure} of {permutations}");
        }
        let ours = bench.sources().join("ours/one.rs").display().to_string();
        let similar = bench.json(&["similar", "--config", &config, &ours]);
        assert_eq!(similar["matches"][0]["jaccard"], 1.0, "{permutations}");
        let built = bench.json(&["build", "--config", &config]);
        assert!(!built.is_null());
        let file = bench.root().join("signatures.parquet").display().to_string();
        let exported = bench.json(&["signatures", "export", "--config", &config, &file]);
        let imported = bench.json(&["signatures", "import", "--config", &config, &file]);
        assert_eq!(exported["signatures"], imported["read"], "{permutations}");
        // Others do not take them, nor can they be compared with what others made.
        let said = text(&bench.output(&["signatures", "import", &file]).stderr);
        assert!(said.contains(&format!("\"permutations\":{permutations}")), "{said}");
    }
}

#[test]
fn bands_that_the_permutations_have_no_room_for_are_refused_and_tune_shows_some_that_fit() {
    let bench = Bench::new();
    write(bench.root(), "codelupe.toml", b"[dedup]\npermutations = 128\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    let refused = bench.output(&["dedup", "--config", &config]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(64), "{said}");
    assert!(said.contains("need 250 values, and signatures have 128"), "{said}");
    let tuned = bench.json(&["dedup", "tune", "--permutations", "128"]);
    assert_eq!(
        (number(&tuned["permutations"]), number(&tuned["chosen"]["bands"])),
        (128, 12)
    );
    for other in tuned["others"].as_array().unwrap() {
        assert!(number(&other["bands"]) * number(&other["rows"]) <= 128, "{other}");
    }
    let said = text(&bench.output(&["dedup", "tune", "--permutations", "100"]).stderr);
    assert!(said.contains("64, 128, 192 or 256"), "{said}");
}

#[test]
fn what_is_like_a_file_is_found() {
    let bench = forked();
    let file = bench.root().join("mine.rs");
    let mine = real_code("core/src/license.rs").replacen("use ", "use  core::mem as memory; use ", 1);
    fs::write(&file, &mine).unwrap();
    let file = file.display().to_string();
    let output = bench.output(&["similar", &file]);
    assert_ne!(output.status.code(), Some(0));
    bench.run();

    let answer = bench.json(&["similar", &file]);
    let matches = answer["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 2, "{answer:#}");
    let best = matches[0]["jaccard"].as_f64().unwrap();
    assert!(best > 0.9 && best < 1.0, "{answer:#}");
    assert_eq!(matches[0]["files"][0]["name"], "origin/two.rs");
    assert_eq!(matches[1]["files"][0]["dropped"], "near_duplicate");
    assert_eq!(
        bench.json(&["similar", &file, "--threshold", "1"])["matches"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let shown = bench.text(&["similar", &file]);
    assert!(shown.contains("zfork/two.rs  (near_duplicate)"), "{shown}");

    let same = bench.sources().join("origin/one.rs").display().to_string();
    let answer = bench.json(&["similar", &same]);
    assert_eq!(answer["matches"][0]["jaccard"], 1.0);
    assert_eq!(answer["matches"][0]["held_by"], 2);

    let short = bench.root().join("short.rs");
    fs::write(&short, "fn f").unwrap();
    let shown = bench.text(&["similar", &short.display().to_string()]);
    assert!(shown.contains("too short"), "{shown}");
    let missing = bench.output(&["similar", "no-such-file"]);
    assert!(text(&missing.stderr).contains("no-such-file"));
    assert_ne!(
        bench.output(&["similar", &same, "--threshold", "2"]).status.code(),
        Some(0)
    );
}

#[test]
fn processing_records_candidates_that_deduplication_settles() {
    let bench = forked();
    write(bench.root(), "codelupe.toml", b"[dedup]\ninline = true\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    for name in ["origin", "zfork"] {
        let source = format!("repo:{}", bench.sources().join(name).display());
        bench.json(&["process", "--config", &config, &source]);
    }
    let explained = bench.json(&["explain", "zfork/two.rs"]);
    assert_eq!(explained["candidate"]["file"], "origin/two.rs", "{explained:#}");
    assert!(number(&explained["candidate"]["shared_bands"]) > 5);
    assert!(bench.json(&["explain", "zfork/three.rs"])["candidate"].is_null());
    assert_eq!(bench.json(&["dedup", "--config", &config])["near"], 1);
    let explained = bench.json(&["explain", "zfork/two.rs"]);
    assert!(explained["candidate"].is_null(), "{explained:#}");
    assert_eq!(explained["kept_twin"]["file"], "origin/two.rs");
}

#[test]
fn clusters_and_copies_are_reported_and_what_only_copies_have_can_be_left_out() {
    let bench = forked();
    let kept = bench.run();
    let report = bench.json(&["dedup", "report"]);
    let sum = |field: &str| -> u64 {
        report["languages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| number(&row[field]))
            .sum()
    };
    assert_eq!((sum("exact_files"), sum("near_files")), (1, 1), "{report:#}");
    assert_eq!(report["last_run"]["near"], 1);
    assert!(bench.text(&["dedup", "report"]).contains("near-duplicates: 1 files"));

    let clusters = bench.json(&["dedup", "clusters"]);
    let two = clusters
        .as_array()
        .unwrap()
        .iter()
        .find(|cluster| cluster["path"] == "two.rs")
        .unwrap();
    assert_eq!((&two["files"], &two["repository"]), (&2.into(), &"origin".into()));
    let members = bench.json(&["dedup", "clusters", &two["id"].to_string()]);
    assert_eq!(members["members"][0]["repository"], "zfork");
    assert_eq!(members["members"][0]["reason"], "near_duplicate");
    assert!(text(&bench.output(&["dedup", "clusters", "999999"]).stderr).contains("999999"));

    let copies = bench.json(&["dedup", "repositories", "--share", "0.6"]);
    assert_eq!(copies["copies"][0]["inner"], "zfork", "{copies:#}");
    assert_eq!(copies["copies"][0]["outer"], "origin");
    assert_eq!(
        bench.json(&["dedup", "repositories"])["copies"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_ne!(
        bench.output(&["dedup", "repositories", "--share", "0"]).status.code(),
        Some(0)
    );

    let settings = "[dedup]\nrepository_share = 0.6\n[build]\nrepository_copies = \"drop\"\n";
    write(bench.root(), "codelupe.toml", settings.as_bytes());
    let config = bench.root().join("codelupe.toml").display().to_string();
    let sources = format!("repos:{}", bench.sources().display());
    let dropped = bench.json(&["run", &sources, "--config", &config]);
    assert_adds_up(&dropped["stats"]);
    let (_, _, in_build, reasons) = funnel(&dropped["stats"]);
    assert_eq!(in_build + 1, funnel(&kept["stats"]).2);
    assert!(reasons.contains(&("repository_copy".to_owned(), 1)), "{reasons:?}");
    assert_eq!(bench.json(&["explain", "zfork/three.rs"])["reason"], "repository_copy");
}

#[test]
fn an_index_that_is_damaged_or_of_other_bands_is_refused_and_can_be_rebuilt() {
    let bench = forked();
    let before = bench.run();
    write(bench.root(), "codelupe.toml", b"[dedup]\nbands = 20\nrows = 12\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    let refused = bench.output(&["dedup", "--config", &config]);
    let said = text(&refused.stderr);
    assert_ne!(refused.status.code(), Some(0));
    assert!(
        said.contains("25 bands") && said.contains("20 bands") && said.contains("--rebuild"),
        "{said}"
    );
    let rebuilt = bench.json(&["dedup", "--rebuild", "--config", &config]);
    assert_eq!(rebuilt["near"], 1);
    bench.json(&["dedup", "--rebuild"]);

    let mut damaged = 0;
    for entry in fs::read_dir(bench.data().join("lsh")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("sorted-") {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    bench.folder_repository("new", &[("four.rs", &real_code("core/src/verdict.rs"))]);
    let sources = format!("repos:{}", bench.sources().display());
    bench.json(&["process", &sources]);
    let refused = bench.output(&["dedup"]);
    let said = text(&refused.stderr);
    assert_ne!(refused.status.code(), Some(0));
    assert!(said.contains("lsh") && said.contains("--rebuild"), "{said}");
    assert_eq!(bench.json(&["dedup", "--rebuild"])["near"], 1);
    assert_eq!(before["stats"]["funnel"]["found"]["files"], 7);
}

#[test]
fn signatures_go_out_and_come_in_again() {
    let bench = forked();
    bench.run();
    let file = bench.root().join("signatures.parquet").display().to_string();
    let exported = bench.json(&["signatures", "export", &file]);
    let signatures = number(&exported["signatures"]);
    assert!(signatures >= 4, "{exported:#}");
    let again = bench.output(&["signatures", "export", &file]);
    assert!(text(&again.stderr).contains("exists already"));

    let imported = bench.json(&["signatures", "import", &file]);
    assert_eq!(
        (number(&imported["known"]), number(&imported["inserted"])),
        (signatures, 0)
    );
    // Where the index is gone, they are all new; where the contents are not there, they are not wanted.
    fs::remove_dir_all(bench.data().join("lsh")).unwrap();
    let imported = bench.json(&["signatures", "import", &file]);
    assert_eq!(
        (number(&imported["known"]), number(&imported["inserted"])),
        (0, signatures)
    );
    assert_eq!(bench.json(&["dedup", "--rebuild"])["near"], 1);
    let empty = Bench::new();
    empty.folder_repository("other", &[("other.rs", &real_code("core/src/verdict.rs"))]);
    empty.run();
    let imported = empty.json(&["signatures", "import", &file]);
    assert_eq!(number(&imported["unknown"]), signatures, "{imported:#}");

    write(bench.root(), "codelupe.toml", b"[dedup]\nbands = 20\nrows = 12\n");
    let config = bench.root().join("codelupe.toml").display().to_string();
    let said = text(
        &bench
            .output(&["signatures", "import", &file, "--config", &config])
            .stderr,
    );
    assert!(said.contains("\"bands\":25") && said.contains("\"bands\":20"), "{said}");
    let sketch = bench.root().join("sketch.parquet").display().to_string();
    let arguments = [
        "signatures",
        "export",
        "--scheme",
        "datasketch-affine32",
        "--num-perm",
        "64",
        &sketch,
    ];
    assert_eq!(number(&bench.json(&arguments)["signatures"]), signatures);
    let said = text(&bench.output(&["signatures", "import", &sketch]).stderr);
    assert!(said.contains("affine32"), "{said}");
    fs::write(&sketch, b"PAR1 not really").unwrap();
    let said = text(&bench.output(&["signatures", "import", &sketch]).stderr);
    assert!(said.contains("sketch.parquet"), "{said}");
}
