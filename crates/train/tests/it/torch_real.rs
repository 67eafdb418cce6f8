//! The engine torch with a real torch beside the engine native. `CODELUPE_TEST_TORCH_PYTHON` names a Python that has
//! torch, transformers and peft:
//! `CODELUPE_TEST_TORCH_PYTHON=venv/bin/python cargo test -p codelupe-train --features slow torch_real -- --nocapture`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codelupe_model::{Adapter, Batch, Model, logits};
use codelupe_samples::Dataset;
use codelupe_train::Ended;
use codelupe_train::native::NativeEngine;
use codelupe_train::torch::TorchEngine;
use codelupe_train::{EngineJob, Error, ErrorKind, StopToken, TrainEngine, TrainEvent};
use codelupe_train::{Launcher, TorchConfig};

use crate::fixture;
use crate::torch::environment;

/// How far losses may be apart that are to be the same, in nats.
const CLOSE: f64 = 1e-3;

/// Writes the logits of the first row that PEFT computes, as floats: base, adapter, tokens as JSON, file.
const PEFT_LOGITS: &str = r"
import json, sys, torch, transformers, peft
base, adapter, tokens, out = sys.argv[1:]
model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = peft.PeftModel.from_pretrained(model, adapter).eval()
with torch.no_grad():
    model(torch.tensor([json.loads(tokens)])).logits.numpy().tofile(out)
";

/// Runs the script with a cross-entropy of our own.
const OWN_LOSS: &str = r#"#!/bin/sh
exec PYTHON -c '
import runpy, sys, torch
import torch.nn.functional as functional
real = functional.cross_entropy
def own(logits, *arguments, **options):
    LINES
    return real(logits, *arguments, **options)
functional.cross_entropy = own
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
' "$@"
"#;

/// The Python to test with; none, and said so, where there is none.
#[expect(clippy::print_stdout, reason = "a reader of the tests is to know")]
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("CODELUPE_TEST_TORCH_PYTHON").map(PathBuf::from);
    if python.is_none() {
        println!("left out: CODELUPE_TEST_TORCH_PYTHON names no Python with torch");
    }
    python
}

fn with_own_loss(python: &Path, lines: &str, folder: &Path) -> PathBuf {
    let wrapper = folder.join("python3");
    let text = OWN_LOSS
        .replace("PYTHON", python.to_str().unwrap())
        .replace("LINES", lines);
    crate::torch::write_program(&wrapper, &text);
    wrapper
}

fn engine(python: &Path) -> TorchEngine {
    TorchEngine::new(
        TorchConfig {
            python: python.to_str().unwrap().to_owned(),
            ..TorchConfig::default()
        },
        environment(),
    )
}

fn run(engine: &dyn TrainEngine, job: &EngineJob) -> (Result<Ended, Error>, Vec<TrainEvent>) {
    run_with(engine, job, |_, _| {})
}

fn run_with(
    engine: &dyn TrainEngine,
    job: &EngineJob,
    mut look: impl FnMut(&TrainEvent, &StopToken),
) -> (Result<Ended, Error>, Vec<TrainEvent>) {
    let mut events = Vec::new();
    let stop = StopToken::default();
    let mut listen = |event: TrainEvent| {
        look(&event, &stop);
        events.push(event);
    };
    let ended = engine.run(job, &mut listen, &stop);
    (ended, events)
}

/// Losses of steps and of measurements, norms, rates, by step. Of a step that was taken again, the last counts.
fn curve(events: &[TrainEvent]) -> Vec<[f64; 3]> {
    let mut steps: Vec<(u64, u8, [f64; 3])> = Vec::new();
    for event in events {
        let found = match event {
            TrainEvent::Step {
                step,
                loss,
                grad_norm,
                learning_rate,
                ..
            } => (*step, 0, [*loss, *grad_norm, *learning_rate]),
            TrainEvent::Validated { step, loss, .. } => (*step, 1, [*loss, 0.0, 0.0]),
            _ => continue,
        };
        steps.retain(|(step, kind, _)| (*step, *kind) != (found.0, found.1));
        steps.push(found);
    }
    steps.sort_by_key(|(step, kind, _)| (*step, *kind));
    steps.into_iter().map(|(_, _, numbers)| numbers).collect()
}

