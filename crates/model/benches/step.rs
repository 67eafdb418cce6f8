//! A training step of an adapter on the tiny preset: gradients of a batch, and the optimizer.

#![expect(clippy::unwrap_used, reason = "a bench ends where its setup fails")]

use codelupe_model::{
    Batch, LoraConfig, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer, init_model,
};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Steps over `rows` rows of `length` tokens; items are tokens.
fn steps(bencher: Bencher<'_, '_>, (rows, length): (usize, usize), recompute: Recompute) -> codelupe_model::Result<()> {
    let folder = std::env::temp_dir().join(format!("codelupe-bench-{}-{rows}", std::process::id()));
    init_model(&folder, &ModelConfig::preset(Preset::Tiny, 4096)?, 0)?;
    let model = Model::open(&folder)?;
    let trainable = Trainable::Lora(LoraConfig::default());
    let mut trainer = Trainer::new(&model, trainable, OptimConfig::default(), recompute, 0)?;
    let tokens = (0..rows * length)
        .map(|i| u32::try_from(i * 7919 % 4096).unwrap_or(0))
        .collect();
    let batch = Batch::new(length, tokens, vec![true; rows * length], &[])?;
    bencher.counter(ItemsCount::new(rows * length)).bench_local(|| {
        let loss = trainer.accumulate(&batch);
        trainer.step(1e-4);
        loss
    });
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}

#[divan::bench(sample_count = 10)]
fn four_rows_of_128(bencher: Bencher<'_, '_>) {
    steps(bencher, (4, 128), Recompute::None).unwrap();
}

#[divan::bench(sample_count = 5)]
fn one_row_of_2048(bencher: Bencher<'_, '_>) {
    steps(bencher, (1, 2048), Recompute::None).unwrap();
}

#[divan::bench(sample_count = 5)]
fn one_row_of_2048_recomputed(bencher: Bencher<'_, '_>) {
    steps(bencher, (1, 2048), Recompute::PerLayer).unwrap();
}
