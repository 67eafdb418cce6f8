//! The golden models, and small batches.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use codelupe_model::{
    Adapter, Batch, LoraConfig, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer,
};
use safetensors::SafeTensors;

/// The golden models: biases and a tied head in bf16; no biases, an own head and an odd head width in f16.
pub(crate) const MODELS: [&str; 2] = ["qwen", "llama"];

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

pub(crate) fn model(name: &str) -> Model {
    Model::open(&folder(name)).unwrap()
}

pub(crate) fn adapter(name: &str, model: &Model) -> Adapter {
    Adapter::read(&folder(name).join("adapter"), model).unwrap()
}

/// What torch computed.
pub(crate) struct Golden {
    floats: HashMap<String, Vec<f32>>,
    tokens: HashMap<String, Vec<u32>>,
}

impl Golden {
    pub(crate) fn read(name: &str) -> Self {
        let bytes = fs::read(folder(name).join("golden.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (mut floats, mut tokens) = (HashMap::new(), HashMap::new());
        for (name, view) in file.iter() {
            let words = view.data().chunks_exact(4).map(|b| <[u8; 4]>::try_from(b).unwrap());
            if view.dtype() == safetensors::Dtype::F32 {
                floats.insert(name.to_owned(), words.map(f32::from_le_bytes).collect());
            } else {
                tokens.insert(name.to_owned(), words.map(u32::from_le_bytes).collect());
            }
        }
        Self { floats, tokens }
    }

    pub(crate) fn floats(&self, name: &str) -> &[f32] {
        self.floats.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(crate) fn names(&self, prefix: &str) -> Vec<&str> {
        self.floats
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .collect()
    }

    /// The batch of `make.py` number `index` of `name`: samples of 7, 9 and 16 tokens, of the last of which 6 are not
    /// learned.
    pub(crate) fn batch(&self, name: &str, index: usize) -> Batch {
        packed(&self.tokens[name][index * 32..][..32])
    }
}

/// Two rows of 16, the first of two samples.
pub(crate) fn packed(tokens: &[u32]) -> Batch {
    let learned = (0..32).map(|place| !(16..22).contains(&place)).collect();
    Batch::new(16, tokens.to_vec(), learned, &[7]).unwrap()
}

/// A batch of any tokens of a vocabulary.
pub(crate) fn tokens(count: usize, vocabulary: usize) -> Vec<u32> {
    (0..count)
        .map(|i| u32::try_from((i * i * 31 + i * 7 + 3) % vocabulary).unwrap())
        .collect()
}

/// A trainer of an adapter that is not zero.
pub(crate) fn trainer<'m>(name: &str, model: &'m Model, recompute: Recompute) -> Trainer<'m> {
    let trainable = Trainable::Adapter(adapter(name, model));
    Trainer::new(model, trainable, OptimConfig::default(), recompute, 0).unwrap()
}

/// A random model of one layer in a new folder.
pub(crate) fn random_model() -> (tempfile::TempDir, Model) {
    let config = ModelConfig {
        hidden_size: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        intermediate_size: 48,
        ..ModelConfig::preset(Preset::Tiny, 96).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("base");
    codelupe_model::init_model(&path, &config, 5).unwrap();
    let model = Model::open(&path).unwrap();
    (folder, model)
}

pub(crate) fn lora(rank: usize, dropout: f32) -> LoraConfig {
    LoraConfig {
        rank,
        dropout,
        ..LoraConfig::default()
    }
}

/// The largest difference, as a part of the largest expected value.
pub(crate) fn difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let worst = got.iter().zip(expected).fold(0.0f32, |m, (a, b)| {
        assert!(a.is_finite(), "{a}");
        m.max((a - b).abs())
    });
    worst / largest.max(f32::MIN_POSITIVE)
}
