//! Parquet objects: the footer first, then of each row group the columns that are wanted.
//!
//! A file is read page by page as decoding goes. Of a bucket every request costs, so what is wanted of a row group comes as
//! whole column chunks, neighbors in one request, and is decoded from memory.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::objects::Objects;

/// Bytes at the end of an object that are asked for first: the footer of a segment or a shard, and the index of its pages,
/// have 10 to 40 KB. An object that is not longer is read by that.
const TAIL_BYTES: u64 = 64 << 10;

/// An opened Parquet object.
#[derive(Debug)]
pub(crate) struct Table {
    key: Key,
    place: String,
    objects: Arc<dyn Objects>,
    source: Source,
    metadata: ArrowReaderMetadata,
}

#[derive(Debug)]
enum Source {
    File(File),
    Object { bytes: u64, whole: Option<Bytes> },
}

/// Which rows are read, and how many at a time.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The row groups.
    pub(crate) groups: Vec<usize>,
    /// Rows of these groups; all without.
    pub(crate) selection: Option<RowSelection>,
    /// Rows decoded at a time; 1,024 without.
    pub(crate) batch: Option<usize>,
}

impl Rows {
    /// All of a row group.
    pub(crate) fn of_group(group: usize) -> Self {
        Self {
            groups: vec![group],
            ..Self::default()
        }
    }
}

impl Table {
    /// Reads the footer.
    ///
    /// # Errors
    /// As reading the object; `Corrupt` when it is no Parquet.
    pub(crate) fn open(objects: &Arc<dyn Objects>, key: Key, index: PageIndexPolicy) -> Result<Self, Error> {
        let place = objects.place(&key.to_string());
        let options = ArrowReaderOptions::new().with_page_index_policy(index);
        let damaged = |error| Error::parquet("read", &place, error);
        let (source, metadata) = if let Some(path) = objects.file(&key) {
            let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
            let metadata = ArrowReaderMetadata::load(&file, options).map_err(damaged)?;
            (Source::File(file), metadata)
        } else {
            let bytes = objects.head(&key)?.bytes;
            let (footer, whole) = footer(&**objects, &key, bytes, index, &place)?;
            let metadata = ArrowReaderMetadata::try_new(Arc::new(footer), options).map_err(damaged)?;
            (Source::Object { bytes, whole }, metadata)
        };
        Ok(Self {
            key,
            place,
            objects: Arc::clone(objects),
            source,
            metadata,
        })
    }

    /// How people know it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// What the footer says.
    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The row groups, by number.
    pub(crate) fn groups(&self) -> Range<usize> {
        0..self.metadata().num_row_groups()
    }

    /// Columns by name; all for none.
    pub(crate) fn columns(&self, names: &[&str]) -> ProjectionMask {
        if names.is_empty() {
            return ProjectionMask::all();
        }
        ProjectionMask::columns(self.metadata.parquet_schema(), names.iter().copied())
    }

    /// Brings columns of row groups into memory, unless they are in a file.
    ///
    /// # Errors
    /// As reading the object; `Corrupt` when the footer names bytes that it has not.
    pub(crate) fn fetch(&self, groups: &[usize], columns: &ProjectionMask) -> Result<Chunks, Error> {
        let (bytes, whole) = match &self.source {
            Source::File(file) => {
                let file = file.try_clone().map_err(|error| self.damaged(error.into()))?;
                return Ok(Chunks::File(file));
            }
            Source::Object { bytes, whole } => (*bytes, whole),
        };
        if let Some(whole) = whole {
            return Ok(Chunks::Fetched(vec![(0, whole.clone())].into()));
        }
        let mut ranges = Vec::new();
        for group in groups {
            let chunks = self.metadata().row_group(*group).columns();
            for (_, chunk) in chunks
                .iter()
                .enumerate()
                .filter(|(leaf, _)| columns.leaf_included(*leaf))
            {
                let range = range(chunk).filter(|range| range.end <= bytes);
                ranges.push(range.ok_or_else(|| self.damaged(outside()))?);
            }
        }
        let ranges = coalesce(ranges);
        let fetched = self.objects.get_ranges(&self.key, &ranges)?;
        let starts = ranges.into_iter().map(|range| range.start);
        Ok(Chunks::Fetched(starts.zip(fetched).collect()))
    }

    /// Decodes columns of some rows.
    ///
    /// # Errors
    /// `Corrupt` or `Io`.
    pub(crate) fn read(
        &self,
        chunks: Chunks,
        columns: ProjectionMask,
        rows: Rows,
    ) -> Result<ParquetRecordBatchReader, Error> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone());
        let mut builder = builder.with_projection(columns).with_row_groups(rows.groups);
        if let Some(selection) = rows.selection {
            builder = builder.with_row_selection(selection);
        }
        if let Some(batch) = rows.batch {
            builder = builder.with_batch_size(batch);
        }
        builder.build().map_err(|error| self.damaged(error))
    }

    /// The error of an object that could not be decoded.
    pub(crate) fn damaged(&self, error: ParquetError) -> Error {
        Error::parquet("read", &self.place, error)
    }

    /// The error of an object that lacks something.
    pub(crate) fn lacks(&self, what: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("`{}` lacks {what}", self.place))
    }
}

