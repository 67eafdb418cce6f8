//! Training against itself: what is computed in other ways must come out the same.

use std::fs;

use codelupe_model::{
    Batch, ErrorKind, LoraConfig, Loss, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer,
    estimate, init_model,
};

use crate::fixture::{Golden, MODELS, difference, lora, model, random_model, tokens, trainer};

fn gradients(trainer: &Trainer<'_>) -> Vec<f32> {
    trainer.gradients().flat_map(|(_, _, values)| values.to_vec()).collect()
}

fn values(trainer: &Trainer<'_>) -> Vec<f32> {
    trainer.values().flat_map(|(_, _, values)| values.to_vec()).collect()
}

fn fresh(model: &Model, trainable: Trainable, recompute: Recompute) -> Trainer<'_> {
    Trainer::new(model, trainable, OptimConfig::default(), recompute, 9).unwrap()
}

#[test]
fn recomputing_layers_gives_the_same_bits_as_keeping_them() {
    for (name, dropout) in [("qwen", 0.0), ("llama", 0.3)] {
        let (golden, model) = (Golden::read(name), model(name));
        let run = |recompute| {
            let mut trainer = fresh(&model, Trainable::Lora(lora(4, dropout)), recompute);
            for step in 0..3 {
                trainer.accumulate(&golden.batch("curve.tokens", step)).unwrap();
                trainer.step(0.01);
            }
            values(&trainer)
        };
        assert_eq!(run(Recompute::None), run(Recompute::PerLayer), "{name}");
    }
}

#[test]
fn samples_that_share_a_row_do_not_see_one_another() {
    for name in MODELS {
        let (golden, model) = (Golden::read(name), model(name));
        let packed = golden.batch("tokens", 0);
        let mut together = trainer(name, &model, Recompute::None);
        let loss = together.accumulate(&packed).unwrap();
        let mut apart = trainer(name, &model, Recompute::None);
        let mut sum = Loss::default();
        for sample in packed.samples() {
            let learned: Vec<bool> = sample.clone().map(|place| !(16..22).contains(&place)).collect();
            let single = Batch::from_samples([(&packed.tokens()[sample.clone()], learned.as_slice())]).unwrap();
            sum.add(apart.accumulate(&single).unwrap());
        }
        assert_eq!(loss.tokens, sum.tokens);
        assert!((loss.nll_sum - sum.nll_sum).abs() < 1e-4, "{name}");
        let worst = difference(&gradients(&together), &gradients(&apart));
        assert!(worst < 1e-5, "{name}: {worst}");
    }
}

/// Several blocks of queries and tiles of keys, with boundaries off their edges.
#[test]
fn long_samples_are_packed_as_short_ones_are() {
    let (_folder, model) = random_model();
    let ids = tokens(700, 96);
    let mut together = fresh(&model, Trainable::Full, Recompute::None);
    let packed = Batch::new(700, ids.clone(), vec![true; 700], &[130]).unwrap();
    let losses = together.evaluate(&packed).unwrap();
    together.accumulate(&packed).unwrap();
    let mut apart = fresh(&model, Trainable::Full, Recompute::PerLayer);
    for (sample, loss) in packed.samples().iter().zip(losses) {
        let single = Batch::of_text(&ids[sample.clone()]).unwrap();
        let own = apart.accumulate(&single).unwrap();
        assert!((own.mean() - loss.mean()).abs() < 1e-5);
    }
    let worst = difference(&gradients(&together), &gradients(&apart));
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn going_on_after_a_break_gives_the_same_bits() {
    let (folder, model) = random_model();
    let path = folder.path().join("state");
    let batch = |step: usize| Batch::of_text(&tokens(20 + step, 96)).unwrap();
    for trainable in [Trainable::Lora(lora(3, 0.2)), Trainable::Full] {
        let run = |trainer: &mut Trainer<'_>, steps: std::ops::Range<usize>| -> Vec<u64> {
            let mut losses = Vec::new();
            for step in steps {
                for part in 0..2 {
                    losses.push(trainer.accumulate(&batch(2 * step + part)).unwrap().nll_sum.to_bits());
                }
                trainer.step(0.01);
            }
            losses
        };
        let mut whole = fresh(&model, trainable.clone(), Recompute::None);
        let expected = run(&mut whole, 0..6);
        let mut first = fresh(&model, trainable.clone(), Recompute::None);
        run(&mut first, 0..3);
        first.save_state(&path).unwrap();
        first.accumulate(&batch(0)).unwrap();
        // Another seed: that of the state counts.
        let mut second = Trainer::new(&model, trainable, OptimConfig::default(), Recompute::None, 77).unwrap();
        second.accumulate(&batch(1)).unwrap();
        second.restore(&path).unwrap();
        assert_eq!(second.steps(), 3);
        assert_eq!(run(&mut second, 3..6), expected[6..]);
        assert_eq!(values(&second), values(&whole));
        first.restore(&path).unwrap();
        assert_eq!(run(&mut first, 3..6), expected[6..]);
    }
}

