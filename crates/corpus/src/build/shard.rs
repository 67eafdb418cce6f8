//! One Parquet file of a build.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, UInt8Builder, UInt32Builder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use codelupe_core::text::display_path;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use super::{BuildRecord, ShardManifest};
use crate::error::Error;

/// Rows are handed to the Parquet encoder when this many bytes wait.
const BATCH_BYTES: usize = 4 << 20;

/// A row group ends after this many uncompressed bytes: with the batch and the largest file that come on top it stays
/// under 32 MB (oversize row groups broke the readers of The Stack v3).
const ROW_GROUP_BYTES: usize = 16 << 20;

/// The text columns, in order, before and after the numbers.
const TEXT_COLUMNS: [(&str, bool); 10] = [
    ("repository", false),
    ("path", false),
    ("forge", false),
    ("origin", true),
    ("commit", true),
    ("blob", false),
    ("swhid", false),
    ("language", false),
    ("license", true),
    ("license_class", false),
];

pub(super) struct ShardWriter {
    name: String,
    path: PathBuf,
    writer: ArrowWriter<HashingFile>,
    texts: Vec<StringBuilder>,
    quality: UInt8Builder,
    redactions: UInt32Builder,
    bytes: UInt64Builder,
    content: StringBuilder,
    waiting: usize,
    group: usize,
    rows: u64,
    content_bytes: u64,
}

impl ShardWriter {
    pub(super) fn create(build: &Path, name: String) -> Result<Self, Error> {
        let path = build.join(&name);
        let file = File::create(&path).map_err(|error| Error::own_io("create", &path, error))?;
        let file = HashingFile {
            file,
            digest: Sha256::new(),
            bytes: 0,
        };
        let writer = ArrowWriter::try_new(file, schema(), Some(properties()))
            .map_err(|error| Error::parquet("start", &display_path(&path), error))?;
        Ok(Self {
            name,
            path,
            writer,
            texts: TEXT_COLUMNS.iter().map(|_| StringBuilder::new()).collect(),
            quality: UInt8Builder::new(),
            redactions: UInt32Builder::new(),
            bytes: UInt64Builder::new(),
            content: StringBuilder::new(),
            waiting: 0,
            group: 0,
            rows: 0,
            content_bytes: 0,
        })
    }

    pub(super) const fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    pub(super) fn append(&mut self, record: &BuildRecord) -> Result<(), Error> {
        let texts: [Option<&str>; 10] = [
            Some(&record.repository),
            Some(&record.path),
            Some(&record.forge),
            record.origin.as_deref(),
            record.commit.as_deref(),
            Some(&record.blob),
            Some(&record.swhid),
            Some(&record.language),
            record.license.as_deref(),
            Some(&record.license_class),
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
        self.quality.append_value(record.quality);
        self.redactions.append_value(record.redactions);
        self.bytes.append_value(record.content.len() as u64);
        self.content.append_value(&record.content);
        self.rows += 1;
        self.content_bytes += record.content.len() as u64;
        self.waiting += record.content.len() + 256;
        if self.waiting >= BATCH_BYTES {
            self.write_batch()
        } else {
            Ok(())
        }
    }

    pub(super) fn finish(mut self) -> Result<ShardManifest, Error> {
        self.write_batch()?;
        self.writer
            .finish()
            .map_err(|error| Error::parquet("end", &display_path(&self.path), error))?;
        let file = self.writer.inner();
        let sha256 = hex::encode(file.digest.clone().finalize());
        Ok(ShardManifest {
            path: self.name,
            sha256,
            bytes: file.bytes,
            rows: self.rows,
        })
    }

    fn write_batch(&mut self) -> Result<(), Error> {
        let batch = self
            .batch()
            .map_err(|error| Error::parquet("append to", &display_path(&self.path), error.into()))?;
        self.writer
            .write(&batch)
            .map_err(|error| Error::parquet("write", &display_path(&self.path), error))?;
        self.group += self.waiting;
        self.waiting = 0;
        if self.group >= ROW_GROUP_BYTES {
            self.group = 0;
            self.writer
                .flush()
                .map_err(|error| Error::parquet("write", &display_path(&self.path), error))?;
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = self
            .texts
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef)
            .collect();
        arrays.push(Arc::new(self.quality.finish()));
        arrays.push(Arc::new(self.redactions.finish()));
        arrays.push(Arc::new(self.bytes.finish()));
        arrays.push(Arc::new(self.content.finish()));
        RecordBatch::try_new(schema(), arrays)
    }
}

fn schema() -> SchemaRef {
    let mut fields: Vec<Field> = TEXT_COLUMNS
        .iter()
        .map(|(name, nullable)| Field::new(*name, DataType::Utf8, *nullable))
        .collect();
    fields.push(Field::new("quality", DataType::UInt8, false));
    fields.push(Field::new("redactions", DataType::UInt32, false));
    fields.push(Field::new("bytes", DataType::UInt64, false));
    fields.push(Field::new("content", DataType::Utf8, false));
    Arc::new(Schema::new(fields))
}

fn properties() -> WriterProperties {
    let content = ColumnPath::from("content");
    WriterProperties::builder()
        .set_created_by("codelupe".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_dictionary_enabled(content.clone(), false)
        .set_column_statistics_enabled(content, EnabledStatistics::None)
        // The page size is only looked at between such batches of rows.
        .set_write_batch_size(64)
        .build()
}

/// A file that knows the hash and the length of what was written to it.
struct HashingFile {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for HashingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
