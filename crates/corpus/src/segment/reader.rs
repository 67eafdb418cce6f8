//! Reading segments: single rows at random, and one column of all rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::{ContentRecord, FORMAT_VERSION, KeptContent, VERSION_KEY};
use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;
use crate::key::Key;
use crate::objects::Objects;
use crate::table::{Chunks, Rows, Table};
use codelupe_core::Location;

/// Rows decoded by one random read; neighbors are likely to be asked for next.
const CHUNK_ROWS: u32 = 32;

/// Bytes of decoded text kept for the next reads.
const CACHE_BYTES: u64 = 32 << 20;

/// Bytes of column chunks, compressed, kept of a bucket for the next reads: some twenty row groups.
const FETCHED_BYTES: u64 = 128 << 20;

/// What comparing and building read.
const TEXT_COLUMNS: [&str; 2] = ["language", "text"];

/// Reads the segments of one data folder. Each thread uses its own.
pub struct SegmentReader {
    objects: Arc<dyn Objects>,
    names: HashMap<i64, String>,
    open: HashMap<i64, Table>,
    chunks: Cache<(i64, u32), Arc<[Option<KeptContent>]>, ChunkBytes>,
    fetched: Cache<(i64, usize), Fetched, FetchedBytes>,
}

/// The columns of a row group, as they came.
type Fetched = Arc<[(u64, Bytes)]>;

impl SegmentReader {
    /// A reader over the linked segments, as `Catalogue::segments` gives them.
    pub fn new(folder: &DataFolder, names: HashMap<i64, String>) -> Self {
        Self {
            objects: Arc::clone(folder.objects()),
            names,
            open: HashMap::new(),
            chunks: Cache::with_weighter(1024, CACHE_BYTES, ChunkBytes),
            fetched: Cache::with_weighter(64, FETCHED_BYTES, FetchedBytes),
        }
    }

    /// The text of a kept content.
    ///
    /// # Errors
    /// `NotFound` when the location names no kept content; `Corrupt` or `Io` when its segment cannot be read.
    pub fn text(&mut self, at: Location) -> Result<String, Error> {
        self.content(at).map(|content| content.text)
    }

    /// The text of a kept content with its language.
    ///
    /// # Errors
    /// As `text`.
    pub fn content(&mut self, at: Location) -> Result<KeptContent, Error> {
        let chunk = at.row / CHUNK_ROWS;
        let offset = (at.row % CHUNK_ROWS) as usize;
        let rows = if let Some(rows) = self.chunks.get(&(at.segment, chunk)) {
            Arc::clone(rows)
        } else {
            let rows: Arc<[_]> = self.read_chunk(at.segment, chunk)?.into();
            self.chunks.insert((at.segment, chunk), Arc::clone(&rows));
            rows
        };
        rows.get(offset).cloned().flatten().ok_or_else(|| missing(at))
    }

    /// The whole record of a content.
    ///
    /// # Errors
    /// As `text`.
    pub fn record(&mut self, at: Location) -> Result<ContentRecord, Error> {
        let table = self.table(at.segment)?;
        let (rows, columns) = (some_rows(table, at.row, 1), table.columns(&[]));
        let chunks = table.fetch(&rows.groups, &columns)?;
        let mut batches = table.read(chunks, columns, rows)?;
        let batch = batches.next().ok_or_else(|| missing(at))?;
        record(&batch.map_err(|error| table.damaged(error.into()))?).ok_or_else(|| missing(at))
    }

    /// Calls `each` with the row and the signature (none for some) of every content of a segment.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Io` when the segment cannot be read, and those of a bucket.
    pub fn signatures(&mut self, segment: i64, mut each: impl FnMut(u32, Option<&[u8]>)) -> Result<(), Error> {
        let table = self.table(segment)?;
        let columns = table.columns(&["signature"]);
        let mut row = 0;
        for group in table.groups() {
            let chunks = table.fetch(&[group], &columns)?;
            for batch in table.read(chunks, columns.clone(), Rows::of_group(group))? {
                let batch = batch.map_err(|error| table.damaged(error.into()))?;
                for signature in batch.column(0).as_fixed_size_binary() {
                    each(row, signature);
                    row += 1;
                }
            }
        }
        Ok(())
    }

    fn read_chunk(&mut self, segment: i64, chunk: u32) -> Result<Vec<Option<KeptContent>>, Error> {
        self.open(segment)?;
        let table = self.open.get(&segment).ok_or_else(|| unknown(segment))?;
        let rows = some_rows(table, chunk * CHUNK_ROWS, CHUNK_ROWS);
        let chunks = text_chunks(&mut self.fetched, table, segment, &rows.groups)?;
        let mut contents = Vec::new();
        for batch in table.read(chunks, table.columns(&TEXT_COLUMNS), rows)? {
            let batch = batch.map_err(|error| table.damaged(error.into()))?;
            let [languages, texts] = [0, 1].map(|column| batch.column(column).as_string::<i32>());
            contents.extend(languages.iter().zip(texts).map(|(language, text)| kept(language, text)));
        }
        Ok(contents)
    }