/// The footer of an object, and the whole object if it is short.
fn footer(
    objects: &dyn Objects,
    key: &Key,
    bytes: u64,
    index: PageIndexPolicy,
    place: &str,
) -> Result<(ParquetMetaData, Option<Bytes>), Error> {
    let damaged = |error| Error::parquet("read", place, error);
    let decoder = ParquetMetaDataPushDecoder::try_new(bytes).map_err(damaged)?;
    let mut decoder = decoder.with_page_index_policy(index);
    let tail = bytes.saturating_sub(TAIL_BYTES)..bytes;
    let mut wanted = vec![tail.clone()];
    let mut whole = None;
    loop {
        let fetched = objects.get_ranges(key, &wanted)?;
        if tail.start == 0 && whole.is_none() {
            whole = fetched.first().cloned();
        }
        decoder.push_ranges(wanted, fetched).map_err(damaged)?;
        match decoder.try_decode().map_err(damaged)? {
            DecodeResult::Data(metadata) => return Ok((metadata, whole)),
            DecodeResult::NeedsData(ranges) if ranges.iter().all(|range| range.end <= bytes) => wanted = ranges,
            DecodeResult::NeedsData(_) => return Err(damaged(outside())),
            DecodeResult::Finished => return Err(damaged(ParquetError::General("there is no footer".to_owned()))),
        }
    }
}

fn outside() -> ParquetError {
    ParquetError::EOF("the footer names bytes that are not there".to_owned())
}

/// Where a column chunk lies; none if that cannot be.
fn range(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or_else(|| chunk.data_page_offset());
    let (start, bytes) = (u64::try_from(start).ok()?, u64::try_from(chunk.compressed_size()).ok()?);
    Some(start..start.checked_add(bytes)?)
}

/// Joins ranges with those behind them while what lies between adds a tenth to all of them at most.
fn coalesce(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let wanted: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let mut spare = wanted / 10;
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start.saturating_sub(last.end) <= spare => {
                spare -= range.start.saturating_sub(last.end);
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Bytes of a Parquet object, as far as they are needed.
#[derive(Debug)]
pub(crate) enum Chunks {
    /// The file has them.
    File(File),
    /// Each with the place where it begins.
    Fetched(Arc<[(u64, Bytes)]>),
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.len(),
            Self::Fetched(parts) => parts
                .iter()
                .map(|(start, part)| start + part.len() as u64)
                .max()
                .unwrap_or(0),
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        match self {
            Self::File(file) => file
                .get_read(start)
                .map(|read: BufReader<File>| Box::new(read) as Self::T),
            Self::Fetched(parts) => Ok(Box::new(rest(parts, start)?.reader())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Fetched(parts) => {
                let rest = rest(parts, start)?;
                if rest.len() < length {
                    return Err(outside());
                }
                Ok(rest.slice(..length))
            }
        }
    }
}

/// What was fetched from a place on.
fn rest(parts: &[(u64, Bytes)], start: u64) -> Result<Bytes, ParquetError> {
    let from = |(begin, part): &(u64, Bytes)| {
        let skipped = usize::try_from(start.checked_sub(*begin)?).ok()?;
        (skipped <= part.len()).then(|| part.slice(skipped..))
    };
    // Of two parts that touch, the later one goes on.
    parts.iter().rev().find_map(from).ok_or_else(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbors_are_joined_while_little_lies_between() {
        assert_eq!(coalesce(vec![]), []);
        assert_eq!(coalesce(vec![50..100, 0..50, 100..110, 400..410]), [0..110, 400..410]);
        assert_eq!(coalesce(vec![0..50, 60..110, 300..310]), [0..110, 300..310]);
        assert_eq!(coalesce(vec![0..10, 90..100]), [0..10, 90..100]);
        // The tenth is of all, not of each.
        assert_eq!(coalesce(vec![0..50, 55..105, 112..122]), [0..105, 112..122]);
    }

    #[test]
    fn a_part_is_found_by_where_it_begins() {
        let parts = [(10, Bytes::from_static(b"abc")), (13, Bytes::from_static(b"def"))];
        assert_eq!(rest(&parts, 11).unwrap(), "bc");
        assert_eq!(rest(&parts, 13).unwrap(), "def");
        assert_eq!(rest(&parts, 16).unwrap(), "");
        for outside in [9, 17] {
            rest(&parts, outside).unwrap_err();
        }
    }
}
