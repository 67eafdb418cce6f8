//! `codelupe bench train`: steps of an adapter on random weights, and samples of real files, each run in a process of its own
//! with one thread; beside torch, transformers and peft where a Python with them is named.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use codelupe_core::{Language, error::ErrorCode};
use codelupe_model::{
    Batch, LoraConfig, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer, init_model,
};
use codelupe_samples::{Document, Provenance, SampleConfig, Tokenizer, write_dataset};
use serde::{Deserialize, Serialize};

use crate::cli::TrainArguments;
use crate::dedup::real_files;
use crate::failure::Failure;
use crate::meter::{cpu_seconds, peak_bytes};

/// The same steps by torch.
const TORCH: &str = include_str!("torch_step.py");

/// Files that samples are made of.
const FILES: usize = 12_000;

/// Ids of the tokenizer that is learned from some of them.
const VOCABULARY: usize = 32_000;

/// What is measured: a model's shape, rows and their length, steps.
#[derive(Debug, Clone, Copy)]
struct Task {
    model: &'static str,
    rows: usize,
    length: usize,
    steps: usize,
}

const TASKS: [Task; 3] = [
    Task {
        model: "tiny",
        rows: 4,
        length: 128,
        steps: 20,
    },
    Task {
        model: "tiny",
        rows: 1,
        length: 2048,
        steps: 6,
    },
    Task {
        model: "0.5B",
        rows: 1,
        length: 128,
        steps: 2,
    },
];

/// One run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Tokens, or bytes of text.
    units: f64,
    cpu_seconds: f64,
    peak_bytes: u64,
}

/// The medians of the runs of one task.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    task: String,
    tokens_per_cpu_second: f64,
    peak_bytes: u64,
    torch_tokens_per_cpu_second: Option<f64>,
    torch_peak_bytes: Option<u64>,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    steps: Vec<Line>,
    samples_bytes_per_cpu_second: f64,
}

pub(crate) fn run(arguments: &TrainArguments) -> anyhow::Result<Report> {
    let place = tempfile::tempdir().context("cannot make a folder for models")?;
    let script = place.path().join("torch_step.py");
    std::fs::File::create(&script)?.write_all(TORCH.as_bytes())?;
    let mut steps = Vec::new();
    for task in TASKS.into_iter().filter(|task| arguments.large || task.model == "tiny") {
        let folder = place.path().join(task.model);
        if !folder.is_dir() {
            init_model(&folder, &shape(task.model)?, 0)?;
        }
        let (mut own, mut torch) = (Vec::new(), Vec::new());
        for round in 1..=arguments.rounds {
            tracing::info!(
                round,
                model = task.model,
                rows = task.rows,
                length = task.length,
                "measuring"
            );
            own.push(child(&single(&task, &folder))?);
            if let Some(python) = &arguments.peers {
                torch.push(peer(python, &script, &task, &folder)?);
            }
        }
        steps.push(Line {
            task: format!("{}, {} x {} tokens", task.model, task.rows, task.length),
            tokens_per_cpu_second: median(own.iter().map(|run| run.units / run.cpu_seconds)).unwrap_or_default(),
            peak_bytes: own.iter().map(|run| run.peak_bytes).max().unwrap_or_default(),
            torch_tokens_per_cpu_second: median(torch.iter().map(|run| run.units / run.cpu_seconds)),
            torch_peak_bytes: torch.iter().map(|run| run.peak_bytes).max(),
        });
    }
    let mut samples = Vec::new();
    for round in 1..=arguments.rounds {
        tracing::info!(round, "measuring samples");
        samples.push(child(&["--single".into(), "samples".into()])?);
    }
    Ok(Report {
        steps,
        samples_bytes_per_cpu_second: median(samples.iter().map(|run| run.units / run.cpu_seconds)).unwrap_or_default(),
    })
}

/// One run, in the process that a run above started.
pub(crate) fn one(what: &[PathBuf]) -> anyhow::Result<Measured> {
    let numbers: Vec<usize> = what
        .iter()
        .skip(1)
        .filter_map(|text| text.to_str()?.parse().ok())
        .collect();
    match (what, numbers.as_slice()) {
        ([word], _) if word == Path::new("samples") => samples(),
        ([folder, ..], [rows, length, steps]) => train(folder, *rows, *length, *steps),
        _ => Err(Failure::new(ErrorCode::Validation, "samples, or FOLDER ROWS LENGTH STEPS").into()),
    }
}

fn shape(name: &str) -> anyhow::Result<ModelConfig> {
    let tiny = ModelConfig::preset(Preset::Tiny, 4096)?;
    if name == "tiny" {
        return Ok(tiny);
    }
    // That of Qwen2.5-Coder-0.5B.
    Ok(ModelConfig {
        hidden_size: 896,
        layers: 24,
        heads: 14,
        intermediate_size: 4864,
        vocab_size: 151_936,
        ..tiny
    })
}