/// The largest differences of two curves of the same steps: losses, norms, rates.
fn apart(a: &[TrainEvent], b: &[TrainEvent]) -> [f64; 3] {
    let (a, b) = (curve(a), curve(b));
    assert_eq!(a.len(), b.len());
    assert!(!a.is_empty());
    let mut most = [0.0_f64; 3];
    for (a, b) in a.iter().zip(&b) {
        for (most, (a, b)) in most.iter_mut().zip(a.iter().zip(b)) {
            *most = most.max((a - b).abs());
        }
    }
    most
}

fn falls(events: &[TrainEvent]) -> bool {
    let curve = curve(events);
    curve.last().unwrap()[0] < curve[0][0] - 0.3
}

/// The processes of a training, by their command lines.
fn processes(run: &Path) -> Vec<u32> {
    let script = run.join("train.py");
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| command_line(*number).contains(script.to_str().unwrap()))
        .collect()
}

fn command_line(process: u32) -> String {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).into_owned()
}

fn kill(process: u32) {
    let status = Command::new("kill").args(["-9", &process.to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn torch_and_native_give_the_same_losses_and_read_the_same_adapter() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let job = fixture::job(&root.path().join("torch"), 20);
    let (ended, torch) = run(&engine(&python), &job);
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let (ended, native) = run(&NativeEngine, &fixture::job(&root.path().join("native"), 20));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let [loss, norm, rate] = apart(&torch, &native);
    println!("20 steps of LoRA, torch and native: losses {loss:.1e}, norms {norm:.1e}, rates {rate:.1e} apart");
    assert!(loss < CLOSE && norm < CLOSE && rate < 1e-12);
    assert!(falls(&torch));

    let model = Model::open(&job.base).unwrap().with_name("elsewhere/base");
    let adapter = Adapter::read(&job.out, &model).unwrap();
    assert_eq!(adapter.base(), "elsewhere/base");
    assert_eq!(Some(adapter.config()), job.lora.as_ref());
    let dataset = Dataset::open(&job.train).unwrap();
    let tokens = dataset.row(0).unwrap().tokens;
    let ours = logits(&model, Some(&adapter), &Batch::of_text(tokens).unwrap()).unwrap();
    let plain = logits(&model, None, &Batch::of_text(tokens).unwrap()).unwrap();
    let theirs = peft_logits(&python, &job, tokens, &root.path().join("logits"));
    let (read, trained) = (most_apart(&ours, &theirs), most_apart(&ours, &plain));
    println!("logits with the adapter, native and PEFT: {read:.1e} apart; training changed them by {trained:.1e}");
    assert!(read < 1e-4 && trained > 0.1);
}

fn peft_logits(python: &Path, job: &EngineJob, tokens: &[u32], out: &Path) -> Vec<f32> {
    let status = Command::new(python)
        .args(["-c", PEFT_LOGITS])
        .args([&job.base, &job.out])
        .arg(serde_json::to_string(tokens).unwrap())
        .arg(out)
        .status();
    assert!(status.unwrap().success());
    let bytes = fs::read(out).unwrap();
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect()
}

fn most_apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn all_weights_are_trained_as_by_the_native_engine() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let full = |name: &str| EngineJob {
        lora: None,
        recompute: true,
        ..fixture::job(&root.path().join(name), 10)
    };
    let (ended, torch) = run(&engine(&python), &full("torch"));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let (ended, native) = run(&NativeEngine, &full("native"));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let [loss, norm, _] = apart(&torch, &native);
    println!("10 steps of all weights, torch and native: losses {loss:.1e}, norms {norm:.1e} apart");
    assert!(loss < CLOSE);
    let models = ["torch", "native"].map(|name| Model::open(&full(name).out).unwrap());
    let dataset = Dataset::open(&full("torch").train).unwrap();
    let batch = Batch::of_text(dataset.row(0).unwrap().tokens).unwrap();
    let [a, b] = models.map(|model| logits(&model, None, &batch).unwrap());
    println!("logits of the two results: {:.1e} apart", most_apart(&a, &b));
    assert!(most_apart(&a, &b) < 0.05);
}

#[test]
fn a_killed_or_stopped_training_goes_on_as_if_it_had_not_been() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let job = |name: &str| {
        let mut job = fixture::job(&root.path().join(name), 12);
        job.rows_at_once = 1;
        job.checkpoint_steps = 2;
        job.lora.as_mut().unwrap().dropout = 0.1;
        job
    };
    let engine = engine(&python);
    let (ended, whole) = run(&engine, &job("whole"));
    assert_eq!(ended.unwrap(), Ended::AllSteps);

    let folder = root.path().join("broken");
    let kill_it = |event: &TrainEvent, _: &StopToken| {
        if matches!(event, TrainEvent::Step { step: 5, .. }) {
            processes(&folder).into_iter().for_each(kill);
        }
    };
    let (ended, mut broken) = run_with(&engine, &job("broken"), kill_it);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Engine);
    let stop = |event: &TrainEvent, stop: &StopToken| {
        if matches!(event, TrainEvent::Step { step: 7, .. }) {
            stop.stop();
        }
    };
    let (ended, more) = run_with(&engine, &job("broken"), stop);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Canceled);
    assert!(
        matches!(more.first(), Some(TrainEvent::Started { step: 4, .. })),
        "{more:?}"
    );
    broken.extend(more);
    let (ended, more) = run(&engine, &job("broken"));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    assert!(
        matches!(more.first(), Some(TrainEvent::Started { step: 7.., .. })),
        "{more:?}"
    );
    broken.extend(more);

    let [loss, norm, rate] = apart(&whole, &broken);
    println!("killed, stopped and gone on with: losses {loss:.1e}, norms {norm:.1e}, rates {rate:.1e} apart");
    assert!(loss < 1e-6 && rate == 0.0);
    let [a, b] = ["whole", "broken"].map(|name| fs::read(job(name).out.join("adapter_model.safetensors")).unwrap());
    println!(
        "the adapters are {}",
        if a == b { "the same bytes" } else { "not the same bytes" }
    );
    assert!(processes(&folder).is_empty());
}

