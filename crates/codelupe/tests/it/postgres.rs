//! The same program with its catalogue in a real PostgreSQL database.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use codelupe_testkit::postgres::Server;

use crate::fixture::{Bench, assert_adds_up, crates, splits, text};

/// Some crates as sources of a run.
fn arguments() -> Vec<String> {
    let sources = crates(40).into_iter().map(|path| format!("repo:{}", path.display()));
    std::iter::once("run".to_owned()).chain(sources).collect()
}

/// Every file of a folder, by path.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn both_catalogues_give_the_same_bytes_and_the_same_figures() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let benches = [Bench::new(), Bench::on_postgres()];
    let [sqlite, postgres] = benches.each_ref().map(|bench| {
        let report = bench.json(&arguments);
        assert_adds_up(&report["stats"]);
        let root = bench.data().join("builds");
        let strip = |path: String| path.strip_prefix(root.to_str().unwrap()).unwrap().to_owned();
        let files: Vec<_> = files(&root)
            .into_iter()
            .map(|(path, bytes)| (strip(path), bytes))
            .collect();
        (files, bench.json(&["stats"]))
    });
    assert!(sqlite.0.len() > 2);
    assert_eq!(sqlite.0, postgres.0);
    assert_eq!(sqlite.1, postgres.1);
    assert!(!benches[1].data().join("catalogue.sqlite").exists());
    let again = benches[1].json(&arguments);
    assert_eq!(again["unchanged"], again["repositories"]);
    assert!(benches[1].text(&["doctor"]).lines().all(|line| line.starts_with("ok")));
    assert!(benches[1].text(&["db", "verify"]).contains("in order"));
}

#[test]
fn a_data_folder_belongs_to_one_catalogue() {
    let bench = Bench::on_postgres();
    bench.json(&["db", "seed"]);
    let other = Bench::on_postgres();
    let output = other
        .command(&["dedup", "--data", bench.data().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("belongs to another catalogue"),
        "{}",
        text(&output.stderr)
    );
    let segments = std::fs::read_dir(bench.data().join("segments")).unwrap().count();
    assert!(segments > 0, "nothing of the other was removed");
}

#[test]
fn what_a_server_refuses_is_said_with_a_hint_and_without_password() {
    let check = |url: &str, code: i32, words: &[&str]| {
        let bench = Bench::new();
        let output = bench.output(&["stats", "--db", url]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{url}: {said}");
        for word in words {
            assert!(said.contains(word), "{url}: {said}");
        }
        assert!(!said.contains("hush"), "{said}");
    };
    // Nothing listens on port 1.
    check(
        "postgres://me:hush@127.0.0.1:1/lupe",
        69,
        &["postgres://me@127.0.0.1:1/lupe", "hint:", "on the command line"],
    );
    check("postgres://me:hush@[:nonsense/lupe", 64, &["no address of a catalogue"]);
    check(
        "mysql://me:hush@127.0.0.1/lupe",
        64,
        &["neither `sqlite:` nor `postgres:`"],
    );
    let server = codelupe_testkit::postgres::shared();
    check(&server.url("not_there"), 66, &["not_there"]);
    check(&server.url("postgres"), 66, &["there is no catalogue in"]);
}

#[test]
fn a_server_that_restarts_does_not_end_a_run() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let expected = splits(&bench, &bench.json(&arguments));
    let bench = Bench::new();
    let url = server.database();
    let mut command = bench.command(&arguments);
    let child = command
        .args(["--json"])
        .env("CODELUPE_DB", url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..3 {
        sleep(Duration::from_millis(300));
        server.kill();
        server.start_again();
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(splits(&bench, &report), expected);
}

/// Waits until a log says something, a minute at most.
fn wait_for(log: &Path, said: &str) {
    let end = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(log).unwrap().contains(said) {
        assert!(
            Instant::now() < end,
            "no `{said}` in {}",
            fs::read_to_string(log).unwrap()
        );
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn that_a_server_is_away_is_said_once_and_once_that_it_is_back() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let bench = Bench::new();
    let log = bench.root().join("log");
    let mut worker = bench
        .command(&["worker"])
        .env("CODELUPE_DB", server.database())
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    wait_for(&log, "waiting for jobs");
    server.kill();
    wait_for(&log, "the catalogue does not answer");
    sleep(Duration::from_secs(4));
    server.start_again();
    wait_for(&log, "the catalogue answers again");
    sleep(Duration::from_secs(2));
    worker.kill().unwrap();
    worker.wait().unwrap();
    let said = fs::read_to_string(&log).unwrap();
    for line in ["the catalogue does not answer", "the catalogue answers again"] {
        assert_eq!(said.matches(line).count(), 1, "{said}");
    }
}
