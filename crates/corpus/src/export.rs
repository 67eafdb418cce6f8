//! Exports of a build: copies of its shards, or zstd-compressed JSON lines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::build::{BuildRecord, ShardManifest, read_manifest, read_shard};
use crate::error::{Error, ErrorKind};
use crate::key::{CARD, Key, MANIFEST};
use crate::objects::{Objects, in_parts};
use codelupe_disk::{make_folder, partial, publish, remove, sync_all};

/// Level of compression: zstd's default.
const ZSTD_LEVEL: i32 = 3;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The build's folder as it is: Parquet shards, manifest and card.
    Parquet,
    /// One JSON object a line, compressed with zstd, one file for each shard.
    JsonLines,
}

/// Copies a build out of the store to the new folder `target` of this machine, shard by shard; `progress` hears each file
/// written.
///
/// # Errors
/// `Conflict` when `target` exists; `NotFound` or `Corrupt` of the build; `DiskFull`, `Permission` or `Io` of the target.
pub fn export(
    objects: &Arc<dyn Objects>,
    build: &str,
    target: &Path,
    format: Format,
    mut progress: impl FnMut(&Path),
) -> Result<Vec<PathBuf>, Error> {
    let manifest = read_manifest(&**objects, build)?;
    if target.exists() {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("`{}` exists already", target.display()),
        ));
    }
    if target.file_name().is_none() {
        let context = format!("`{}` does not name a folder that can be made", target.display());
        return Err(Error::new(ErrorKind::NotFound, context));
    }
    let partial = partial(target);
    remove(&partial)?;
    make_folder(&partial)?;
    let mut written = Vec::new();
    for shard in manifest.splits.iter().flat_map(|split| &split.shards) {
        let path = match format {
            Format::Parquet => copy(&**objects, &shard.key(build), &partial.join(&shard.path))?,
            Format::JsonLines => json_lines(objects, build, &partial, shard)?,
        };
        progress(&path);
        written.push(path);
    }
    let manifest = Key::Manifest(build.to_owned());
    written.push(copy(&**objects, &manifest, &partial.join(MANIFEST))?);
    if format == Format::Parquet {
        let card = Key::Card(build.to_owned());
        written.push(copy(&**objects, &card, &partial.join(CARD))?);
    }
    sync_all(&partial)?;
    publish(&partial, target)?;
    Ok(written
        .iter()
        .filter_map(|path| path.strip_prefix(&partial).ok())
        .map(|path| target.join(path))
        .collect())
}

fn copy(objects: &dyn Objects, key: &Key, to: &Path) -> Result<PathBuf, Error> {
    make_parent(to)?;
    if let Some(from) = objects.file(key) {
        fs::copy(&from, to).map_err(|error| Error::io("copy to", to, error))?;
        return Ok(to.to_owned());
    }
    let failed = |error| Error::io("write", to, error);
    let mut file = File::create(to).map_err(failed)?;
    let bytes = objects.head(key)?.bytes;
    in_parts(objects, key, bytes, |part| file.write_all(part).map_err(failed))?;
    Ok(to.to_owned())
}

fn json_lines(objects: &Arc<dyn Objects>, build: &str, target: &Path, shard: &ShardManifest) -> Result<PathBuf, Error> {
    let to = target.join(&shard.path).with_extension("jsonl.zst");
    make_parent(&to)?;
    let failed = |error| Error::io("write", &to, error);
    let file = BufWriter::new(File::create(&to).map_err(failed)?);
    let mut out = zstd::Encoder::new(file, ZSTD_LEVEL).map_err(failed)?;
    read_shard(objects, build, shard, |record| {
        let line = Line {
            bytes: record.content.len(),
            record: &record,
        };
        serde_json::to_writer(&mut out, &line).map_err(|error| failed(error.into()))?;
        out.write_all(b"\n").map_err(failed)
    })?;
    // What is written is made durable as a whole, before the export gets its name.
    out.finish().and_then(|mut file| file.flush()).map_err(failed)?;
    Ok(to)
}

/// One line: the same fields as the columns of a shard.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: &'a BuildRecord,
    bytes: usize,
}

fn make_parent(path: &Path) -> Result<(), Error> {
    Ok(path.parent().map_or(Ok(()), make_folder)?)
}
