//! Stopped, killed, out of disk, started twice: nothing is lost and nothing is there twice.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture::{Bench, assert_adds_up, command, crates, splits, text};

const CRATES: usize = 40;

fn arguments() -> Vec<String> {
    let sources = crates(CRATES)
        .into_iter()
        .map(|path| format!("repo:{}", path.display()));
    std::iter::once("run".to_owned()).chain(sources).collect()
}

/// How long a whole run takes here: the moments to kill are spread over it.
fn uninterrupted(arguments: &[&str]) -> (Value, Duration) {
    let bench = Bench::new();
    let start = Instant::now();
    let report = bench.json(arguments);
    let took = start.elapsed();
    (splits(&bench, &report), took)
}

#[test]
fn killed_at_any_moment_nothing_is_lost_or_there_twice() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (expected, took) = uninterrupted(&arguments);
    let bench = Bench::new();
    let mut killed = 0;
    for moment in 1..=12 {
        let mut child = bench.spawn(&arguments);
        sleep(took * moment / 13);
        // A run that goes on where others were killed may have ended already.
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 3, "only {killed} runs were killed");
    let report = bench.json(&arguments);
    assert_adds_up(&report["stats"]);
    assert_eq!(splits(&bench, &report), expected);
    let linked = bench.data().join("segments");
    assert!(fs::read_dir(linked).unwrap().count() > 0);
    assert_eq!(
        fs::read_dir(bench.data().join("tmp")).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn ctrl_c_stops_cleanly_and_the_same_command_goes_on() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let (expected, took) = uninterrupted(&arguments);
    let child = bench.spawn(&arguments);
    sleep(took / 4);
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("goes on from here"), "{said}");
    let report = bench.json(&arguments);
    assert_eq!(splits(&bench, &report), expected);
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let child = bench.spawn(&arguments);
    while !bench.data().join("catalogue.sqlite").exists() {
        sleep(Duration::from_millis(2));
    }
    let interrupt = || {
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
    };
    interrupt();
    sleep(Duration::from_millis(5));
    interrupt();
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_adds_up(&bench.json(&arguments)["stats"]);
}

#[test]
fn two_runs_at_once_share_the_work() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let runs = [(), ()].map(|()| bench.spawn(&arguments));
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let report = bench.json(&arguments);
    assert_eq!(report["unchanged"], report["repositories"]);
    assert_eq!(splits(&bench, &report), uninterrupted(&arguments).0);
}

#[test]
fn a_full_disk_is_said_and_the_next_run_goes_on() {
    let arguments = arguments();
    let bench = Bench::new();
    let small = bench.root().join("small");
    fs::create_dir_all(&small).unwrap();
    // A mount of its own: as root directly, else in a user namespace where the system allows one.
    let script = r#"
        mount -t tmpfs -o size=2m none "$SMALL" || exit 99
        "$PROGRAM" "$@" --data "$SMALL/data" --json
        full=$?
        mount -o remount,size=400m "$SMALL" || exit 98
        "$PROGRAM" "$@" --data "$SMALL/data" --json > "$REPORT" || exit 97
        cp -r "$SMALL/data" "$SAVED" && umount "$SMALL"
        exit $full"#;
    let report = bench.root().join("report.json");
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .args(&arguments)
        .env("SMALL", &small)
        .env("PROGRAM", env!("CARGO_BIN_EXE_codelupe"))
        .env("REPORT", &report)
        .env("SAVED", bench.data())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("hint: free some space"), "{said}");
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_adds_up(&report["stats"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert_eq!(splits(&bench, &report), uninterrupted(&arguments).0);
}

#[test]
fn a_closed_pipe_ends_the_output_quietly() {
    let bench = Bench::new();
    let data: PathBuf = bench.data();
    let mut child = command(&data, &["config"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