#[test]
fn the_state_of_another_training_or_a_damaged_one_is_refused_and_changes_nothing() {
    let (folder, model) = random_model();
    let path = folder.path().join("state");
    let mut trainer = fresh(&model, Trainable::Lora(lora(3, 0.0)), Recompute::None);
    trainer.save_state(&path).unwrap();
    let before = values(&trainer);
    for other in [
        Trainable::Full,
        Trainable::Lora(lora(4, 0.0)),
        Trainable::Lora(lora(3, 0.1)),
    ] {
        let error = fresh(&model, other, Recompute::None).restore(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
    }
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(trainer.restore(&path).is_err(), "{cut}");
    }
    let text = String::from_utf8_lossy(&bytes[..200]).into_owned();
    assert!(text.contains("codelupe-training-state-1"), "{text}");
    let mut other = bytes.clone();
    let place = text.find("state-1").unwrap() + 6;
    other[place] = b'9';
    fs::write(&path, &other).unwrap();
    assert_eq!(trainer.restore(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(values(&trainer), before);
    fs::write(&path, &bytes).unwrap();
    trainer.restore(&path).unwrap();
}

#[test]
fn one_batch_or_its_halves_make_the_same_step() {
    let (_folder, model) = random_model();
    let ids = tokens(64, 96);
    let samples = |range: std::ops::Range<usize>| {
        let samples: Vec<_> = ids[range].chunks(16).map(|ids| (ids, [true; 16])).collect();
        Batch::from_samples(samples.iter().map(|(ids, marks)| (*ids, marks.as_slice()))).unwrap()
    };
    let step = |parts: &[std::ops::Range<usize>]| {
        let mut trainer = fresh(&model, Trainable::Full, Recompute::None);
        for part in parts.iter().filter(|part| !part.is_empty()) {
            trainer.accumulate(&samples(part.clone())).unwrap();
        }
        let norm = trainer.step(0.0).grad_norm;
        assert!(norm > 0.0);
        norm
    };
    let (whole, halves) = (step(&[0..64, 0..0]), step(&[0..32, 32..64]));
    assert!((whole / halves - 1.0).abs() < 1e-5, "{whole} {halves}");
}

#[test]
fn a_step_that_is_not_finite_is_not_taken() {
    let (folder, model) = random_model();
    let mut trainer = fresh(&model, Trainable::Full, Recompute::None);
    // Weights of infinity, by way of a learning rate that no value survives.
    trainer.accumulate(&Batch::of_text(&tokens(8, 96)).unwrap()).unwrap();
    assert!(trainer.step(1e38).applied);
    let before = values(&trainer);
    trainer.accumulate(&Batch::of_text(&tokens(8, 96)).unwrap()).unwrap();
    let stats = trainer.step(0.1);
    assert!(!stats.applied && !stats.grad_norm.is_finite(), "{stats:?}");
    assert_eq!(trainer.steps(), 1);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&values(&trainer)), bits(&before));
    assert!(gradients(&trainer).iter().all(|g| g.to_bits() == 0));
    drop(folder);
}

