//! Reading the files of a build back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use parquet::file::metadata::PageIndexPolicy;

use super::{BuildRecord, ShardManifest};
use crate::error::Error;
use crate::objects::Objects;
use crate::table::{Rows, Table};

/// Rows decoded at a time: a row is at most the size limit of one file (10 MiB by default).
const BATCH_ROWS: usize = 64;

/// Calls `each` with every file of a shard, in order. `each` may stop the reading by an error of its own.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Io` when the shard cannot be read, and those of a bucket; and those of `each`.
pub fn read_shard<E: From<Error>>(
    objects: &Arc<dyn Objects>,
    build: &str,
    shard: &ShardManifest,
    mut each: impl FnMut(BuildRecord) -> Result<(), E>,
) -> Result<(), E> {
    batches(objects, build, shard, &[], |table, batch| {
        for row in 0..batch.num_rows() {
            each(record(batch, row).ok_or_else(|| table.lacks("a column of a build"))?)?;
        }
        Ok(())
    })
}

/// Calls `each` with the repository and the blob id, hexadecimal, of every file of a shard, in order, without reading contents.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Io` when the shard cannot be read, and those of a bucket.
pub fn read_blobs(
    objects: &Arc<dyn Objects>,
    build: &str,
    shard: &ShardManifest,
    mut each: impl FnMut(&str, &str),
) -> Result<(), Error> {
    batches(objects, build, shard, &["repository", "blob"], |table, batch| {
        let column = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let (Some(repositories), Some(blobs)) = (column("repository"), column("blob")) else {
            return Err(table.lacks("a column of a build"));
        };
        for (repository, blob) in repositories.iter().flatten().zip(blobs.iter().flatten()) {
            each(repository, blob);
        }
        Ok(())
    })
}

/// Calls `each` with some columns (none named: all) of all rows, row group by row group.
fn batches<E: From<Error>>(
    objects: &Arc<dyn Objects>,
    build: &str,
    shard: &ShardManifest,
    columns: &[&str],
    mut each: impl FnMut(&Table, &RecordBatch) -> Result<(), E>,
) -> Result<(), E> {
    let table = Table::open(objects, shard.key(build), PageIndexPolicy::Skip)?;
    let columns = table.columns(columns);
    for group in table.groups() {
        let chunks = table.fetch(&[group], &columns)?;
        let rows = Rows {
            batch: Some(BATCH_ROWS),
            ..Rows::of_group(group)
        };
        for batch in table.read(chunks, columns.clone(), rows)? {
            each(&table, &batch.map_err(|error| table.damaged(error.into()))?)?;
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
