//! The engine torch under a Python that is none: a shell script which speaks the protocol, well or not.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codelupe_core::error::ErrorCode;
use codelupe_train::torch::TorchEngine;
use codelupe_train::{Ended, Support, choose};
use codelupe_train::{EngineChoice, EngineJob, Environment, Error, ErrorKind, StopToken, TrainEngine, TrainEvent};
use codelupe_train::{Launcher, TorchConfig};
use tempfile::TempDir;

use crate::fixture;

/// The first lines of every script: `run` is the folder of the training.
const START: &str = r#"#!/bin/sh
for word; do case $word in */train.py) run=${word%/*} ;; esac; done
say() { printf '%s\n' "$1"; }
hello() {
    say '{"event":"hello","version":1,"torch":"2.11.0","transformers":"5.17.0","peft":"0.21.2","cuda":[],"bf16":false}'
}
done_well() { mkdir -p "$run/result"; say '{"event":"done","ended":"all_steps"}'; exit 0; }
"#;

/// A fake Python and the folder of a training.
struct Fake {
    root: TempDir,
    job: EngineJob,
    engine: TorchEngine,
}

impl Fake {
    fn new(script: &str) -> Self {
        Self::with(script, |_| ())
    }

    fn with(script: &str, change: fn(&mut TorchConfig)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let python = root.path().join("python3");
        write_program(&python, &format!("{START}{script}\n"));
        let job = fixture::job(&root.path().join("run"), 2);
        let mut config = config(&python);
        change(&mut config);
        let engine = TorchEngine::new(config, environment());
        Self { root, job, engine }
    }

    fn run(&self) -> (Result<Ended, Error>, Vec<TrainEvent>) {
        self.run_until(|_| false)
    }

    /// Runs it, and stops it after an event.
    fn run_until(&self, is_last: fn(&TrainEvent) -> bool) -> (Result<Ended, Error>, Vec<TrainEvent>) {
        let mut events = Vec::new();
        let stop = StopToken::default();
        let mut listen = |event: TrainEvent| {
            if is_last(&event) {
                stop.stop();
            }
            events.push(event);
        };
        let ended = self.engine.run(&self.job, &mut listen, &stop);
        (ended, events)
    }

    fn training_folder(&self) -> PathBuf {
        self.root.path().join("run")
    }

    /// Whether the process whose number is in a file is gone.
    fn is_gone(&self, file: &str) -> bool {
        let number = fs::read_to_string(self.training_folder().join(file)).unwrap();
        let status = PathBuf::from(format!("/proc/{}/stat", number.trim()));
        let since = Instant::now();
        let is_there = || fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z "));
        while is_there() && since.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        !is_there()
    }
}

/// The environment of this process.
pub(crate) fn environment() -> Environment {
    Environment::without_secrets(std::env::vars_os())
}

fn config(python: &Path) -> TorchConfig {
    TorchConfig {
        python: python.to_str().unwrap().to_owned(),
        ..TorchConfig::default()
    }
}

/// Writes a program in another process: a file that is open for writing anywhere in this one cannot be started.
pub(crate) fn write_program(path: &Path, text: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", r#"cat > "$1" && chmod +x "$1""#, "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
}

fn error(outcome: (Result<Ended, Error>, Vec<TrainEvent>)) -> Error {
    outcome.0.unwrap_err()
}

#[test]
fn what_a_process_tells_comes_out_as_events() {
    let fake = Fake::new(
        r#"hello
say '{"event":"started","step":0,"parameters":12}'
say '{"event":"heartbeat"}'
say '{"event":"step","step":1,"loss":2.5,"grad_norm":1.0,"learning_rate":0.001,"tokens":512,"seconds":0.5}'
say '{"event":"skipped","step":2,"rows":[4,7],"rate_scale":1.0}'
say '{"event":"validated","step":2,"loss":2.25,"best":true}'
say '{"event":"checkpoint","step":2}'
done_well"#,
    );
    let (ended, events) = fake.run();
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let expected = [
        TrainEvent::Started {
            step: 0,
            parameters: 12,
        },
        TrainEvent::Step {
            step: 1,
            loss: 2.5,
            grad_norm: 1.0,
            learning_rate: 0.001,
            tokens: 512,
            seconds: 0.5,
        },
        TrainEvent::Skipped {
            step: 2,
            rows: vec![4, 7],
            rate_scale: 1.0,
        },
        TrainEvent::Validated {
            step: 2,
            loss: 2.25,
            best: true,
        },
        TrainEvent::Checkpoint { step: 2 },
    ];
    assert_eq!(events, expected);
    let given = fs::read(fake.training_folder().join("torch-job.json")).unwrap();
    assert_eq!(serde_json::from_slice::<EngineJob>(&given).unwrap(), fake.job);
    assert!(
        fs::read_to_string(fake.training_folder().join("train.py"))
            .unwrap()
            .contains("heartbeat")
    );
}

#[test]
fn a_crash_is_told_with_the_end_of_its_errors() {
    let fake = Fake::new(
        r"hello
echo 'Traceback (most recent call last):' >&2
echo 'ValueError: no such tensor' >&2
exit 1",
    );
    let error = error(fake.run());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Engine, ErrorCode::Internal));
    let text = error.to_string();
    assert!(
        text.contains("exit status: 1") && text.ends_with("ValueError: no such tensor"),
        "{text}"
    );
}

#[test]
fn each_failure_has_its_kind() {
    for (kind, expected) in [
        ("diverged", (ErrorKind::Diverged, ErrorCode::CorruptInput)),
        ("model", (ErrorKind::Model, ErrorCode::Validation)),
        ("data", (ErrorKind::Samples, ErrorCode::CorruptStore)),
        ("memory", (ErrorKind::Engine, ErrorCode::OutOfMemory)),
        ("a new one", (ErrorKind::Engine, ErrorCode::Internal)),
    ] {
        let script = format!(r#"hello; say '{{"event":"failed","kind":"{kind}","text":"rows [3, 9]"}}'; exit 1"#);
        let error = error(Fake::new(&script).run());
        assert_eq!((error.kind(), error.code()), expected, "{kind}");
        assert_eq!(error.to_string(), "rows [3, 9]");
    }
}

#[test]
fn a_process_that_tells_nothing_is_killed_with_all_that_it_started() {
    let script = r#"hello; echo 'waiting for a lock' >&2
sleep 600 & echo $! > "$run/child"
while :; do say 'still loading'; sleep 0.2; done"#;
    let fake = Fake::with(script, |config| config.heartbeat_seconds = 1);
    let since = Instant::now();
    let error = error(fake.run());
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Engine, ErrorCode::Timeout));
    let text = error.to_string();
    assert!(
        text.contains("told nothing for 1 s") && text.ends_with("waiting for a lock"),
        "{text}"
    );
    assert!(fake.is_gone("child"));
}

#[test]
fn signs_of_life_keep_a_slow_process_alive() {
    let script = r#"hello
for _ in 1 2 3 4 5 6 7 8; do sleep 0.3; say '{"event":"heartbeat"}'; done
done_well"#;
    let fake = Fake::with(script, |config| config.heartbeat_seconds = 2);
    let (ended, events) = fake.run();
    assert_eq!((ended.unwrap(), events), (Ended::AllSteps, Vec::new()));
}

#[test]
fn other_machines_have_time_to_come_and_are_told_what_to_start() {
    let fake = Fake::with("echo \"$@\" > \"$run/words\"; sleep 2; hello; done_well", |config| {
        config.heartbeat_seconds = 1;
        config.launcher = Launcher::Torchrun;
        config.nodes = 2;
        config.rendezvous = "head:29500".to_owned();
    });
    let (ended, events) = fake.run();
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let [TrainEvent::Warning { text }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(text.contains("--node-rank N --master-addr head"), "{text}");
    let words = fs::read_to_string(fake.training_folder().join("words")).unwrap();
    assert!(
        words.starts_with("-m torch.distributed.run --nnodes 2") && words.contains("--node-rank 0"),
        "{words}"
    );
}

#[test]
fn babble_becomes_a_bounded_number_of_short_warnings() {
    let fake = Fake::new(
        r#"hello
head -c 3000000 /dev/zero | tr '\0' x; echo
head -c 2000 /dev/urandom; echo
i=0; while [ $i -lt 300 ]; do say "Loading weights: $i"; i=$((i + 1)); done
say '{"event":"started","step":0,"parameters":1}'
done_well"#,
    );
    let (ended, events) = fake.run();
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let (started, warnings) = events.split_last().unwrap();
    assert_eq!(*started, TrainEvent::Started { step: 0, parameters: 1 });
    assert_eq!(warnings.len(), 101);
    for warning in warnings {
        let TrainEvent::Warning { text } = warning else {
            panic!("{warning:?}")
        };
        assert!(text.chars().count() <= 200 && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_process_that_the_system_kills_goes_on_with_half_the_rows() {
    let mut fake = Fake::new(
        r#"hello
echo x >> "$run/attempts"
[ $(wc -l < "$run/attempts") -lt 3 ] && kill -9 $$
grep rows_at_once "$2" > "$run/rows"
done_well"#,
    );
    fake.job.rows_at_once = 4;
    let (ended, events) = fake.run();
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let memory = [2, 1].map(|rows_at_once| TrainEvent::Memory { rows_at_once });
    assert_eq!(events, memory);
    let rows = fs::read_to_string(fake.training_folder().join("rows")).unwrap();
    assert!(rows.contains("\"rows_at_once\": 1,"), "{rows}");
}

#[test]
fn a_process_that_is_always_killed_is_given_up() {
    let mut fake = Fake::new(r#"echo x >> "$run/attempts"; kill -9 $$"#);
    (fake.job.rows_per_step, fake.job.rows_at_once) = (1 << 10, 1 << 10);
    let (ended, events) = fake.run();
    let error = ended.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Engine, ErrorCode::OutOfMemory)
    );
    assert_eq!(events.len(), 5);
    let attempts = fs::read_to_string(fake.training_folder().join("attempts")).unwrap();
    assert_eq!(attempts.lines().count(), 6);
}

#[test]
fn a_stop_lets_the_process_write_a_checkpoint() {
    let fake = Fake::new(
        r#"trap 'say "{\"event\":\"checkpoint\",\"step\":1}"; exit 0' TERM
hello
say '{"event":"started","step":0,"parameters":1}'
while :; do sleep 0.1; say '{"event":"heartbeat"}'; done"#,
    );
    let (ended, events) = fake.run_until(|event| matches!(event, TrainEvent::Started { .. }));
    let error = ended.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Canceled, ErrorCode::Canceled));
    assert_eq!(events.last(), Some(&TrainEvent::Checkpoint { step: 1 }));
}

#[test]
fn a_process_that_does_not_stop_is_killed_after_the_grace() {
    let script = r#"trap '' TERM
echo $$ > "$run/leader"
hello
say '{"event":"started","step":0,"parameters":1}'
while :; do sleep 0.1; say '{"event":"heartbeat"}'; done"#;
    let fake = Fake::with(script, |config| config.grace_seconds = 1);
    let since = Instant::now();
    let (ended, _) = fake.run_until(|event| matches!(event, TrainEvent::Started { .. }));
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Canceled);
    assert!(since.elapsed() >= Duration::from_secs(1) && since.elapsed() < Duration::from_secs(20));
    assert!(fake.is_gone("leader"));
}

#[test]
fn a_result_counts_even_if_a_stop_came_while_it_was_written() {
    let fake = Fake::new(
        r#"trap '' TERM
hello
say '{"event":"started","step":0,"parameters":1}'
sleep 0.3
done_well"#,
    );
    let (ended, _) = fake.run_until(|event| matches!(event, TrainEvent::Started { .. }));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
}

#[test]
fn an_end_that_leaves_no_result_is_an_error() {
    for (script, word) in [
        (r#"hello; say '{"event":"done","ended":"early"}'"#, "no result"),
        ("hello", "ended early (exit status: 0)"),
        (
            r#"say '{"event":"hello","version":9,"torch":"","transformers":"","peft":""}'; sleep 600"#,
            "version 9",
        ),
    ] {
        let error = error(Fake::new(script).run());
        assert_eq!(error.kind(), ErrorKind::Engine);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_missing_python_is_told_with_what_installs_it() {
    let mut fake = Fake::new("");
    fake.engine = TorchEngine::new(config(Path::new("/nonexistent/python3")), environment());
    let error = error(fake.run());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Engine, ErrorCode::NotFound));
    let install = "/nonexistent/python3 -m pip install torch transformers peft accelerate safetensors";
    assert!(error.to_string().contains(install), "{error}");
    let Support::No { why } = fake.engine.probe(&fake.job) else {
        panic!()
    };
    assert!(why.contains(install), "{why}");
}

#[test]
fn a_probe_tells_versions_or_why_not() {
    let fake = Fake::new(r#"[ "$2" = --probe ] && hello; sleep 600"#);
    let Support::Yes { bytes, why } = fake.engine.probe(&fake.job) else {
        panic!()
    };
    assert_eq!(why, "torch: torch 2.11.0, transformers 5.17.0, peft 0.21.2, on the CPU");
    assert!(bytes > 1 << 20, "{bytes}");
    for script in [
        r#"say '{"event":"failed","kind":"other","text":"No module named torch"}'"#,
        "echo 'No module named torch' >&2; exit 1",
    ] {
        let fake = Fake::new(script);
        let Support::No { why } = fake.engine.probe(&fake.job) else {
            panic!()
        };
        assert!(
            why.contains("No module named torch") && why.contains("pip install torch"),
            "{why}"
        );
    }
}

#[test]
fn auto_takes_the_native_engine_where_torch_has_no_gpu_and_says_so() {
    let fake = Fake::new("hello");
    let config = config(&fake.root.path().join("python3"));
    let (engine, why) = choose(EngineChoice::Auto, &config, &environment(), &fake.job).unwrap();
    assert_eq!(engine.name(), "native");
    assert!(why.contains("native: ") && why.contains("not torch: "), "{why}");
    let (engine, _) = choose(EngineChoice::Torch, &config, &environment(), &fake.job).unwrap();
    assert_eq!(engine.name(), "torch");
    let missing = TorchConfig {
        python: "/nonexistent/python3".to_owned(),
        ..config
    };
    let Err(error) = choose(EngineChoice::Torch, &missing, &environment(), &fake.job) else {
        panic!()
    };
    assert!(error.to_string().contains("pip install"), "{error}");
}
