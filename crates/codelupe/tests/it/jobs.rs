//! `codelupe jobs`.

use crate::fixture::{Bench, real_code, text};

/// A bench with the four jobs of a run in its queue.
fn enqueued() -> Bench {
    let bench = Bench::new();
    bench.folder_repository("alpha", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    bench.json(&["run", &format!("repos:{}", bench.sources().display()), "--enqueue"]);
    bench
}

fn ids(bench: &Bench) -> Vec<String> {
    let listed = bench.json(&["jobs", "list"]);
    let jobs = listed["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job["id"].to_string()).collect()
}

#[test]
fn jobs_are_listed_shown_canceled_and_queued_again() {
    let bench = enqueued();
    let ids = ids(&bench);
    assert_eq!(ids.len(), 4);
    let listed = bench.text(&["jobs", "list"]);
    assert!(
        listed.contains("1 process queued") && listed.contains("1 dedup queued"),
        "{listed}"
    );
    let process = ids.last().unwrap();
    let shown = bench.json(&["jobs", "show", process]);
    assert_eq!(shown["payload"]["repositories"][0]["local"]["name"], "alpha");
    assert_eq!(shown["state"], "queued");
    assert!(shown["trace_parent"].as_str().unwrap().starts_with("00-"), "{shown:#}");
    bench.text(&["jobs", "cancel", process]);
    assert_eq!(bench.json(&["jobs", "show", process])["state"], "canceled");
    bench.text(&["jobs", "retry", process]);
    bench.text(&["worker", "--until-idle"]);
    let shown = bench.json(&["jobs", "show", process]);
    assert_eq!(
        (&shown["state"], &shown["result"]["repositories"]),
        (&"done".into(), &1.into())
    );
    assert!(
        bench
            .text(&["jobs", "prune", "--older-than", "0"])
            .contains("4 jobs forgotten")
    );
    assert!(bench.text(&["jobs", "list"]).contains("There are no jobs"));
}

#[test]
fn a_dead_job_keeps_its_error_until_it_is_queued_again() {
    let bench = enqueued();
    // No license is in the policy: nothing can be built, which is nobody's to try again.
    let settings = bench.root().join("other.toml");
    std::fs::write(&settings, "[build]\nmin_quality = 100\n").unwrap();
    bench.json(&["build", "--enqueue", "--config", settings.to_str().unwrap()]);
    let output = bench.output(&["worker", "--until-idle"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("codelupe jobs list --state dead"),
        "{}",
        text(&output.stderr)
    );
    let dead = bench.json(&["jobs", "list", "--state", "dead"]);
    let dead = &dead["jobs"][0];
    assert_eq!(
        (&dead["name"], &dead["error_code"]),
        (&"build".into(), &"not_found".into()),
        "{dead:#}"
    );
    assert!(
        dead["error_message"]
            .as_str()
            .unwrap()
            .contains("no file is let into the build"),
        "{dead:#}"
    );
    assert!(text(&bench.output(&["doctor"]).stdout).contains("1 jobs are dead"));
    assert!(bench.text(&["jobs", "retry", "--all"]).contains("1 jobs queued again"));
    assert_eq!(bench.json(&["jobs", "show", &dead["id"].to_string()])["attempts"], 0);
}

#[test]
fn what_is_not_there_is_said() {
    let bench = enqueued();
    let check = |arguments: &[&str], code: i32, words: &str| {
        let output = bench.output(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(
            text(&output.stderr).contains(words),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    };
    check(&["jobs", "show", "999"], 66, "there is no job 999");
    check(&["jobs", "cancel", "999"], 66, "job 999 is not there");
    check(&["jobs", "retry", "999"], 66, "job 999 is not there");
    check(&["jobs", "retry"], 2, "--all");
    let nowhere = bench.root().join("nowhere");
    check(
        &["jobs", "retry", "1", "--data", nowhere.to_str().unwrap()],
        66,
        "there is no catalogue in",
    );
    assert!(!nowhere.exists());
    check(&["jobs", "list", "--state", "lost"], 2, "no state of a job");
    check(&["worker", "--stages", "crawl"], 2, "invalid value 'crawl'");
    check(&["worker", "--lease", "0"], 2, "0 is not in 1..=3600");
}