#[test]
fn two_processes_give_the_losses_of_one() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let (ended, one) = run(&engine(&python), &fixture::job(&root.path().join("one"), 10));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let two = TorchEngine::new(
        TorchConfig {
            python: python.to_str().unwrap().to_owned(),
            launcher: Launcher::Torchrun,
            processes_per_node: 2,
            ..TorchConfig::default()
        },
        environment(),
    );
    let job = fixture::job(&root.path().join("two"), 10);
    let stop = |event: &TrainEvent, stop: &StopToken| {
        if matches!(event, TrainEvent::Step { step: 6, .. }) {
            stop.stop();
        }
    };
    let (ended, mut events) = run_with(&two, &job, stop);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Canceled);
    let folder = root.path().join("two");
    let mut killed = 0;
    let kill_one = |event: &TrainEvent, _: &StopToken| {
        let is_whole = |line: &String| !line.contains("torch.distributed.run");
        let worker = processes(&folder)
            .into_iter()
            .rfind(|number| is_whole(&command_line(*number)));
        if let (TrainEvent::Step { step: 8, .. }, Some(worker)) = (event, worker) {
            killed += 1;
            if killed == 1 {
                kill(worker);
            }
        }
    };
    let (ended, more) = run_with(&two, &job, kill_one);
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    assert!(more.contains(&TrainEvent::Memory { rows_at_once: 1 }), "{more:?}");
    let mut starts = more.iter().filter(|event| matches!(event, TrainEvent::Started { .. }));
    assert!(
        matches!(starts.next(), Some(TrainEvent::Started { step: 6.., .. })),
        "{more:?}"
    );
    assert_eq!(starts.count(), 1);
    events.extend(more);
    let [loss, norm, _] = apart(&one, &events);
    println!(
        "two processes with gloo, stopped once and one killed, beside one: losses {loss:.1e}, norms {norm:.1e} apart"
    );
    assert!(loss < CLOSE && norm < CLOSE);
    assert!(processes(&folder).is_empty());
}

#[test]
fn a_base_that_is_spread_over_two_processes_gives_the_losses_of_one() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let (ended, one) = run(&engine(&python), &fixture::job(&root.path().join("one"), 10));
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let spread = TorchEngine::new(
        TorchConfig {
            python: python.to_str().unwrap().to_owned(),
            launcher: Launcher::Torchrun,
            processes_per_node: 2,
            shard: true,
            ..TorchConfig::default()
        },
        environment(),
    );
    let job = fixture::job(&root.path().join("spread"), 10);
    let stop = |event: &TrainEvent, stop: &StopToken| {
        if matches!(event, TrainEvent::Step { step: 6, .. }) {
            stop.stop();
        }
    };
    let (ended, mut events) = run_with(&spread, &job, stop);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Canceled);
    let (ended, more) = run(&spread, &job);
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    events.extend(more);
    let [loss, norm, _] = apart(&one, &events);
    println!("a base spread over two processes, stopped once, beside one: losses {loss:.1e}, norms {norm:.1e} apart");
    assert!(loss < CLOSE && norm < CLOSE);
    let base = codelupe_model::Model::open(&job.base)
        .unwrap()
        .with_name(job.base_name.clone());
    codelupe_model::Adapter::read(&job.out, &base).unwrap();

    let mut odd = fixture::job(&root.path().join("odd"), 2);
    odd.rows_per_step = 3;
    let (ended, _) = run(&spread, &odd);
    assert!(ended.unwrap_err().to_string().contains("a multiple of the 2 processes"));
}

