//! Writing one segment.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder, UInt8Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use codelupe_core::{SegmentInfo, text::display_path};
use codelupe_disk::work_name;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use super::{ContentRecord, FORMAT_VERSION, VERSION_KEY};
use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;
use crate::key::Key;

/// Rows are handed to the Parquet encoder when this many bytes wait.
const BATCH_BYTES: usize = 4 << 20;

/// A row group ends after this many uncompressed bytes, under the 32 MB that readers with nested lists can bear
/// (oversize row groups broke those of The Stack v3).
const ROW_GROUP_BYTES: usize = 16 << 20;

/// Bytes of one page of text: what one random read decodes.
const TEXT_PAGE_BYTES: usize = 128 << 10;

/// Writes one segment under `tmp/` and publishes it when finished. Dropped unfinished, it leaves only a file in `tmp/`.
pub struct SegmentWriter {
    folder: DataFolder,
    path: PathBuf,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Columns,
    digest: Sha256,
    rows: u32,
    text_bytes: u64,
    group_bytes: usize,
}

impl SegmentWriter {
    /// Starts a segment of contents processed by one recipe, which is part of its name, with signatures of so many bytes.
    ///
    /// # Errors
    /// `Invalid` for signatures longer than the format can hold; `DiskFull`, `Permission` or `Io` when the file cannot be made.
    pub fn create(folder: &DataFolder, recipe: &str, signature_bytes: usize) -> Result<Self, Error> {
        let width = i32::try_from(signature_bytes)
            .map_err(|_| Error::new(ErrorKind::Invalid, "signatures of this length do not fit a segment"))?;
        let schema = schema(width);
        let path = folder.tmp().join(work_name("segment"));
        let file = File::create(&path).map_err(|error| Error::own_io("create", &path, error))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties()))
            .map_err(|error| Error::parquet("start", &display_path(&path), error))?;
        Ok(Self {
            folder: folder.clone(),
            path,
            writer,
            schema,
            columns: Columns::new(width),
            digest: Sha256::new_with_prefix(recipe),
            rows: 0,
            text_bytes: 0,
            group_bytes: 0,
        })
    }

    /// Appends a record and returns its row.
    ///
    /// # Errors
    /// `DiskFull` or `Io`; the segment is of no use then.
    pub fn append(&mut self, record: &ContentRecord) -> Result<u32, Error> {
        self.digest.update(record.blob.as_bytes());
        self.digest.update(record.file_name.as_bytes());
        self.digest.update([0]);
        self.text_bytes += record.text.as_ref().map_or(0, String::len) as u64;
        self.columns
            .append(record)
            .map_err(|error| Error::parquet("append to", &display_path(&self.path), error.into()))?;
        if self.columns.bytes >= BATCH_BYTES {
            self.write_batch()?;
        }
        self.rows += 1;
        Ok(self.rows - 1)
    }

    /// Rows so far.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Bytes of text so far, uncompressed.
    pub const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Ends the file and puts it into the store under its final name, whole and durable.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`, and those of a bucket; nothing is published then.
    pub fn finish(mut self) -> Result<SegmentInfo, Error> {
        self.write_batch()?;
        let ended = self.writer.finish();
        ended.map_err(|error| Error::parquet("end", &display_path(&self.path), error))?;
        let bytes = fs::metadata(&self.path)
            .map_err(|error| Error::own_io("look at", &self.path, error))?
            .len();
        let name = hex::encode(&self.digest.finalize()[..16]);
        let objects = self.folder.objects();
        objects.put_file(&Key::Segment(name.clone()), &self.path)?;
        Ok(SegmentInfo {
            name,
            bytes,
            rows: self.rows,
        })
    }

    fn write_batch(&mut self) -> Result<(), Error> {
        let bytes = self.columns.bytes;
        let batch = self
            .columns
            .finish(&self.schema)
            .map_err(|error| Error::parquet("append to", &display_path(&self.path), error.into()))?;
        self.writer
            .write(&batch)
            .map_err(|error| Error::parquet("write", &display_path(&self.path), error))?;
        self.group_bytes += bytes;
        if self.group_bytes >= ROW_GROUP_BYTES {
            self.group_bytes = 0;
            self.writer
                .flush()
                .map_err(|error| Error::parquet("write", &display_path(&self.path), error))?;
        }
        Ok(())
    }
}

struct Columns {
    blob: StringBuilder,
    file_name: StringBuilder,
    language: StringBuilder,
    reason: StringBuilder,
    quality: UInt8Builder,
    signals: StringBuilder,
    redactions: StringBuilder,
    signature: FixedSizeBinaryBuilder,
    text: StringBuilder,
    bytes: usize,
}

impl Columns {
    fn new(width: i32) -> Self {
        Self {
            blob: StringBuilder::new(),
            file_name: StringBuilder::new(),
            language: StringBuilder::new(),
            reason: StringBuilder::new(),
            quality: UInt8Builder::new(),
            signals: StringBuilder::new(),
            redactions: StringBuilder::new(),
            signature: FixedSizeBinaryBuilder::new(width),
            text: StringBuilder::new(),
            bytes: 0,
        }
    }

    fn append(&mut self, record: &ContentRecord) -> Result<(), arrow_schema::ArrowError> {
        self.blob.append_value(&record.blob);
        self.file_name.append_value(&record.file_name);
        self.language.append_option(record.language.as_deref());
        self.reason.append_option(record.reason.as_deref());
        self.quality.append_value(record.quality);
        self.signals.append_value(&record.signals);
        self.redactions.append_value(&record.redactions);
        match &record.signature {
            Some(signature) => self.signature.append_value(signature)?,
            None => self.signature.append_null(),
        }
        self.text.append_option(record.text.as_deref());
        self.bytes += record.signature.as_ref().map_or(0, Vec::len)
            + record.signals.len()
            + record.text.as_ref().map_or(0, String::len);
        Ok(())
    }

    fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch, arrow_schema::ArrowError> {
        self.bytes = 0;
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(self.blob.finish()),
            Arc::new(self.file_name.finish()),
            Arc::new(self.language.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.quality.finish()),
            Arc::new(self.signals.finish()),
            Arc::new(self.redactions.finish()),
            Arc::new(self.signature.finish()),
            Arc::new(self.text.finish()),
        ];
        RecordBatch::try_new(Arc::clone(schema), arrays)
    }
}

fn schema(width: i32) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("blob", DataType::Utf8, false),
        Field::new("file_name", DataType::Utf8, false),
        Field::new("language", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, true),
        Field::new("quality", DataType::UInt8, false),
        Field::new("signals", DataType::Utf8, false),
        Field::new("redactions", DataType::Utf8, false),
        Field::new("signature", DataType::FixedSizeBinary(width), true),
        Field::new("text", DataType::Utf8, true),
    ]))
}

fn properties() -> WriterProperties {
    let plain = |builder: parquet::file::properties::WriterPropertiesBuilder, column: &str| {
        let column = ColumnPath::from(column);
        builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_statistics_enabled(column, EnabledStatistics::None)
    };
    let mut builder = WriterProperties::builder()
        .set_created_by("codelupe".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(vec![KeyValue::new(
            VERSION_KEY.to_owned(),
            FORMAT_VERSION.to_owned(),
        )]))
        // Hashes do not compress.
        .set_column_compression(ColumnPath::from("signature"), Compression::UNCOMPRESSED)
        .set_column_data_page_size_limit(ColumnPath::from("text"), TEXT_PAGE_BYTES)
        // The page size is only looked at between such batches of rows.
        .set_write_batch_size(16);
    for column in ["blob", "signals", "redactions", "signature", "text"] {
        builder = plain(builder, column);
    }
    builder.build()
}