#[test]
fn all_weights_learn_a_text_by_heart_and_can_be_the_base_of_an_adapter() {
    let (folder, model) = random_model();
    let batch = Batch::of_text(&tokens(40, 96)).unwrap();
    let mut full = fresh(&model, Trainable::Full, Recompute::None);
    let mut losses = Vec::new();
    for _ in 0..60 {
        losses.push(full.accumulate(&batch).unwrap().mean());
        full.step(0.01);
    }
    assert!((losses[0] - 96f64.ln()).abs() < 0.2, "starts at chance: {}", losses[0]);
    assert!(losses[59] < 0.3, "{}", losses[59]);
    let saved = folder.path().join("full");
    full.save_model(&saved).unwrap();
    let base = Model::open(&saved).unwrap();
    let mut adapted = fresh(&base, Trainable::Lora(LoraConfig::default()), Recompute::None);
    let evaluated = full.evaluate(&batch).unwrap()[0].mean();
    assert_eq!(
        adapted.evaluate(&batch).unwrap()[0].mean().to_bits(),
        evaluated.to_bits()
    );
    let other = Batch::of_text(&tokens(41, 95)).unwrap();
    let before = adapted.evaluate(&other).unwrap()[0].mean();
    for _ in 0..20 {
        adapted.accumulate(&other).unwrap();
        assert!(adapted.step(0.02).applied);
    }
    let after = adapted.evaluate(&other).unwrap()[0].mean();
    assert!(after < 0.6 * before, "{before} {after}");
}

#[test]
fn dropout_changes_training_and_not_evaluation() {
    let (_folder, model) = random_model();
    let batch = Batch::of_text(&tokens(40, 96)).unwrap();
    let mut trainer = fresh(&model, Trainable::Lora(lora(4, 0.5)), Recompute::None);
    trainer.accumulate(&batch).unwrap();
    trainer.step(0.05);
    let quiet = trainer.evaluate(&batch).unwrap()[0].nll_sum;
    assert_eq!(quiet.to_bits(), trainer.evaluate(&batch).unwrap()[0].nll_sum.to_bits());
    let (one, two) = (
        trainer.accumulate(&batch).unwrap().nll_sum,
        trainer.accumulate(&batch).unwrap().nll_sum,
    );
    assert_ne!(one.to_bits(), two.to_bits(), "each batch leaves out others");
    assert_ne!(one.to_bits(), quiet.to_bits());
    // A rate of zero changes no value, so only what is left out can differ.
    trainer.step(0.0);
    let next = trainer.accumulate(&batch).unwrap().nll_sum;
    assert_ne!(one.to_bits(), next.to_bits(), "each step leaves out others");
    assert_eq!(quiet.to_bits(), trainer.evaluate(&batch).unwrap()[0].nll_sum.to_bits());
}

#[test]
fn a_batch_of_which_nothing_is_learned_has_no_gradient() {
    let (_folder, model) = random_model();
    let mut trainer = fresh(&model, Trainable::Full, Recompute::None);
    let batch = Batch::from_samples([([1, 2, 3].as_slice(), [false; 3].as_slice())]).unwrap();
    assert_eq!(trainer.accumulate(&batch).unwrap(), Loss::default());
    assert!(gradients(&trainer).iter().all(|g| *g == 0.0));
    let before = values(&trainer);
    assert!(!trainer.step(1.0).applied);
    assert_eq!(values(&trainer), before);
}

#[test]
fn batches_that_the_model_cannot_read_are_refused() {
    let (_folder, model) = random_model();
    let mut trainer = fresh(&model, Trainable::Lora(lora(2, 0.0)), Recompute::None);
    for ids in [vec![1, 96], tokens(4097, 96)] {
        let batch = Batch::of_text(&ids).unwrap();
        assert_eq!(trainer.accumulate(&batch).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(trainer.evaluate(&batch).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

/// The estimate may be over what is used, by what attention uses besides; it must not be far under it.
#[test]
fn memory_is_estimated_before_it_is_used() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("base");
    let config = ModelConfig::preset(Preset::Tiny, 512).unwrap();
    init_model(&path, &config, 1).unwrap();
    let model = Model::open(&path).unwrap();
    for (trainable, lora) in [
        (Trainable::Lora(lora(16, 0.0)), Some(lora(16, 0.0))),
        (Trainable::Full, None),
    ] {
        for recompute in [Recompute::None, Recompute::PerLayer] {
            let estimate = estimate(&config, lora.as_ref(), 2, 64, recompute);
            let mut trainer = fresh(&model, trainable.clone(), recompute);
            let batch = Batch::new(64, tokens(128, 512), vec![true; 128], &[]).unwrap();
            trainer.accumulate(&batch).unwrap();
            let used = trainer.buffer_bytes() as f64 / (estimate.activations + estimate.logits) as f64;
            assert!((0.7..1.05).contains(&used), "{trainable:?} {recompute:?}: {used}");
            let trained: usize = trainer.values().map(|(_, _, values)| values.len()).sum();
            assert_eq!(estimate.trained, trained as u64 * 16);
        }
    }
}
