//! Reading segments: single rows at random, and one column of all rows.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::{ContentRecord, FORMAT_VERSION, KeptContent, VERSION_KEY};
use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;
use codelupe_core::Location;

/// Rows decoded by one random read; neighbors are likely to be asked for next.
const CHUNK_ROWS: u32 = 32;

/// Bytes of decoded text kept for the next reads.
const CACHE_BYTES: u64 = 32 << 20;

/// Reads the segments of one data folder. Each thread uses its own.
pub struct SegmentReader {
    folder: DataFolder,
    names: HashMap<i64, String>,
    open: HashMap<i64, (File, ArrowReaderMetadata)>,
    chunks: Cache<(i64, u32), Arc<[Option<KeptContent>]>, ChunkBytes>,
}

impl SegmentReader {
    /// A reader over the linked segments, as `Catalogue::segments` gives them.
    pub fn new(folder: &DataFolder, names: HashMap<i64, String>) -> Self {
        let chunks = Cache::with_weighter(1024, CACHE_BYTES, ChunkBytes);
        Self {
            folder: folder.clone(),
            names,
            open: HashMap::new(),
            chunks,
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
        let batches = self.batches(at.segment, &[], Some((at.row, 1)))?;
        let batch = self
            .collect(at.segment, batches)?
            .into_iter()
            .next()
            .ok_or_else(|| missing(at))?;
        record(&batch).ok_or_else(|| missing(at))
    }

    /// Calls `each` with the row and the signature (none for some) of every content of a segment.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Io` when the segment cannot be read.
    pub fn signatures(&mut self, segment: i64, mut each: impl FnMut(u32, Option<&[u8]>)) -> Result<(), Error> {
        let batches = self.batches(segment, &["signature"], None)?;
        let mut row = 0;
        for batch in batches {
            let batch = batch.map_err(|error| self.damaged(segment, error.into()))?;
            let signatures = batch.column(0).as_fixed_size_binary();
            for signature in signatures {
                each(row, signature);
                row += 1;
            }
        }
        Ok(())
    }

    fn read_chunk(&mut self, segment: i64, chunk: u32) -> Result<Vec<Option<KeptContent>>, Error> {
        let batches = self.batches(segment, &["language", "text"], Some((chunk * CHUNK_ROWS, CHUNK_ROWS)))?;
        let batches = self.collect(segment, batches)?;
        let rows = batches.iter().flat_map(|batch| {
            let [languages, texts] = [0, 1].map(|column| batch.column(column).as_string::<i32>());
            languages.iter().zip(texts)
        });
        let kept = |(language, text): (Option<&str>, Option<&str>)| {
            text.map(|text| KeptContent {
                language: language.map(str::to_owned),
                text: text.to_owned(),
            })
        };
        Ok(rows.map(kept).collect())
    }

    fn collect(&self, segment: i64, batches: ParquetRecordBatchReader) -> Result<Vec<RecordBatch>, Error> {
        batches
            .collect::<Result<_, _>>()
            .map_err(|error| self.damaged(segment, error.into()))
    }

    /// Record batches of some columns (none named: all) and some rows (first, count).
    fn batches(
        &mut self,
        segment: i64,
        columns: &[&str],
        rows: Option<(u32, u32)>,
    ) -> Result<ParquetRecordBatchReader, Error> {
        self.open(segment)?;
        let Some((file, metadata)) = self.open.get(&segment) else {
            return Err(unknown(segment));
        };
        let path = self.path(segment)?;
        let file = file.try_clone().map_err(|error| Error::io("open", &path, error))?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some((first, count)) = rows {
            let total = builder.metadata().file_metadata().num_rows();
            let total = usize::try_from(total).unwrap_or(0);
            let first = (first as usize).min(total);
            let count = (count as usize).min(total - first);
            let (groups, skipped) = groups_holding(builder.metadata().row_groups(), first, count);
            builder = builder
                .with_row_groups(groups)
                .with_row_selection(RowSelection::from(vec![
                    RowSelector::skip(first - skipped),
                    RowSelector::select(count),
                ]));
        }
        builder.build().map_err(|error| self.damaged(segment, error))
    }

    fn open(&mut self, segment: i64) -> Result<(), Error> {
        if self.open.contains_key(&segment) {
            return Ok(());
        }
        let path = self.path(segment)?;
        let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
        let options =
            ArrowReaderOptions::new().with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Optional);
        let metadata =
            ArrowReaderMetadata::load(&file, options).map_err(|error| Error::parquet("read", &path, error))?;
        let version = metadata
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == VERSION_KEY))
            .and_then(|pair| pair.value.as_deref());
        if version != Some(FORMAT_VERSION) {
            let context = format!(
                "segment `{}` has format version {version:?}, not {FORMAT_VERSION}",
                path.display()
            );
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        self.open.insert(segment, (file, metadata));
        Ok(())
    }

    fn path(&self, segment: i64) -> Result<std::path::PathBuf, Error> {
        self.names
            .get(&segment)
            .map(|name| self.folder.segment(name))
            .ok_or_else(|| unknown(segment))
    }

    fn damaged(&self, segment: i64, error: parquet::errors::ParquetError) -> Error {
        let path = self.path(segment).unwrap_or_default();
        Error::parquet("read", &path, error)
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

/// The row groups that hold rows `first..first + count`, and how many rows come before the first of them.
fn groups_holding(
    groups: &[parquet::file::metadata::RowGroupMetaData],
    first: usize,
    count: usize,
) -> (Vec<usize>, usize) {
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
