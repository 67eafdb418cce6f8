//! The samples of a training: made once, in its folder.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use codelupe_core::{BlobId, Split};
use codelupe_corpus::BuildRecord;
use codelupe_samples::{DatasetSummary, Provenance, SampleConfig, Tokenizer, write_dataset};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::cursor::{Choice, sample};
use crate::documents::Build;
use crate::error::Error;

/// What a training learns from, and what it is judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Material {
    /// The build.
    pub build: String,
    /// SHA-256 of its manifest.
    pub digest: String,
    /// The hash over everything that the samples depend on.
    pub data: String,
    /// Files by license expression; `none` where there is none.
    pub licenses: BTreeMap<String, u64>,
    /// Files by language.
    pub languages: BTreeMap<String, u64>,
    /// Rows to learn.
    pub rows: u64,
    /// Tokens of them, without padding.
    pub tokens: u64,
    /// Tokens of them whose prediction counts.
    pub learned: u64,
    /// Whether there are samples that say when to stop.
    pub validation: bool,
    /// Whether there are samples that a finished model is judged by.
    pub held_out: bool,
}

/// Makes the samples of all kinds in the folder of a training.
pub(crate) fn format(
    build: &Build,
    tokenizer: &Tokenizer,
    config: &TrainConfig,
    choice: &Choice,
    training: &Path,
) -> Result<Material, Error> {
    let samples = config.sampling();
    let chosen = choice.all();
    let (train, census) = write(
        build,
        tokenizer,
        Split::Train,
        &chosen,
        &samples,
        &training.join("train"),
    )?;
    let validation = sample(build, Split::Validation, files_for(config.validation_rows))?;
    let (validation, _) = write(
        build,
        tokenizer,
        Split::Validation,
        &validation,
        &samples,
        &training.join("validation"),
    )?;
    let held_out = sample(build, Split::HeldOut, files_for(config.held_out_rows))?;
    let plain = SampleConfig {
        fim_rate: 0.0,
        repository_share: 0.0,
        instruction_share: 0.0,
        ..samples.clone()
    };
    let (whole, _) = write(
        build,
        tokenizer,
        Split::HeldOut,
        &held_out,
        &plain,
        &training.join("held_out"),
    )?;
    let holes = SampleConfig {
        fim_rate: 1.0,
        spm_rate: 0.0,
        ..plain
    };
    write(
        build,
        tokenizer,
        Split::HeldOut,
        &held_out,
        &holes,
        &training.join("holes"),
    )?;
    Ok(Material {
        build: build.name.clone(),
        digest: build.digest.clone(),
        data: train.inputs,
        licenses: census.licenses,
        languages: census.languages,
        rows: train.rows,
        tokens: train.total.tokens,
        learned: train.total.learned,
        validation: validation.rows > 0,
        held_out: whole.rows > 0,
    })
}

/// Files that make about so many rows; a file is seldom less than half a row.
fn files_for(rows: u64) -> usize {
    usize::try_from(rows.saturating_mul(2)).unwrap_or(usize::MAX)
}

/// Makes the samples of the wanted files of a split, and counts what these are.
fn write(
    build: &Build,
    tokenizer: &Tokenizer,
    split: Split,
    wanted: &HashSet<BlobId>,
    config: &SampleConfig,
    out: &Path,
) -> Result<(DatasetSummary, Census), Error> {
    let provenance = Provenance {
        build: build.name.clone(),
        digest: digest(&build.digest, wanted),
        split: split.as_str().to_owned(),
    };
    let mut census = Census::default();
    let taken = |record: &BuildRecord| {
        let taken = is_wanted(record, wanted);
        if taken {
            census.count(record);
        }
        taken
    };
    let summary = build.documents(split, taken, |documents| {
        Ok(write_dataset(documents, tokenizer, config, out, &provenance)?)
    })?;
    Ok((summary, census))
}

fn is_wanted(record: &BuildRecord, wanted: &HashSet<BlobId>) -> bool {
    record.blob.parse().is_ok_and(|blob| wanted.contains(&blob))
}

/// What tells the files of a build that were chosen from any others.
fn digest(build: &str, wanted: &HashSet<BlobId>) -> String {
    use sha2::{Digest, Sha256};
    let mut blobs: Vec<&BlobId> = wanted.iter().collect();
    blobs.sort_unstable();
    let mut hash = Sha256::new_with_prefix(build);
    for blob in blobs {
        hash.update(blob.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// What the chosen files are.
#[derive(Default)]
struct Census {
    licenses: BTreeMap<String, u64>,
    languages: BTreeMap<String, u64>,
}

impl Census {
    fn count(&mut self, record: &BuildRecord) {
        let license = record.license.clone().unwrap_or_else(|| "none".to_owned());
        *self.licenses.entry(license).or_default() += 1;
        *self.languages.entry(record.language.clone()).or_default() += 1;
    }
}
