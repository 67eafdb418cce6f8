//! Against torch, transformers and peft, whose answers `tests/golden/make.py` has written.

use std::collections::BTreeSet;
use std::fs;

use codelupe_model::{
    Adapter, LoraConfig, Model, OptimConfig, Recompute, Schedule, Target, Trainable, Trainer, logits,
};
use safetensors::SafeTensors;

use crate::fixture::{Golden, MODELS, adapter, difference, folder, model, trainer};

/// What single precision may differ in, relative to the largest value of a tensor.
const CLOSE: f32 = 1e-4;

#[test]
fn logits_are_those_of_transformers_with_the_adapter_of_peft() {
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let got = logits(&model, Some(&adapter(name, &model)), &golden.batch("tokens", 0)).unwrap();
        let worst = difference(&got, golden.floats("lora.logits"));
        assert!(worst < CLOSE, "{name}: {worst}");
    }
}

#[test]
fn logits_without_an_adapter_are_those_of_transformers() {
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let got = logits(&model, None, &golden.batch("tokens", 0)).unwrap();
        let some: Vec<f32> = got
            .chunks_exact(model.config().vocab_size)
            .take(16)
            .step_by(5)
            .flatten()
            .copied()
            .collect();
        let worst = difference(&some, golden.floats("base.logits"));
        assert!(worst < CLOSE, "{name}: {worst}");
    }
}

#[test]
fn every_gradient_of_lora_is_that_of_torch() {
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let mut trainer = trainer(name, &model, Recompute::None);
        let loss = trainer.accumulate(&golden.batch("tokens", 0)).unwrap();
        assert_eq!(loss.tokens, 24);
        assert!((loss.mean() - f64::from(golden.floats("lora.loss")[0])).abs() < 1e-5);
        let mut compared = 0;
        for (tensor, _, sum) in trainer.gradients() {
            let mean: Vec<f32> = sum.iter().map(|g| g / loss.tokens as f32).collect();
            let worst = difference(&mean, golden.floats(&format!("lora.{tensor}")));
            assert!(worst < CLOSE, "{name} {tensor}: {worst}");
            compared += 1;
        }
        assert_eq!(compared, 2 * 7 * 2);
    }
}

/// Of each gradient its norm, its product with a wave, and its first values.
#[test]
fn every_gradient_of_all_weights_is_that_of_torch() {
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let mut trainer = Trainer::new(&model, Trainable::Full, OptimConfig::default(), Recompute::None, 0).unwrap();
        let loss = trainer.accumulate(&golden.batch("tokens", 0)).unwrap();
        assert!((loss.mean() - f64::from(golden.floats("full.loss")[0])).abs() < 1e-5);
        let mut names = BTreeSet::new();
        for (tensor, _, sum) in trainer.gradients() {
            let mean: Vec<f64> = sum.iter().map(|&g| f64::from(g) / loss.tokens as f64).collect();
            let norm = mean.iter().map(|g| g * g).sum::<f64>().sqrt();
            let wave: f64 = mean.iter().enumerate().map(|(i, g)| g * (i as f64).cos()).sum();
            let expected = golden.floats(&format!("full.{tensor}"));
            assert!(
                (norm / f64::from(expected[0]) - 1.0).abs() < 1e-4,
                "{name} {tensor}: {norm}"
            );
            assert!(
                (wave - f64::from(expected[1])).abs() < 1e-4 * norm,
                "{name} {tensor}: {wave}"
            );
            for (got, expected) in mean.iter().zip(&expected[2..]) {
                assert!((got - f64::from(*expected)).abs() < 1e-4 * norm, "{name} {tensor}");
            }
            names.insert(tensor.to_owned());
        }
        let expected: BTreeSet<String> = golden
            .names("full.")
            .into_iter()
            .filter(|n| *n != "loss")
            .map(str::to_owned)
            .collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn twenty_steps_have_the_losses_and_norms_of_torch() {
    let schedule = Schedule {
        peak: 5e-3,
        warmup: 5,
        steps: 20,
        floor: 0.1,
    };
    let optim = OptimConfig {
        max_grad_norm: 0.5,
        ..OptimConfig::default()
    };
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let trainable = Trainable::Adapter(adapter(name, &model));
        let mut trainer = Trainer::new(&model, trainable, optim, Recompute::None, 0).unwrap();
        let (losses, norms) = (golden.floats("curve.losses"), golden.floats("curve.norms"));
        for step in 0..20 {
            let loss = trainer.accumulate(&golden.batch("curve.tokens", step)).unwrap();
            let stats = trainer.step(schedule.rate(step as u64));
            assert!(
                (loss.mean() - f64::from(losses[step])).abs() < 1e-3,
                "{name} {step}: {}",
                loss.mean()
            );
            assert!(
                (stats.grad_norm / f64::from(norms[step]) - 1.0).abs() < 1e-3,
                "{name} {step}: {stats:?}"
            );
        }
        assert!(norms.iter().any(|norm| *norm > 0.5), "clipping is exercised");
        assert!(losses[19] < losses[0]);
    }
}

#[test]
fn an_adapter_is_written_with_the_names_shapes_and_settings_of_peft() {
    for name in MODELS {
        let model = model(name);
        let root = tempfile::tempdir().unwrap();
        let ours = root.path().join("adapter");
        adapter(name, &model).with_base(name).save(&ours).unwrap();
        let theirs = folder(name).join("adapter");
        let read = |folder: &std::path::Path| fs::read(folder.join("adapter_model.safetensors")).unwrap();
        let (ours_bytes, theirs_bytes) = (read(&ours), read(&theirs));
        let (a, b) = (
            SafeTensors::deserialize(&ours_bytes).unwrap(),
            SafeTensors::deserialize(&theirs_bytes).unwrap(),
        );
        assert_eq!(a.len(), b.len());
        for (tensor, view) in b.iter() {
            let own = a.tensor(tensor).unwrap();
            assert_eq!(
                (own.shape(), own.dtype(), own.data()),
                (view.shape(), view.dtype(), view.data()),
                "{tensor}"
            );
        }
        let json = |folder: &std::path::Path| -> serde_json::Value {
            serde_json::from_slice(&fs::read(folder.join("adapter_config.json")).unwrap()).unwrap()
        };
        let (ours, theirs) = (json(&ours), json(&theirs));
        for (key, value) in ours.as_object().unwrap() {
            let sorted = |value: &serde_json::Value| match value.as_array() {
                Some(values) => values.iter().map(ToString::to_string).collect::<BTreeSet<_>>(),
                None => BTreeSet::from([value.to_string()]),
            };
            assert_eq!(sorted(value), sorted(&theirs[key]), "{key}");
        }
    }
}

/// PEFT starts A with values of `kaiming_uniform(a = sqrt(5))`, within 1 / sqrt(inputs), and B with zeros.
#[test]
fn a_new_adapter_starts_as_one_of_peft() {
    let model: Model = model("qwen");
    let config = LoraConfig {
        targets: [Target::Q, Target::Down].into(),
        ..LoraConfig::default()
    };
    let adapter = Adapter::new(&model, config, 1).unwrap();
    assert_eq!(adapter.tensors().count(), 2 * 2 * 2);
    for (name, shape, values) in adapter.tensors() {
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        if name.ends_with("lora_A.weight") {
            let bound = 1.0 / (shape[1] as f32).sqrt();
            assert!(largest <= bound && largest > 0.95 * bound, "{name}: {largest} {bound}");
        } else {
            assert_eq!(largest, 0.0);
        }
    }
}
