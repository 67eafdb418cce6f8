//! What a dataset was made from, and what it contains.

use std::collections::BTreeMap;

use codelupe_core::Language;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::SampleConfig;
use crate::sample::SampleKind;
use crate::sampler::FileOutcome;
use crate::shard::ShardEntry;
use crate::tokenizer::Tokenizer;

/// The version of the folder; it changes when a program of an earlier version could not read it.
pub(crate) const FORMAT: u32 = 1;

/// The version of the way samples are made; it changes when the same inputs would give other samples.
pub(crate) const SCHEME: &str = "codelupe-samples-1";

/// The build that documents come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The name of the build.
    pub build: String,
    /// Identifies its content, such as a hash of its manifest.
    pub digest: String,
    /// Which split of it, such as `train`.
    pub split: String,
}

/// How many samples and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Samples.
    pub samples: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Those of the tokens that are learned.
    pub learned: u64,
}

impl Count {
    /// Counts one more sample.
    pub(crate) fn add(&mut self, tokens: usize, learned: usize) {
        self.samples += 1;
        self.tokens += tokens as u64;
        self.learned += learned as u64;
    }
}

/// What `dataset.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSummary {
    /// The version of the folder, `FORMAT`.
    pub format: u32,
    /// Identifies its inputs, as [`inputs_digest`] gives it.
    pub inputs: String,
    /// The SHA-256 of the tokenizer.json.
    pub tokenizer: String,
    /// One more than the largest id of the tokenizer.
    pub vocabulary_size: usize,
    /// The token that fills the ends of rows.
    pub padding: u32,
    /// How samples were made.
    pub config: SampleConfig,
    /// The build that they were made from.
    pub provenance: Provenance,
    /// Its files, in the order of their rows.
    pub shards: Vec<ShardEntry>,
    /// The languages, by the number that rows have for them.
    pub languages: Vec<Language>,
    /// Its number of rows.
    pub rows: u64,
    /// All samples, without padding.
    pub total: Count,
    /// By the kind of the sample.
    pub by_kind: BTreeMap<SampleKind, Count>,
    /// By the language of the sample.
    pub by_language: BTreeMap<Language, Count>,
    /// How many documents had each outcome.
    pub documents: BTreeMap<FileOutcome, u64>,
}

impl DatasetSummary {
    /// An empty summary.
    pub(crate) fn empty(tokenizer: &Tokenizer, config: &SampleConfig, provenance: &Provenance) -> Self {
        Self {
            format: FORMAT,
            inputs: inputs_digest(tokenizer, config, provenance),
            tokenizer: tokenizer.digest().to_owned(),
            vocabulary_size: tokenizer.vocabulary_size(),
            padding: tokenizer.padding(),
            config: config.clone(),
            provenance: provenance.clone(),
            shards: Vec::new(),
            languages: Vec::new(),
            rows: 0,
            total: Count::default(),
            by_kind: BTreeMap::new(),
            by_language: BTreeMap::new(),
            documents: BTreeMap::new(),
        }
    }

    /// The share of all positions in rows that hold tokens of samples, 0 to 1.
    pub fn fill(&self) -> f64 {
        let places = self.rows * self.config.sequence_length as u64;
        if places == 0 {
            return 0.0;
        }
        self.total.tokens as f64 / places as f64
    }
}

/// The SHA-256, in hexadecimal, of all that a dataset depends on: two datasets with the same are the same.
pub fn inputs_digest(tokenizer: &Tokenizer, config: &SampleConfig, provenance: &Provenance) -> String {
    let inputs = serde_json::json!([
        FORMAT,
        SCHEME,
        tokenizer.digest(),
        tokenizer.padding(),
        config,
        provenance
    ]);
    hex::encode(Sha256::digest(inputs.to_string()))
}
