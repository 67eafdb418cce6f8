//! Writes what `tests/golden/check.py` loads with transformers and peft: an adapter that was trained here, the same
//! merged into its base, a model of which all weights were trained here, and the logits of each.
//!
//! `cargo run -p codelupe-model --example export -- qwen /tmp/out` (or `llama`)

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context;
use codelupe_model::{
    Batch, GenerateConfig, LoraConfig, Model, OptimConfig, Recompute, Trainable, Trainer, generate, logits, merge,
};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().context("the name of a golden model is wanted")?;
    let out = PathBuf::from(arguments.next().context("a folder to write to is wanted")?);
    fs::create_dir_all(&out)?;
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(&name);
    let model = Model::open(&base)?;
    let tokens: Vec<u32> = (0..24).map(|i| i * 7 % 250).collect();
    let batch = Batch::of_text(&tokens)?;

    let mut adapted = trained(&model, Trainable::Lora(LoraConfig::default()), &batch)?;
    let adapter = adapted.adapter().context("an adapter is trained")?;
    adapter.save(&out.join("adapter"))?;
    merge(&model, &adapter, &out.join("merged"))?;
    let full = trained(&model, Trainable::Full, &batch)?;
    full.save_model(&out.join("full"))?;

    let completion = generate(&model, Some(&adapter), &tokens[..4], &GenerateConfig::default())?;
    let answers = json!({
        "tokens": tokens,
        "adapter": logits(&model, Some(&adapter), &batch)?,
        "full": logits(&Model::open(&out.join("full"))?, None, &batch)?,
        "loss": adapted.evaluate(&batch)?.first().map(codelupe_model::Loss::mean),
        "completion": completion.tokens,
    });
    fs::write(out.join("answers.json"), answers.to_string())?;
    Ok(())
}

/// A few steps, far enough for the weights to be others.
fn trained<'m>(model: &'m Model, trainable: Trainable, batch: &Batch) -> anyhow::Result<Trainer<'m>> {
    let mut trainer = Trainer::new(model, trainable, OptimConfig::default(), Recompute::None, 0)?;
    for _ in 0..10 {
        trainer.accumulate(batch)?;
        trainer.step(5e-3);
    }
    Ok(trainer)
}
