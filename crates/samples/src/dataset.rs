//! A finished dataset, opened to be read.

use std::fs;
use std::path::Path;

use codelupe_core::text::display_path;

use crate::error::{Error, ErrorKind};
use crate::shard::{Row, Shard, ShardEntry};
use crate::summary::{DatasetSummary, FORMAT};

/// The file that says what is in the folder of a dataset.
pub(crate) const SUMMARY_FILE: &str = "dataset.json";

/// The most bytes of a summary that are read.
const MAX_SUMMARY_BYTES: u64 = 64 << 20;

/// Packed rows of tokens, memory-mapped.
#[derive(Debug)]
pub struct Dataset {
    summary: DatasetSummary,
    shards: Vec<Shard>,
    /// The number of the first row of each shard.
    first_rows: Vec<usize>,
    rows: usize,
}

impl Dataset {
    /// Opens the dataset of a folder and checks all of it, which reads every byte once.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::UnknownFormat`], [`ErrorKind::Corrupt`] with the name of the file, and the
    /// kinds of input and output.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let summary = read_summary(folder)?;
        let mut shards = Vec::with_capacity(summary.shards.len());
        let mut first_rows = Vec::with_capacity(summary.shards.len());
        let mut rows = 0;
        for entry in &summary.shards {
            let shard = open_shard(folder, entry, &summary)?;
            first_rows.push(rows);
            rows += shard.rows();
            shards.push(shard);
        }
        if rows as u64 != summary.rows {
            let context = format!(
                "`{}` has {rows} rows, not the {} that it says",
                display_path(folder),
                summary.rows
            );
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        Ok(Self {
            summary,
            shards,
            first_rows,
            rows,
        })
    }

    /// Its summary.
    pub const fn summary(&self) -> &DatasetSummary {
        &self.summary
    }

    /// The number of rows.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The tokens of a row.
    pub const fn sequence_length(&self) -> usize {
        self.summary.config.sequence_length
    }

    /// A row, or none after the last.
    pub fn row(&self, row: usize) -> Option<Row<'_>> {
        let shard = self.first_rows.partition_point(|&first| first <= row).checked_sub(1)?;
        self.shards[shard].row(row - self.first_rows[shard])
    }

    /// Every row, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).filter_map(|row| self.row(row))
    }
}

/// Reads the summary of the dataset in a folder.
///
/// # Errors
/// As [`Dataset::open`].
pub fn read_summary(folder: &Path) -> Result<DatasetSummary, Error> {
    let path = folder.join(SUMMARY_FILE);
    let size = fs::metadata(&path)
        .map_err(|error| Error::io("read", &path, error))?
        .len();
    if size > MAX_SUMMARY_BYTES {
        let context = format!(
            "`{}` has {size} bytes; at most {MAX_SUMMARY_BYTES} are read",
            display_path(&path)
        );
        return Err(Error::new(ErrorKind::Corrupt, context));
    }
    let text = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
    let damaged =
        |error| Error::new(ErrorKind::Corrupt, format!("`{}` cannot be read", display_path(&path))).with_source(error);
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
    if value["format"] != FORMAT {
        let context = format!(
            "`{}` has format {}; this program reads {FORMAT}",
            display_path(folder),
            value["format"]
        );
        return Err(Error::new(ErrorKind::UnknownFormat, context));
    }
    serde_json::from_value(value).map_err(damaged)
}

/// Opens a shard and checks it against the list and its languages.
fn open_shard(folder: &Path, entry: &ShardEntry, summary: &DatasetSummary) -> Result<Shard, Error> {
    if entry.file.contains(['/', '\\']) || entry.file.starts_with('.') {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("`{}` lists a file elsewhere", display_path(folder)),
        ));
    }
    let path = folder.join(&entry.file);
    let shard = Shard::open(&path)?;
    let known = |row: Row<'_>| {
        row.samples
            .iter()
            .all(|span| usize::from(span.language) < summary.languages.len())
    };
    let is_listed = shard.rows() as u64 == entry.rows
        && shard.crc32() == entry.crc32
        && shard.row_length() == summary.config.sequence_length
        && (0..shard.rows()).filter_map(|row| shard.row(row)).all(known);
    if !is_listed {
        let context = format!("`{}` is not the shard that {SUMMARY_FILE} lists", display_path(&path));
        return Err(Error::new(ErrorKind::Corrupt, context));
    }
    Ok(shard)
}