#[test]
fn short_memory_halves_the_rows_and_the_step_is_taken_again() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    // There is memory for the predictions of one row.
    let lines = "if len(logits) > 130: raise torch.cuda.OutOfMemoryError()";
    let wrapper = with_own_loss(&python, lines, root.path());
    let mut job = fixture::job(&root.path().join("short"), 3);
    job.rows_at_once = 4;
    let (ended, short) = run(&engine(&wrapper), &job);
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let memory: Vec<_> = short
        .iter()
        .filter(|event| matches!(event, TrainEvent::Memory { .. }))
        .collect();
    assert_eq!(
        memory,
        [
            &TrainEvent::Memory { rows_at_once: 2 },
            &TrainEvent::Memory { rows_at_once: 1 }
        ]
    );
    job.checkpoint = root.path().join("enough/checkpoint");
    let (ended, enough) = run(&NativeEngine, &job);
    assert_eq!(ended.unwrap(), Ended::AllSteps);
    let [loss, norm, _] = apart(&short, &enough);
    println!("with short memory: losses {loss:.1e}, norms {norm:.1e} apart");
    assert!(loss < CLOSE && norm < CLOSE);
}

#[test]
fn losses_that_are_no_numbers_are_skipped_and_then_named() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let wrapper = with_own_loss(&python, "logits = logits * float(\"nan\")", root.path());
    let mut job = fixture::job(&root.path().join("run"), 20);
    job.validation = None;
    let (ended, events) = run(&engine(&wrapper), &job);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    let rows = job.rows_of_step(5, Dataset::open(&job.train).unwrap().len() as u64);
    assert!(
        error
            .to_string()
            .ends_with(&format!("the last is step 6 with the rows {rows:?} of the samples")),
        "{error}"
    );
    let skipped = events.iter().filter_map(|event| match event {
        TrainEvent::Skipped { rate_scale, .. } => Some(*rate_scale),
        _ => None,
    });
    assert_eq!(skipped.collect::<Vec<_>>(), [1.0, 0.5, 0.25, 0.125, 0.0625]);
}

#[test]
fn training_that_does_not_help_ends_early_with_the_best_result() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let still = |name: &str| {
        let mut job = fixture::job(&root.path().join(name), 10);
        job.schedule.peak = 0.0;
        (job.validation_steps, job.patience) = (1, 2);
        job
    };
    let (ended, torch) = run(&engine(&python), &still("torch"));
    assert_eq!(ended.unwrap(), Ended::Early);
    let (ended, native) = run(&NativeEngine, &still("native"));
    assert_eq!(ended.unwrap(), Ended::Early);
    assert!(apart(&torch, &native)[0] < CLOSE);
    let [a, b] = ["torch", "native"].map(|name| {
        let model = Model::open(&still(name).base).unwrap().with_name("base");
        let adapter = Adapter::read(&still(name).out, &model).unwrap();
        adapter
            .tensors()
            .flat_map(|(_, _, values)| values.to_vec())
            .collect::<Vec<f32>>()
    });
    assert_eq!(a, b, "both start with the same values");
}

#[test]
fn a_damaged_base_is_told_as_one() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let mut job = fixture::job(&root.path().join("run"), 2);
    let base = root.path().join("base");
    fs::create_dir(&base).unwrap();
    fs::copy(job.base.join("config.json"), base.join("config.json")).unwrap();
    fs::write(base.join("model.safetensors"), b"cut off").unwrap();
    job.base = base;
    let error = run(&engine(&python), &job).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model, "{error}");
}

#[test]
fn the_process_ends_with_the_one_that_started_it() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run");
    // Writes the files of the training.
    engine(&python).probe(&fixture::job(&folder, 10_000));
    let mut parent = Command::new("sh")
        .args([
            "-c",
            r#""$1" "$2/train.py" "$2/torch-job.json" --heartbeat 0.5 & wait"#,
            "sh",
        ])
        .args([&python, &folder])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("heartbeat"), "{line}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    let since = Instant::now();
    while !processes(&folder).is_empty() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(processes(&folder).is_empty());
}
