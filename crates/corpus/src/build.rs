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
use std::path::PathBuf;

use codelupe_core::Split;
use codelupe_disk::{make_folder, work_name, write_new};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use manifest::{Description, MANIFEST_FORMAT, Manifest, ShardManifest, SplitManifest, Tally};
pub use reader::{read_blobs, read_shard};

use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;
use crate::key::{CARD, Key, MANIFEST, Prefix};
use crate::objects::Objects;
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

/// Writes one build under `tmp/` and puts it into the store when finished.
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

    /// Ends all shards, writes manifest and card, and puts all of it into the store, whole and durable.
    ///
    /// A build of that name that is there already is one that a crash left unlinked, or the same build; it is replaced.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`, and those of a bucket; nothing counts as published then.
    pub fn finish(mut self, name: &str, description: Description) -> Result<FinishedBuild, Error> {
        let mut splits = Vec::new();
        for (split, mut writer) in std::mem::take(&mut self.splits) {
            writer.end_shard()?;
            writer.manifest.name = split.to_string();
            splits.push(writer.manifest);
        }
        let manifest = Manifest::new(name, description, splits);
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::new(ErrorKind::Io, "cannot write the manifest as JSON").with_source(error))?;
        write_new(&self.root.join(MANIFEST), text.as_bytes())?;
        write_new(&self.root.join(CARD), card::card(&manifest).as_bytes())?;
        let objects = self.folder.objects();
        objects.put_folder(&Prefix::Build(name.to_owned()), &self.root, MANIFEST)?;
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

/// Reads the manifest of a build.
///
/// # Errors
/// `NotFound` when there is none; `Corrupt` when it is no manifest or of another format; what reading fails with.
pub fn read_manifest(objects: &dyn Objects, build: &str) -> Result<Manifest, Error> {
    parse(objects, build, &objects.get(&Key::Manifest(build.to_owned()))?)
}

fn parse(objects: &dyn Objects, build: &str, text: &[u8]) -> Result<Manifest, Error> {
    let place = || objects.place(&Key::Manifest(build.to_owned()).to_string());
    let parsed = |error| {
        let context = format!("`{}` is not a build manifest", place());
        Error::new(ErrorKind::Corrupt, context).with_source(error)
    };
    let Format { format } = serde_json::from_slice(text).map_err(parsed)?;
    if format == MANIFEST_FORMAT {
        return serde_json::from_slice(text).map_err(parsed);
    }
    let context = format!(
        "`{}` has format {format}, this program reads {MANIFEST_FORMAT}: `codelupe build` makes a new one",
        place()
    );
    Err(Error::new(ErrorKind::Corrupt, context))
}

/// What a manifest of any format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Whether a build has the manifest of that SHA-256 (hexadecimal), and every shard in its size.
///
/// # Errors
/// What asking the store fails with; a build that has lost or changed something is none.
pub fn is_whole(objects: &dyn Objects, build: &str, digest: &str) -> Result<bool, Error> {
    let Some(text) = unless_missing(objects.get(&Key::Manifest(build.to_owned())))? else {
        return Ok(false);
    };
    let Ok(manifest) = parse(objects, build, &text) else {
        return Ok(false);
    };
    for shard in manifest.splits.iter().flat_map(|split| &split.shards) {
        let head = unless_missing(objects.head(&shard.key(build)))?;
        if head.is_none_or(|head| head.bytes != shard.bytes) {
            return Ok(false);
        }
    }
    Ok(hex::encode(Sha256::digest(&text)) == digest)
}

fn unless_missing<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}
