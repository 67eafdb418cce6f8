//! The native engine: losses that are no numbers, early ends, stops.

use std::fs;
use std::path::Path;

use codelupe_model::{Adapter, Model};
use codelupe_train::native::NativeEngine;
use codelupe_train::{Ended, Support};
use codelupe_train::{EngineJob, ErrorKind, StopToken, TrainEngine as _, TrainEvent};

use crate::fixture::{job, material};

fn train(job: &EngineJob) -> (Result<Ended, codelupe_train::Error>, Vec<TrainEvent>) {
    let mut events = Vec::new();
    let ended = NativeEngine.run(job, &mut |event| events.push(event), &StopToken::default());
    (ended, events)
}

/// A copy of the base whose final norm has a value that is no number.
fn broken_base(folder: &Path) -> std::path::PathBuf {
    let base = folder.join("broken");
    fs::create_dir(&base).unwrap();
    for entry in fs::read_dir(material().join("base")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), base.join(entry.file_name())).unwrap();
    }
    let path = base.join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let start = json["model.norm.weight"]["data_offsets"][0].as_u64().unwrap();
    let at = 8 + header + usize::try_from(start).unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    base
}

#[test]
fn steps_without_a_finite_gradient_are_skipped_at_a_lower_rate_and_then_named() {
    let training = tempfile::tempdir().unwrap();
    let job = EngineJob {
        base: broken_base(training.path()),
        ..job(training.path(), 20)
    };
    let (ended, events) = train(&job);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged, "{error}");
    assert!(error.to_string().contains("step 6 with the rows ["), "{error}");
    let skipped: Vec<(u64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Skipped { step, rate_scale, .. } => Some((*step, *rate_scale)),
            _ => None,
        })
        .collect();
    assert_eq!(skipped, [(1, 1.0), (2, 0.5), (3, 0.25), (4, 0.125), (5, 0.0625)]);
    // Of a loss that is no number it is told, and nothing is the best by it.
    assert!(
        matches!(&events[1], TrainEvent::Warning { text } if text.contains("NaN")),
        "{events:?}"
    );
    assert!(!training.path().join("result").exists());
}

#[test]
fn training_that_does_not_help_ends_early_and_again_after_a_kill() {
    let training = tempfile::tempdir().unwrap();
    let mut job = EngineJob {
        patience: 2,
        validation_steps: 1,
        ..job(training.path(), 50)
    };
    // So high a rate makes everything worse.
    job.schedule.peak = 30.0;
    job.schedule.warmup = 0;
    let (ended, events) = train(&job);
    assert_eq!(ended.unwrap(), Ended::Early);
    let steps = events
        .iter()
        .filter(|event| matches!(event, TrainEvent::Step { .. }))
        .count();
    assert!((2..50).contains(&steps), "{steps}");
    // The two last measurements are no better than an earlier one, whose result it is.
    let measured: Vec<bool> = events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Validated { best, .. } => Some(*best),
            _ => None,
        })
        .collect();
    assert!(measured.ends_with(&[true, false, false]), "{measured:?}");
    let base = Model::open(&job.base).unwrap().with_name(job.base_name.clone());
    Adapter::read(&job.out, &base).unwrap();

    // Killed between the last checkpoint and the result, it takes no further step.
    fs::rename(&job.out, training.path().join("checkpoint/best")).unwrap();
    let (ended, events) = train(&job);
    assert_eq!(ended.unwrap(), Ended::Early);
    assert!(
        !events.iter().any(|event| matches!(event, TrainEvent::Step { .. })),
        "{events:?}"
    );
    assert!(job.out.is_dir());
}

#[test]
fn a_base_that_is_too_large_or_none_is_not_for_this_engine() {
    let training = tempfile::tempdir().unwrap();
    let mut job = job(training.path(), 1);
    assert!(matches!(NativeEngine.probe(&job), Support::Yes { bytes, .. } if bytes > 1_000_000));
    let text = fs::read_to_string(job.base.join("config.json")).unwrap();
    job.base = training.path().to_owned();
    assert!(matches!(NativeEngine.probe(&job), Support::No { why } if why.contains("config.json")));
    let large = text.replace("\"intermediate_size\": 688", "\"intermediate_size\": 688000");
    assert_ne!(large, text);
    fs::write(training.path().join("config.json"), large).unwrap();
    assert!(matches!(NativeEngine.probe(&job), Support::No { why } if why.contains("parameters")));
}
