//! Reading the files of a build back.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{BuildRecord, ShardManifest};
use crate::error::{Error, ErrorKind};

/// Rows decoded at a time: a row is at most the size limit of one file (10 MiB by default).
const BATCH_ROWS: usize = 64;

/// Calls `each` with every file of a shard, in order. `each` may stop the reading by an error of its own.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Io` when the shard cannot be read; and those of `each`.
pub fn read_shard<E: From<Error>>(
    build: &Path,
    shard: &ShardManifest,
    mut each: impl FnMut(BuildRecord) -> Result<(), E>,
) -> Result<(), E> {
    let path = build.join(&shard.path);
    let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|error| Error::parquet("read", &path, error))?;
    for batch in batches {
        let batch = batch.map_err(|error| Error::parquet("read", &path, error.into()))?;
        for row in 0..batch.num_rows() {
            let record = record(&batch, row).ok_or_else(|| {
                let context = format!("`{}` lacks a column of a build", path.display());
                Error::new(ErrorKind::Corrupt, context)
            })?;
            each(record)?;
        }
    }
    Ok(())
}

/// Calls `each` with the repository and the blob id, hexadecimal, of every file of a shard, in order, without reading contents.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Io` when the shard cannot be read.
pub fn read_blobs(build: &Path, shard: &ShardManifest, mut each: impl FnMut(&str, &str)) -> Result<(), Error> {
    let path = build.join(&shard.path);
    let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| Error::parquet("read", &path, error))?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["repository", "blob"]);
    let batches = builder.with_projection(columns).build();
    for batch in batches.map_err(|error| Error::parquet("read", &path, error))? {
        let batch = batch.map_err(|error| Error::parquet("read", &path, error.into()))?;
        let column = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let (Some(repositories), Some(blobs)) = (column("repository"), column("blob")) else {
            let context = format!("`{}` lacks a column of a build", path.display());
            return Err(Error::new(ErrorKind::Corrupt, context));
        };
        for (repository, blob) in repositories.iter().flatten().zip(blobs.iter().flatten()) {
            each(repository, blob);
        }
    }
    Ok(())
}

fn record(batch: &RecordBatch, row: usize) -> Option<BuildRecord> {
    let column = |name: &str| batch.column_by_name(name);
    let optional = |name: &str| -> Option<Option<String>> {
        let array = column(name)?.as_string_opt::<i32>()?;
        Some(array.is_valid(row).then(|| array.value(row).to_owned()))
    };
    let text = |name: &str| optional(name)?;
    Some(BuildRecord {
        repository: text("repository")?,
        path: text("path")?,
        forge: text("forge")?,
        origin: optional("origin")?,
        commit: optional("commit")?,
        blob: text("blob")?,
        swhid: text("swhid")?,
        language: text("language")?,
        license: optional("license")?,
        license_class: text("license_class")?,
        quality: column("quality")?.as_primitive_opt::<UInt8Type>()?.value(row),
        redactions: column("redactions")?.as_primitive_opt::<UInt32Type>()?.value(row),
        content: text("content")?,
    })
}
