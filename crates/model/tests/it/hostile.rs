//! Files with any damage: an error, never a panic, and never a value that was not in the file.

use std::fs;

use codelupe_model::{Adapter, Batch, ErrorKind, LoraConfig, Model, Target, logits};
use proptest::prelude::*;

use crate::fixture::{folder, model};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A byte of the header is another: the model opens with the same shapes, or is refused.
    #[test]
    fn headers_with_a_wrong_byte(place in 0usize..3000, byte: u8) {
        let root = tempfile::tempdir().unwrap();
        let mut bytes = fs::read(folder("llama").join("model.safetensors")).unwrap();
        bytes[place] = byte;
        fs::write(root.path().join("model.safetensors"), bytes).unwrap();
        fs::copy(folder("llama").join("config.json"), root.path().join("config.json")).unwrap();
        match Model::open(root.path()) {
            Ok(model) => {
                let all = logits(&model, None, &Batch::of_text(&[1, 2]).unwrap()).unwrap();
                prop_assert_eq!(all.len(), 2 * 256);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error),
        }
    }

    #[test]
    fn configs_with_a_wrong_byte(place in 0usize..716, byte: u8) {
        let root = tempfile::tempdir().unwrap();
        let mut bytes = fs::read(folder("llama").join("config.json")).unwrap();
        bytes[place] = byte;
        fs::write(root.path().join("config.json"), bytes).unwrap();
        fs::copy(folder("llama").join("model.safetensors"), root.path().join("model.safetensors")).unwrap();
        if let Err(error) = Model::open(root.path()) {
            let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported, ErrorKind::Invalid];
            prop_assert!(expected.contains(&error.kind()), "{}", error);
        }
    }

    #[test]
    fn adapters_with_a_wrong_byte(file in 0usize..2, place in 0usize..1100, byte: u8) {
        let model = model("qwen");
        let root = tempfile::tempdir().unwrap();
        for (index, name) in ["adapter_config.json", "adapter_model.safetensors"].into_iter().enumerate() {
            let mut bytes = fs::read(folder("qwen").join("adapter").join(name)).unwrap();
            if index == file {
                bytes[place] = byte;
            }
            fs::write(root.path().join(name), bytes).unwrap();
        }
        if let Err(error) = Adapter::read(root.path(), &model) {
            let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported, ErrorKind::Invalid, ErrorKind::Mismatch];
            prop_assert!(expected.contains(&error.kind()), "{}", error);
        }
    }

    /// Every rank, scale and choice of projections.
    #[test]
    fn adapters_are_read_back_as_they_were_written(
        rank in 1usize..9,
        alpha in 0.01f32..100.0,
        dropout in 0.0f32..0.99,
        targets in proptest::sample::subsequence(Target::ALL.to_vec(), 1..=7),
        seed: u64,
    ) {
        let model = model("llama");
        let config = LoraConfig { rank, alpha, dropout, targets: targets.into_iter().collect() };
        let adapter = Adapter::new(&model, config.clone(), seed).unwrap();
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("adapter");
        adapter.save(&path).unwrap();
        let read = Adapter::read(&path, &model).unwrap();
        prop_assert_eq!(read.config(), &config);
        prop_assert!(read.tensors().eq(adapter.tensors()));
    }

    /// Samples cover all tokens, in order, and no row's edge is inside one.
    #[test]
    fn batches_are_cut_into_samples_at_every_boundary(
        rows in 1usize..5,
        length in 1usize..20,
        cuts in proptest::collection::vec(0usize..100, 0..8),
    ) {
        let count = rows * length;
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < count).collect();
        cuts.sort_unstable();
        let batch = Batch::new(length, vec![0; count], vec![true; count], &cuts).unwrap();
        let mut end = 0;
        for sample in batch.samples() {
            prop_assert_eq!(sample.start, end);
            prop_assert!(!sample.is_empty());
            prop_assert_eq!(sample.start / length, (sample.end - 1) / length);
            end = sample.end;
        }
        prop_assert_eq!(end, count);
        for cut in cuts {
            prop_assert!(batch.samples().iter().any(|sample| sample.start == cut));
        }
    }
}
