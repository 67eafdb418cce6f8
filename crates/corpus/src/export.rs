//! Exports of a build: copies of its shards, or zstd-compressed JSON lines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codelupe_core::error::ErrorCode;
use serde::Serialize;

use crate::build::{BuildRecord, Manifest, ShardManifest, read_manifest, read_shard};
use crate::error::{Error, ErrorKind};
use crate::file_list;
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
/// `Target` when `target` exists, or names no folder; `NotFound` or `Corrupt` of the build; `DiskFull`, `Permission` or `Io` of the
/// target.
pub fn export(
    objects: &Arc<dyn Objects>,
    build: &str,
    target: &Path,
    format: Format,
    mut progress: impl FnMut(&Path),
) -> Result<Vec<PathBuf>, Error> {
    let manifest = read_manifest(&**objects, build)?;
    if target.exists() {
        return Err(exists(&target.display().to_string()));
    }
    if target.file_name().is_none() {
        let context = format!("`{}` does not name a folder that can be made", target.display());
        return Err(Error::new(ErrorKind::Target, context).with_code(ErrorCode::NotFound));
    }
    let partial = partial(target);
    remove(&partial)?;
    make_folder(&partial)?;
    let mut written = Vec::new();
    write_files(objects, &manifest, &partial, format, |name| {
        progress(&partial.join(name));
        written.push(target.join(name));
        Ok(())
    })?;
    sync_all(&partial)?;
    publish(&partial, target)?;
    Ok(written)
}

/// Copies a build out of the store into another one, `target`, whose keys are those of [`Key::Export`]. Each file is written in
/// the new folder `work` of this machine first; the manifest comes last, and makes the export whole. `progress` hears each file
/// put, whose names are returned.
///
/// # Errors
/// `Target` when `target` holds a whole export; `NotFound` or `Corrupt` of the build; `DiskFull`, `Permission` or `Io` of this
/// machine; else as [`Objects::put_file`].
pub fn export_to_store(
    objects: &Arc<dyn Objects>,
    build: &str,
    target: &dyn Objects,
    work: &Path,
    format: Format,
    mut progress: impl FnMut(&str),
) -> Result<Vec<String>, Error> {
    let manifest = read_manifest(&**objects, build)?;
    let last = Key::Export(MANIFEST.to_owned());
    match target.head(&last) {
        Ok(_) => return Err(exists(&target.place(""))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    make_folder(work)?;
    let mut written = Vec::new();
    write_files(objects, &manifest, work, format, |name| {
        if name != MANIFEST {
            target.put_file(&Key::Export(name.to_owned()), &work.join(name))?;
        }
        progress(name);
        written.push(name.to_owned());
        Ok(())
    })?;
    target.put_file(&last, &work.join(MANIFEST))?;
    remove(work)?;
    Ok(written)
}

fn exists(place: &str) -> Error {
    Error::new(ErrorKind::Target, format!("`{place}` exists already"))
}

/// Writes all files of an export below `root`; `written` hears the path of each from there.
fn write_files(
    objects: &Arc<dyn Objects>,
    manifest: &Manifest,
    root: &Path,
    format: Format,
    mut written: impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let build = &manifest.name;
    for shard in manifest.splits.iter().flat_map(|split| &split.shards) {
        match format {
            Format::Parquet => {
                let to = root.join(&shard.path);
                copy(&**objects, &shard.key(build), &to)?;
                must_be(&to, shard, || objects.place(&shard.key(build).to_string()))?;
                written(&shard.path)?;
            }
            Format::JsonLines => {
                let name = format!(
                    "{}.jsonl.zst",
                    shard.path.strip_suffix(".parquet").unwrap_or(&shard.path)
                );
                json_lines(objects, build, shard, &root.join(&name))?;
                written(&name)?;
            }
        }
    }
    copy(&**objects, &Key::Manifest(build.clone()), &root.join(MANIFEST))?;
    written(MANIFEST)?;
    if format == Format::Parquet {
        copy(&**objects, &Key::Card(build.clone()), &root.join(CARD))?;
        written(CARD)?;
    }
    Ok(())
}

/// A copy says by its manifest what it holds, so that it must be that.
fn must_be(copy: &Path, shard: &ShardManifest, place: impl Fn() -> String) -> Result<(), Error> {
    let found = file_list::hash(copy).map_err(|error| Error::io("read", copy, error))?;
    if (found.bytes, found.sha256.as_str()) == (shard.bytes, shard.sha256.as_str()) {
        return Ok(());
    }
    let context = format!("`{}` is damaged: it is not what the build's manifest says", place());
    Err(Error::new(ErrorKind::Corrupt, context))
}

fn copy(objects: &dyn Objects, key: &Key, to: &Path) -> Result<(), Error> {
    make_parent(to)?;
    if let Some(from) = objects.file(key) {
        return fs::copy(&from, to)
            .map(drop)
            .map_err(|error| Error::io("copy to", to, error));
    }
    let failed = |error| Error::io("write", to, error);
    let mut file = File::create(to).map_err(failed)?;
    let bytes = objects.head(key)?.bytes;
    in_parts(objects, key, bytes, |part| file.write_all(part).map_err(failed))
}

fn json_lines(objects: &Arc<dyn Objects>, build: &str, shard: &ShardManifest, to: &Path) -> Result<(), Error> {
    make_parent(to)?;
    let failed = |error| Error::io("write", to, error);
    let file = BufWriter::new(File::create(to).map_err(failed)?);
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
    out.finish().and_then(|mut file| file.flush()).map_err(failed)
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
