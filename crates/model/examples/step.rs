//! Measures training steps of an adapter: tokens a CPU second, and memory. `torch_step.py` of codelupe-bench does the same with
//! torch, transformers and peft on the same folder.
//!
//! ```text
//! cargo run --release -p codelupe-model --example step -- init tiny /tmp/tiny     # or half: the 0.5 B shape
//! RAYON_NUM_THREADS=1 cargo run --release -p codelupe-model --example step -- /tmp/tiny 4 128 10 [per-layer]
//! ```
#![expect(clippy::print_stdout, reason = "its results")]

use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, bail};
use codelupe_model::{
    Architecture, Batch, LoraConfig, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer, init_model,
};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["init", shape, folder] => Ok(init_model(Path::new(folder), &config(shape)?, 0)?),
        [folder, rows, length, steps] => measure(folder, rows, length, steps, Recompute::None),
        [folder, rows, length, steps, "per-layer"] => measure(folder, rows, length, steps, Recompute::PerLayer),
        _ => bail!("init tiny|half FOLDER, or FOLDER ROWS LENGTH STEPS [per-layer]"),
    }
}

fn config(shape: &str) -> anyhow::Result<ModelConfig> {
    let tiny = ModelConfig::preset(Preset::Tiny, 4096)?;
    match shape {
        "tiny" => Ok(tiny),
        "half" => Ok(ModelConfig {
            architecture: Architecture::Qwen2,
            hidden_size: 896,
            layers: 24,
            heads: 14,
            intermediate_size: 4864,
            vocab_size: 151_936,
            ..tiny
        }),
        _ => bail!("tiny or half"),
    }
}

fn measure(folder: &str, rows: &str, length: &str, steps: &str, recompute: Recompute) -> anyhow::Result<()> {
    let (rows, length, steps): (usize, usize, usize) = (rows.parse()?, length.parse()?, steps.parse()?);
    let model = Model::open(Path::new(folder))?;
    let trainable = Trainable::Lora(LoraConfig::default());
    let mut trainer = Trainer::new(&model, trainable, OptimConfig::default(), recompute, 0)?;
    let mut losses = Vec::new();
    let (mut start, mut wall) = (0.0, Instant::now());
    for step in 0..=steps {
        if step == 1 {
            // The first step reads the file and makes buffers.
            (start, wall) = (cpu_seconds()?, Instant::now());
        }
        let vocabulary = model.config().vocab_size;
        let tokens = (0..rows * length).map(|i| u32::try_from((i * 7919 + step * 104_729) % vocabulary));
        let batch = Batch::new(
            length,
            tokens.collect::<Result<_, _>>()?,
            vec![true; rows * length],
            &[],
        )?;
        losses.push(trainer.accumulate(&batch)?.mean());
        trainer.step(1e-4);
    }
    let tokens = (rows * length * steps) as f64;
    let (cpu, wall) = (cpu_seconds()? - start, wall.elapsed().as_secs_f64());
    println!(
        "native {rows}x{length} {recompute:?}: {:.1} tok/cpu-s, {:.1} tok/s, peak {} MB, of it now files {} MB, loss {:.4}",
        tokens / cpu,
        tokens / wall,
        status("VmHWM")?,
        status("RssFile")?,
        losses.last().context("no step")?,
    );
    Ok(())
}

/// The CPU time of all threads, in hundredths of a second's steps.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which is in parentheses: user and system time are the 12th and 13th, in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next().context("no name")?.split_whitespace().collect();
    let ticks = |index: usize| -> anyhow::Result<f64> { Ok(fields.get(index).context("too short")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// An entry of `/proc/self/status` in megabytes.
fn status(key: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .context("no such entry")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("no value")?.parse()?;
    Ok(kilobytes / 1024)
}
