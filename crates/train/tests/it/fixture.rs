//! What the tests share: a small random model, samples of this crate's own sources, jobs on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use codelupe_core::Language;
use codelupe_model::{LoraConfig, ModelConfig, OptimConfig, Preset, Schedule, init_model};
use codelupe_samples::{Document, Provenance, SampleConfig, Tokenizer, write_dataset};
use codelupe_train::EngineJob;
use codelupe_train::JOB_VERSION;
use tempfile::TempDir;

/// The ids of the tokenizer.
const VOCABULARY: usize = 512;

/// The tokens of a row.
const SEQUENCE_LENGTH: usize = 128;

/// A model and samples, made once for all tests.
pub(crate) fn material() -> &'static Path {
    static MATERIAL: OnceLock<TempDir> = OnceLock::new();
    MATERIAL.get_or_init(make).path()
}

fn make() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources();
    let base = folder.path().join("base");
    init_model(&base, &ModelConfig::preset(Preset::Tiny, VOCABULARY).unwrap(), 7).unwrap();
    let tokenizer = Tokenizer::train_bpe(sources.iter().map(|(_, text)| text), VOCABULARY, &base).unwrap();
    let (train, validation) = sources.split_at(sources.len() - 2);
    for (name, files) in [("train", train), ("validation", validation)] {
        write_samples(files, &tokenizer, &folder.path().join(name));
    }
    folder
}

fn write_samples(files: &[(String, String)], tokenizer: &Tokenizer, out: &Path) {
    let documents = files.iter().map(|(path, text)| {
        Ok::<_, std::io::Error>(Document {
            repository: "github.com/codelupe/train".to_owned(),
            path: path.clone(),
            language: Language::known("Rust"),
            text: text.clone(),
        })
    });
    let config = SampleConfig {
        sequence_length: SEQUENCE_LENGTH,
        ..SampleConfig::default()
    };
    write_dataset(documents, tokenizer, &config, out, &Provenance::default()).unwrap();
}

/// The sources of this crate, sorted by path.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.is_file());
    files.sort();
    let named = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text)
    };
    files.into_iter().map(named).collect()
}

/// A job on the material in the folder of a training.
pub(crate) fn job(training: &Path, steps: u64) -> EngineJob {
    let material = material();
    EngineJob {
        version: JOB_VERSION,
        base: material.join("base"),
        base_name: "models/base".to_owned(),
        lora: Some(LoraConfig::default()),
        adapter: None,
        train: material.join("train"),
        validation: Some(material.join("validation")),
        optimizer: OptimConfig::default(),
        schedule: Schedule {
            peak: 2e-3,
            warmup: 3,
            steps,
            floor: 0.1,
        },
        steps,
        rows_per_step: 4,
        rows_at_once: 2,
        recompute: false,
        checkpoint_steps: 5,
        validation_steps: 5,
        validation_rows: 4,
        patience: 0,
        seed: 3,
        checkpoint: training.join("checkpoint"),
        out: training.join("result"),
    }
}
