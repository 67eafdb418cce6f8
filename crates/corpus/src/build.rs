//! Builds: named, immutable corpora made of survivors.
//!
//! ```text
//! builds/NAME/
//!   manifest.json             everything about the build, with SHA-256 of every shard
//!   README.md                 dataset card, with the `configs` header that `datasets` reads
//!   train/00000.parquet …     one row for each file, by repository and path
//!   validation/…  held_out/…
//! ```
//!
//! The same input and config give the same bytes (guarantee G3): rows come sorted, and neither manifest nor card holds a time.

mod card;
mod manifest;
mod reader;
mod shard;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use codelupe_core::Split;
use codelupe_disk::{make_folder, publish, remove, sync, work_name, write_new};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use manifest::{Description, MANIFEST_FORMAT, Manifest, ShardManifest, SplitManifest, Tally};
pub use reader::{read_blobs, read_shard};

use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;
use shard::ShardWriter;

/// A shard ends after this many bytes of content, uncompressed.
const SHARD_BYTES: u64 = 256 << 20;

/// One file of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuildRecord {
    /// The repository's name.
    pub repository: String,
    /// The path in it; bytes that cannot be shown are escaped.
    pub path: String,
    /// Where the repository comes from: `git`, `folder` or `crate`.
    pub forge: String,
    /// The address it was found at; none for one that is only a folder of some machine.
    pub origin: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// The blob id of the original content, hexadecimal.
    pub blob: String,
    /// The Software Heritage id of the original content.
    pub swhid: String,
    /// Linguist's name of the language.
    pub language: String,
    /// The repository's license expression.
    pub license: Option<String>,
    /// The class of that license.
    pub license_class: String,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Secrets and personal data that were replaced.
    pub redactions: u32,
    /// The text.
    pub content: String,
}

/// Writes one build under `tmp/` and publishes it when finished.
pub struct BuildWriter {
    folder: DataFolder,
    root: PathBuf,
    splits: BTreeMap<Split, SplitWriter>,
}

#[derive(Default)]
struct SplitWriter {
    shard: Option<ShardWriter>,
    manifest: SplitManifest,
}

impl BuildWriter {
    /// Starts a build.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io` when its folder cannot be made.
    pub fn create(folder: &DataFolder) -> Result<Self, Error> {
        let root = folder.tmp().join(work_name("build"));
        for split in Split::ALL {
            let path = root.join(split.as_str());
            make_folder(&path)?;
        }
        let splits = Split::ALL.map(|split| (split, SplitWriter::default())).into();
        Ok(Self {
            folder: folder.clone(),
            root,
            splits,
        })
    }

    /// Appends a file to a split.
    ///
    /// # Errors
    /// `DiskFull` or `Io`; the build is of no use then.
    pub fn append(&mut self, split: Split, record: &BuildRecord) -> Result<(), Error> {
        let writer = self.splits.entry(split).or_default();
        let shard = if let Some(shard) = &mut writer.shard {
            shard
        } else {
            let name = format!("{split}/{:05}.parquet", writer.manifest.shards.len());
            writer.shard.insert(ShardWriter::create(&self.root, name)?)
        };
        shard.append(record)?;
        writer.manifest.count(record);
        if shard.content_bytes() >= SHARD_BYTES {
            writer.end_shard()?;
        }
        Ok(())
    }

    /// Ends all shards, writes manifest and card, makes all durable and publishes the folder.
    ///
    /// A folder of that name that is there already is one that a crash left unlinked, or the same build; it is replaced.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`; nothing is published then.
    pub fn finish(mut self, name: &str, description: Description) -> Result<FinishedBuild, Error> {
        let mut splits = Vec::new();
        for (split, mut writer) in std::mem::take(&mut self.splits) {
            writer.end_shard()?;
            writer.manifest.name = split.to_string();
            sync(&self.root.join(split.as_str()))?;
            splits.push(writer.manifest);
        }
        let manifest = Manifest::new(name, description, splits);
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::new(ErrorKind::Io, "cannot write the manifest as JSON").with_source(error))?;
        write_new(&self.root.join("manifest.json"), text.as_bytes())?;
        write_new(&self.root.join("README.md"), card::card(&manifest).as_bytes())?;
        sync(&self.root)?;
        let target = self.folder.builds().join(name);
        if target.exists() {
            remove(&target)?;
        }
        publish(&self.root, &target)?;
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        Ok(FinishedBuild { manifest, text, digest })
    }
}

impl SplitWriter {
    fn end_shard(&mut self) -> Result<(), Error> {
        if let Some(shard) = self.shard.take() {
            self.manifest.shards.push(shard.finish()?);
        }
        Ok(())
    }
}

/// A published build.
#[derive(Debug, Clone)]
pub struct FinishedBuild {
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest as it stands in `manifest.json`.
    pub text: String,
    /// SHA-256 of that text, hexadecimal.
    pub digest: String,
}

/// Reads the manifest of a build's folder.
///
/// # Errors
/// `NotFound` when there is none; `Corrupt` when it is no manifest or of another format.
pub fn read_manifest(build: &Path) -> Result<Manifest, Error> {
    let path = build.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
    let parsed = |error| {
        let context = format!("`{}` is not a build manifest", path.display());
        Error::new(ErrorKind::Corrupt, context).with_source(error)
    };
    let Format { format } = serde_json::from_str(&text).map_err(parsed)?;
    if format == MANIFEST_FORMAT {
        return serde_json::from_str(&text).map_err(parsed);
    }
    let context = format!(
        "`{}` has format {format}, this program reads {MANIFEST_FORMAT}: `codelupe build` makes a new one",
        path.display()
    );
    Err(Error::new(ErrorKind::Corrupt, context))
}

/// What a manifest of any format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Whether a build's folder holds the manifest of that SHA-256 (hexadecimal), and every shard in its size.
pub fn is_whole(build: &Path, digest: &str) -> bool {
    let manifest = fs::read(build.join("manifest.json"));
    let untouched = manifest.is_ok_and(|text| hex::encode(Sha256::digest(&text)) == digest);
    let has = |shard: &ShardManifest| fs::metadata(build.join(&shard.path)).is_ok_and(|file| file.len() == shard.bytes);
    untouched
        && read_manifest(build).is_ok_and(|manifest| manifest.splits.iter().flat_map(|split| &split.shards).all(has))
}
