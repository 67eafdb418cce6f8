//! `codelupe db`.

use std::fs;

use crate::fixture::{Bench, text};

fn on_both(check: impl Fn(&Bench)) {
    check(&Bench::new());
    check(&Bench::on_postgres());
}

#[test]
fn a_schema_goes_up_and_down_and_says_what_is_lost() {
    on_both(|bench| {
        let applied = bench.json(&["db", "migrate", "--to", "1"]);
        assert_eq!(applied["applied"].as_array().unwrap().len(), 1);
        let refused = bench.output(&["stats"]);
        assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
        let said = text(&refused.stderr);
        assert!(
            said.contains("0002 jobs") && said.contains("codelupe db migrate"),
            "{said}"
        );
        assert!(bench.text(&["db", "status"]).contains("pending"));
        let refused = bench.output(&["dedup"]);
        assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
        bench.text(&["dedup", "--migrate"]);
        assert!(!bench.text(&["db", "status"]).contains("pending"));
        assert!(bench.text(&["db", "migrate"]).contains("nothing to do"));

        let refused = bench.output(&["db", "rollback", "--to", "1"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(64), "{said}");
        assert!(said.contains("jobs (1 rows)") && said.contains("--yes"), "{said}");
        assert!(!bench.text(&["db", "status"]).contains("pending"), "nothing was undone");
        let undone = bench.json(&["db", "rollback", "--to", "1", "--yes"]);
        assert_eq!(undone["undone"].as_array().unwrap().len(), 8);
        let unknown = bench.output(&["db", "rollback", "--to", "2", "--yes"]);
        assert_eq!(unknown.status.code(), Some(64), "{}", text(&unknown.stderr));
        bench.text(&["db", "migrate"]);
        assert!(bench.text(&["db", "verify"]).contains("in order"));
    });
}

#[test]
fn a_rollback_that_nobody_can_be_asked_about_is_refused() {
    let bench = Bench::new();
    bench.text(&["db", "migrate"]);
    let output = bench.output(&["db", "rollback"]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("nobody is here to be asked"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn seed_fills_a_catalogue_that_verifies() {
    on_both(|bench| {
        let report = bench.json(&["db", "seed"]);
        assert_eq!(report["repositories"], 3);
        let reasons = report["stats"]["funnel"]["dropped"].to_string();
        assert!(
            reasons.contains("exact_duplicate") && reasons.contains("near_duplicate"),
            "{reasons}"
        );
        assert!(report["stats"]["redactions"].as_u64().unwrap() > 0);
        assert!(bench.text(&["db", "verify"]).contains("in order"));
        assert_eq!(
            bench.json(&["db", "seed"])["repositories"],
            3,
            "again it changes nothing"
        );

        let segments = fs::read_dir(bench.data().join("segments")).unwrap();
        segments.for_each(|segment| fs::remove_file(segment.unwrap().path()).unwrap());
        let output = bench.output(&["db", "verify"]);
        assert_eq!(output.status.code(), Some(70), "{}", text(&output.stderr));
        assert!(
            text(&output.stdout).contains("is not in the data folder"),
            "{}",
            text(&output.stdout)
        );
    });
}

#[test]
fn new_writes_the_files_of_a_migration_once() {
    let bench = Bench::new();
    let folder = bench.root().join("migrations");
    for dialect in ["sqlite", "postgres"] {
        fs::create_dir_all(folder.join(dialect)).unwrap();
        fs::write(folder.join(dialect).join("0007_before.up.sql"), "").unwrap();
    }
    let folder = folder.to_str().unwrap();
    let written = bench.json(&["db", "new", "add_stars", "--folder", folder]);
    assert_eq!(written["files"].as_array().unwrap().len(), 4);
    let down = fs::read_to_string(format!("{folder}/postgres/0008_add_stars.down.sql")).unwrap();
    assert!(down.starts_with("-- loses: "), "{down}");
    let check = |name: &str, folder: &str, code: i32| {
        let output = bench.output(&["db", "new", name, "--folder", folder]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    };
    check("../escape", folder, 64);
    check("Upper", folder, 64);
    check("fine", "/not/there", 66);
}

#[test]
fn there_is_no_status_of_what_is_not_there() {
    let bench = Bench::new();
    for command in ["status", "verify", "rollback"] {
        let output = bench.output(&["db", command]);
        assert_eq!(output.status.code(), Some(66), "{command}: {}", text(&output.stderr));
        assert!(!bench.data().exists(), "{command} makes nothing");
    }
}