fn single(task: &Task, folder: &Path) -> Vec<PathBuf> {
    let numbers = [task.rows, task.length, task.steps].map(|number| number.to_string().into());
    [vec!["--single".into(), folder.to_owned()], numbers.to_vec()].concat()
}

/// This program again, with one thread.
fn child(arguments: &[PathBuf]) -> anyhow::Result<Measured> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(program)
        .arg("train")
        .args(arguments)
        .env("RAYON_NUM_THREADS", "1")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start this program")?;
    if !output.status.success() {
        return Err(Failure::new(ErrorCode::Internal, format!("a run ended by {}", output.status)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The same by torch; its line is `torch 4x128: 12.3 tok/cpu-s, 4.5 tok/s, peak 678 MB, loss 9.0`.
fn peer(python: &Path, script: &Path, task: &Task, folder: &Path) -> anyhow::Result<Measured> {
    let numbers = [task.rows, task.length, task.steps].map(|number| number.to_string());
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .args(numbers)
        .env("OMP_NUM_THREADS", "1")
        .output()
        .with_context(|| format!("cannot start `{}`", python.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |before: &str| -> Option<f64> { said.split(before).nth(1)?.split_whitespace().next()?.parse().ok() };
    let (Some(speed), Some(peak)) = (number(": "), number("peak ")) else {
        let error = String::from_utf8_lossy(&output.stderr);
        let last = error.lines().last().unwrap_or_default().to_owned();
        return Err(Failure::new(ErrorCode::Validation, format!("torch could not be measured: {last}")).into());
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "megabytes that a process has"
    )]
    let peak_bytes = (peak * 1_048_576.0) as u64;
    Ok(Measured {
        units: speed,
        cpu_seconds: 1.0,
        peak_bytes,
    })
}

fn train(folder: &Path, rows: usize, length: usize, steps: usize) -> anyhow::Result<Measured> {
    let model = Model::open(folder)?;
    let trainable = Trainable::Lora(LoraConfig::default());
    let mut trainer = Trainer::new(&model, trainable, OptimConfig::default(), Recompute::None, 0)?;
    let mut start = 0.0;
    for step in 0..=steps {
        if step == 1 {
            // The first step reads the file and makes buffers.
            start = cpu_seconds();
        }
        let vocabulary = model.config().vocab_size;
        let tokens = (0..rows * length).map(|i| u32::try_from((i * 7919 + step * 104_729) % vocabulary));
        let tokens = tokens.collect::<Result<_, _>>()?;
        trainer.accumulate(&Batch::new(length, tokens, vec![true; rows * length], &[])?)?;
        trainer.step(1e-4);
    }
    Ok(Measured {
        units: (rows * length * steps) as f64,
        cpu_seconds: cpu_seconds() - start,
        peak_bytes: peak_bytes(),
    })
}

/// Real files become packed rows, with default settings.
fn samples() -> anyhow::Result<Measured> {
    let mut documents: Vec<Document> = real_files(FILES)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|(path, text)| {
            let text = String::from_utf8(text).ok()?;
            let path = path.to_string_lossy().into_owned();
            let repository = path.rsplit('/').nth(2).unwrap_or_default().to_owned();
            Some(Document {
                repository,
                path,
                language: Language::known("Rust"),
                text,
            })
        })
        .collect();
    documents.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    let place = tempfile::tempdir()?;
    let texts = documents.iter().step_by(8).map(|document| &document.text);
    let tokenizer = Tokenizer::train_bpe(texts, VOCABULARY, &place.path().join("tokenizer"))?;
    let start = cpu_seconds();
    let documents = documents.into_iter().map(Ok::<_, Infallible>);
    let config = SampleConfig::default();
    write_dataset(
        documents,
        &tokenizer,
        &config,
        &place.path().join("rows"),
        &Provenance::default(),
    )?;
    Ok(Measured {
        units: bytes as f64,
        cpu_seconds: cpu_seconds() - start,
        peak_bytes: peak_bytes(),
    })
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::from(
        "| one thread, f32, LoRA of rank 16 | tokens a CPU second | torch | times | peak memory | torch | share |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for line in &report.steps {
        let torch = line.torch_tokens_per_cpu_second;
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} | {} | {} MB | {} | {} |",
            line.task,
            line.tokens_per_cpu_second,
            or_dash(torch.map(|torch| format!("{torch:.1}"))),
            or_dash(torch.map(|torch| format!("{:.2}", line.tokens_per_cpu_second / torch))),
            line.peak_bytes / 1_000_000,
            or_dash(line.torch_peak_bytes.map(|peak| format!("{} MB", peak / 1_000_000))),
            or_dash(
                line.torch_peak_bytes
                    .map(|peak| format!("{:.2}", line.peak_bytes as f64 / peak as f64))
            ),
        );
    }
    let _ = write!(
        text,
        "\nText to packed rows: {:.0} MB a CPU second.",
        report.samples_bytes_per_cpu_second / 1e6
    );
    text
}
