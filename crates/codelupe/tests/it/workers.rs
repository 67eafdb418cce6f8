//! Work that is enqueued and done by workers of their own.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture::{Bench, crates, splits, text};

fn arguments() -> Vec<String> {
    let sources = crates(80).into_iter().map(|path| format!("repo:{}", path.display()));
    std::iter::once("run".to_owned()).chain(sources).collect()
}

fn expected() -> Value {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    splits(&bench, &bench.json(&arguments))
}

fn enqueue(bench: &Bench) -> usize {
    let arguments = arguments();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.push("--enqueue");
    bench.json(&arguments)["jobs"].as_array().unwrap().len()
}

fn worker(bench: &Bench, more: &[&str]) -> Child {
    let mut command = bench.command(&[&["worker", "--json"], more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn done(worker: Child) -> u64 {
    let output = worker.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let served: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(served["dead"], 0, "{}", text(&output.stderr));
    served["done"].as_u64().unwrap()
}

fn signal(worker: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &worker.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Waits until a job is in a state, two minutes at most.
fn wait_for(bench: &Bench, state: &str) -> Value {
    let end = Instant::now() + Duration::from_mins(2);
    while Instant::now() < end {
        let listed = bench.json(&["jobs", "list", "--state", state]);
        if let Some(job) = listed["jobs"].as_array().unwrap().first() {
            return job.clone();
        }
        sleep(Duration::from_millis(20));
    }
    panic!("no job became {state}");
}

fn latest_build(bench: &Bench) -> Value {
    // Everything is done: a build finds the same build and changes nothing.
    let build = bench.json(&["build"]);
    assert_eq!(build["existed"], true);
    splits(bench, &serde_json::json!({ "build": build }))
}

fn workers_share(bench: &Bench) {
    let jobs = enqueue(bench);
    assert_eq!(enqueue(bench), jobs, "the same work is enqueued once");
    let listed = bench.json(&["jobs", "list", "--limit", "100"]);
    assert_eq!(listed["jobs"].as_array().unwrap().len(), jobs);
    // Not --until-idle: later steps wait for the others' earlier ones, and a worker would find nothing to do meanwhile.
    let workers = [(), (), ()].map(|()| worker(bench, &[]));
    let end = Instant::now() + Duration::from_mins(2);
    while bench.json(&["jobs", "list", "--state", "done", "--limit", "100"])["jobs"]
        .as_array()
        .unwrap()
        .len()
        < jobs
    {
        assert!(Instant::now() < end, "{:#}", bench.json(&["jobs", "list"]));
        sleep(Duration::from_millis(100));
    }
    for worker in &workers {
        signal(worker, "-TERM");
    }
    assert_eq!(workers.map(done).iter().sum::<u64>(), jobs as u64);
    assert_eq!(latest_build(bench), expected());
}

#[test]
fn workers_share_a_postgres_queue() {
    workers_share(&Bench::on_postgres());
}

#[test]
fn workers_share_a_sqlite_queue() {
    workers_share(&Bench::new());
}

#[test]
fn a_worker_that_is_killed_is_replaced_when_its_lease_has_run_out() {
    let bench = Bench::on_postgres();
    enqueue(&bench);
    let mut first = worker(&bench, &["--lease", "2"]);
    let job = wait_for(&bench, "running");
    first.kill().unwrap();
    first.wait().unwrap();
    // Takes over at once, since it sees that the first is gone; another machine would wait for the lease.
    let second = worker(&bench, &["--lease", "2", "--until-idle"]);
    assert!(done(second) > 0);
    let taken = bench.json(&["jobs", "show", &job["id"].to_string()]);
    assert_eq!(
        (&taken["state"], &taken["attempts"]),
        (&Value::from("done"), &Value::from(2))
    );
    assert_ne!(taken["worker"], job["worker"]);
    assert_eq!(latest_build(&bench), expected());
}

#[test]
fn sigterm_gives_the_running_job_back() {
    let bench = Bench::on_postgres();
    let jobs = enqueue(&bench);
    let worker = worker(&bench, &[]);
    let job = wait_for(&bench, "running");
    signal(&worker, "-TERM");
    let done = done(worker);
    let states = bench.json(&["jobs", "list", "--limit", "100"]);
    let states = states["jobs"].as_array().unwrap();
    let count = |state: &str| states.iter().filter(|job| job["state"] == state).count() as u64;
    assert_eq!((count("running"), count("dead")), (0, 0));
    assert_eq!((count("done"), count("queued")), (done, jobs as u64 - done));
    let given_back = bench.json(&["jobs", "show", &job["id"].to_string()]);
    if given_back["state"] == "queued" {
        assert_eq!(
            given_back["attempts"], 0,
            "an attempt that was broken off does not count"
        );
    }
}

#[test]
fn a_worker_does_only_its_stages() {
    let bench = Bench::new();
    let jobs = enqueue(&bench) as u64;
    assert_eq!(
        done(worker(&bench, &["--stages", "dedup,build", "--until-idle"])),
        0,
        "they wait for processing"
    );
    assert_eq!(done(worker(&bench, &["--stages", "process", "--until-idle"])), jobs - 3);
    assert_eq!(done(worker(&bench, &["--stages", "dedup,build", "--until-idle"])), 2);
    assert_eq!(done(worker(&bench, &["--until-idle"])), 1);
}