    fn table(&mut self, segment: i64) -> Result<&Table, Error> {
        self.open(segment)?;
        self.open.get(&segment).ok_or_else(|| unknown(segment))
    }

    fn open(&mut self, segment: i64) -> Result<(), Error> {
        if self.open.contains_key(&segment) {
            return Ok(());
        }
        let name = self.names.get(&segment).ok_or_else(|| unknown(segment))?;
        let table = Table::open(&self.objects, Key::Segment(name.clone()), PageIndexPolicy::Optional)?;
        let pairs = table.metadata().file_metadata().key_value_metadata();
        let version = pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == VERSION_KEY))
            .and_then(|pair| pair.value.as_deref());
        if version != Some(FORMAT_VERSION) {
            let context = format!(
                "segment `{}` has format version {version:?}, not {FORMAT_VERSION}",
                table.place()
            );
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        self.open.insert(segment, table);
        Ok(())
    }
}

/// The text columns of row groups; those that came over the network are kept for the next reads.
fn text_chunks(
    kept: &mut Cache<(i64, usize), Fetched, FetchedBytes>,
    table: &Table,
    segment: i64,
    groups: &[usize],
) -> Result<Chunks, Error> {
    let columns = table.columns(&TEXT_COLUMNS);
    let mut parts = Vec::new();
    for group in groups {
        if let Some(known) = kept.get(&(segment, *group)) {
            parts.extend_from_slice(known);
            continue;
        }
        match table.fetch(&[*group], &columns)? {
            // All groups are in the one file.
            file @ Chunks::File(_) => return Ok(file),
            Chunks::Fetched(fetched) => {
                parts.extend_from_slice(&fetched);
                kept.insert((segment, *group), fetched);
            }
        }
    }
    Ok(Chunks::Fetched(parts.into()))
}

fn kept(language: Option<&str>, text: Option<&str>) -> Option<KeptContent> {
    text.map(|text| KeptContent {
        language: language.map(str::to_owned),
        text: text.to_owned(),
    })
}

/// Weighs what came over the network.
#[derive(Clone)]
struct FetchedBytes;

impl Weighter<(i64, usize), Fetched> for FetchedBytes {
    fn weight(&self, _: &(i64, usize), parts: &Fetched) -> u64 {
        parts.iter().map(|(_, part)| part.len() as u64).sum()
    }
}

/// Weighs a chunk by its text; 64 bytes for what else a row holds.
#[derive(Clone)]
struct ChunkBytes;

impl Weighter<(i64, u32), Arc<[Option<KeptContent>]>> for ChunkBytes {
    fn weight(&self, _: &(i64, u32), rows: &Arc<[Option<KeptContent>]>) -> u64 {
        let text: usize = rows
            .iter()
            .map(|row| row.as_ref().map_or(0, |content| content.text.len()) + 64)
            .sum();
        text as u64
    }
}

/// Some rows, from a first one on, as far as there are any.
fn some_rows(table: &Table, first: u32, count: u32) -> Rows {
    let total = usize::try_from(table.metadata().file_metadata().num_rows()).unwrap_or(0);
    let first = (first as usize).min(total);
    let count = (count as usize).min(total - first);
    let (groups, skipped) = groups_holding(table.metadata().row_groups(), first, count);
    let selection = RowSelection::from(vec![RowSelector::skip(first - skipped), RowSelector::select(count)]);
    Rows {
        groups,
        selection: Some(selection),
        batch: None,
    }
}

/// The row groups that hold rows `first..first + count`, and how many rows come before the first of them.
fn groups_holding(groups: &[RowGroupMetaData], first: usize, count: usize) -> (Vec<usize>, usize) {
    let mut start = 0;
    let mut skipped = 0;
    let mut holding = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        if start + rows <= first {
            skipped = start + rows;
        } else if start < first + count {
            holding.push(index);
        }
        start += rows;
    }
    (holding, skipped)
}

fn record(batch: &RecordBatch) -> Option<ContentRecord> {
    let text = |column: &str| -> Option<String> {
        let array = batch.column_by_name(column)?.as_string_opt::<i32>()?;
        (array.is_valid(0)).then(|| array.value(0).to_owned())
    };
    let signature = batch.column_by_name("signature")?.as_fixed_size_binary_opt()?;
    Some(ContentRecord {
        blob: text("blob")?,
        file_name: text("file_name")?,
        language: text("language"),
        reason: text("reason"),
        quality: batch
            .column_by_name("quality")?
            .as_primitive_opt::<UInt8Type>()?
            .value(0),
        signals: text("signals")?,
        redactions: text("redactions")?,
        signature: signature.is_valid(0).then(|| signature.value(0).to_owned()),
        text: text("text"),
    })
}

fn missing(at: Location) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("segment {} has no text in row {}", at.segment, at.row),
    )
}

fn unknown(segment: i64) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no segment {segment} in the catalogue"),
    )
}
