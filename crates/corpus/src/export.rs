//! Exports of a build: copies of its shards, or zstd-compressed JSON lines.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::{BuildRecord, ShardManifest, read_manifest, read_shard};
use crate::error::{Error, ErrorKind};
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

/// Copies the build in `build` to the new folder `target`, shard by shard; `progress` hears each file written.
///
/// # Errors
/// `Conflict` when `target` exists; `NotFound` or `Corrupt` of the build; `DiskFull`, `Permission` or `Io` of the target.
pub fn export(
    build: &Path,
    target: &Path,
    format: Format,
    mut progress: impl FnMut(&Path),
) -> Result<Vec<PathBuf>, Error> {
    let manifest = read_manifest(build)?;
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
            Format::Parquet => copy(build, &partial, &shard.path)?,
            Format::JsonLines => json_lines(build, &partial, shard)?,
        };
        progress(&path);
        written.push(path);
    }
    for name in ["manifest.json", "README.md"] {
        if format == Format::Parquet || name == "manifest.json" {
            written.push(copy(build, &partial, name)?);
        }
    }
    sync_all(&partial)?;
    publish(&partial, target)?;
    Ok(written
        .iter()
        .filter_map(|path| path.strip_prefix(&partial).ok())
        .map(|path| target.join(path))
        .collect())
}

fn copy(build: &Path, target: &Path, name: &str) -> Result<PathBuf, Error> {
    let (from, to) = (build.join(name), target.join(name));
    make_parent(&to)?;
    fs::copy(&from, &to).map_err(|error| Error::io("copy to", &to, error))?;
    Ok(to)
}

fn json_lines(build: &Path, target: &Path, shard: &ShardManifest) -> Result<PathBuf, Error> {
    let to = target.join(&shard.path).with_extension("jsonl.zst");
    make_parent(&to)?;
    let failed = |error| Error::io("write", &to, error);
    let file = BufWriter::new(File::create(&to).map_err(failed)?);
    let mut out = zstd::Encoder::new(file, ZSTD_LEVEL).map_err(failed)?;
    read_shard(build, shard, |record| {
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
