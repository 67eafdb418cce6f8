//! The metrics that `--metrics` keeps in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use codelupe_telemetry::{Declared, Kind, TABLE};
use codelupe_testkit::{git_http, postgres};

use crate::barred::Barred;
use crate::fixture::{Bench, crates, real_code, text};

/// Each series of a file with its value.
type Series = BTreeMap<String, f64>;

fn series(path: &Path) -> Series {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// Whether a series is what a metric came to: of a histogram, how often something was noted.
fn is_of(series: &str, metric: &str) -> bool {
    let name = series.split('{').next().unwrap();
    name.strip_suffix("_count").unwrap_or(name) == metric
}

/// That the labels of a series are those of the table, and their values of the closed sets.
fn assert_declared(series: &str) {
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let is_part = |metric: &&Declared| {
        let part = name.strip_prefix(metric.name);
        part.is_some_and(|part| {
            part.is_empty() || metric.kind == Kind::Histogram && ["_count", "_sum", "_bucket"].contains(&part)
        })
    };
    let metric = TABLE.iter().map(|metric| metric.declared()).find(is_part);
    let metric = metric.unwrap_or_else(|| panic!("{series} is not in the table"));
    for label in labels.trim_end_matches('}').split_terminator(',') {
        let (label, value) = label.split_once('=').unwrap();
        if label == "le" {
            continue;
        }
        let declared = metric.labels.iter().find(|declared| declared.name == label);
        let meanings = (declared.unwrap_or_else(|| panic!("{series}")).meanings)();
        let value = value.trim_matches('"');
        assert!(meanings.iter().any(|(meaning, _)| *meaning == value), "{series}");
    }
}

/// A run over crates and a repository elsewhere.
fn run(bench: &Bench, metrics: &Path) {
    bench.git_repository("r", &[("src/split.rs", &real_code("core/src/split.rs"))]);
    let elsewhere = git_http::serve(&bench.sources(), None);
    let sources = crates(40).into_iter().map(|path| format!("repo:{}", path.display()));
    let sources: Vec<String> = sources.chain([elsewhere.url("/r/.git")]).collect();
    let output = bench
        .command(&["run", "--quiet"])
        .args(sources)
        .env("CODELUPE_METRICS", metrics)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A call whose connection is cut in the middle of it.
fn call_again(bench: &Bench, metrics: &Path) {
    let url = postgres::shared().database();
    let command = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        command
            .env("CODELUPE_DB", &url)
            .env("CODELUPE_DATA", bench.root().join("other"));
        command
    };
    assert!(command(&["db", "seed", "--quiet"]).status().unwrap().success());
    let barred = Barred::start(&url, "jobs");
    let mut retry = command(&["jobs", "retry", "--all", "--quiet"]);
    let retry = retry.env("CODELUPE_METRICS", metrics).stdout(Stdio::null());
    let child = retry.stderr(Stdio::piped()).spawn().unwrap();
    barred.cut_who_waits();
    barred.release();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn every_metric_is_set_by_real_work_and_only_with_declared_labels() {
    let bench = Bench::new();
    let [again, run, search] = ["again", "run", "search"].map(|name| bench.root().join(format!("{name}.prom")));
    call_again(&bench, &again);
    self::run(&bench, &run);
    bench.text(&["search", "split", "--metrics", search.to_str().unwrap()]);
    let found: Series = [again, run, search].iter().flat_map(|path| series(path)).collect();
    for series in found.keys() {
        assert_declared(series);
    }
    let is_set = |name: &str| found.iter().any(|(series, value)| is_of(series, name) && *value > 0.0);
    let here = TABLE.iter().map(|metric| metric.declared().name);
    let unset: Vec<&str> = here.filter(|name| !is_set(name)).collect();
    assert!(unset.is_empty(), "{unset:?} are never set");
    let value = |series: &str| found.get(series).copied().unwrap_or_default();
    assert!(value("codelupe_job_attempts_total{stage=\"process\",outcome=\"done\"}") >= 2.0);
    assert!((value("codelupe_catalogue_breaker_state{state=\"closed\"}") - 1.0).abs() < f64::EPSILON);
    let answered = |method| {
        value(&format!(
            "codelupe_forge_requests_total{{forge=\"other\",method=\"{method}\",status=\"2xx\"}}"
        ))
    };
    assert!(answered("get") >= 1.0 && answered("post") >= 1.0, "{found:#?}");
}

#[test]
fn a_dead_job_and_a_failed_call_are_told_apart() {
    let bench = Bench::new();
    let path = bench.root().join("a.prom");
    let output = bench.output(&["build", "--name", "one", "--metrics", path.to_str().unwrap()]);
    assert!(!output.status.success(), "there is nothing to build");
    let found = series(&path);
    let dead = found["codelupe_job_attempts_total{stage=\"build\",outcome=\"dead\"}"];
    assert!((dead - 1.0).abs() < f64::EPSILON, "{found:#?}");
}

#[test]
fn a_file_that_cannot_be_written_is_said_at_the_start() {
    let bench = Bench::new();
    let output = bench.output(&["stats", "--metrics", "/no/such/folder/a.prom"]);
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("/no/such/folder/a.prom"),
        "{}",
        text(&output.stderr)
    );
    assert!(!bench.data().exists(), "nothing else was begun");
}
