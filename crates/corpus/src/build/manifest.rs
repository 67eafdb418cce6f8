//! The manifest of a build.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BuildRecord;
use crate::key::Key;

/// The format that this program writes and reads.
pub const MANIFEST_FORMAT: u32 = 2;

/// Everything about a build; `manifest.json`. It holds no time, so that the same input gives the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// The build's name.
    pub name: String,
    /// What it was made from and how.
    #[serde(flatten)]
    pub description: Description,
    /// Its splits.
    pub splits: Vec<SplitManifest>,
}

/// What a build was made from and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Program and version.
    pub program: String,
    /// The rules that contents were processed by.
    pub recipe: String,
    /// The configuration of deduplication and build.
    pub config: serde_json::Value,
    /// Where every file went: `found`, and files by reason code.
    pub funnel: BTreeMap<String, u64>,
}

/// One split of a build.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitManifest {
    /// `train`, `validation` or `held_out`.
    pub name: String,
    /// Its total.
    pub total: Tally,
    /// By language.
    pub languages: BTreeMap<String, Tally>,
    /// By license expression; `none` where there is none.
    pub licenses: BTreeMap<String, Tally>,
    /// Its files on disk.
    pub shards: Vec<ShardManifest>,
}

/// A number of files and the sum of their contents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Bytes of content.
    pub bytes: u64,
}

/// One Parquet file of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardManifest {
    /// Path below the build's folder.
    pub path: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

impl Manifest {
    pub(super) fn new(name: &str, description: Description, splits: Vec<SplitManifest>) -> Self {
        Self {
            format: MANIFEST_FORMAT,
            name: name.to_owned(),
            description,
            splits,
        }
    }

    /// Files and bytes of all splits.
    pub fn total(&self) -> Tally {
        self.splits.iter().fold(Tally::default(), |sum, split| Tally {
            files: sum.files + split.total.files,
            bytes: sum.bytes + split.total.bytes,
        })
    }
}

impl ShardManifest {
    /// The shard's key in the store.
    pub fn key(&self, build: &str) -> Key {
        Key::Shard {
            build: build.to_owned(),
            path: self.path.clone(),
        }
    }
}

impl SplitManifest {
    pub(super) fn count(&mut self, record: &BuildRecord) {
        let bytes = record.content.len() as u64;
        self.total.add(bytes);
        self.languages.entry(record.language.clone()).or_default().add(bytes);
        self.licenses
            .entry(record.license.clone().unwrap_or_else(|| "none".to_owned()))
            .or_default()
            .add(bytes);
    }
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}
