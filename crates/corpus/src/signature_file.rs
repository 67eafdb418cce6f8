//! Signatures in Parquet files, for other programs and other machines.
//!
//! One row a content: `blob` (20 bytes), `signature` (4 bytes a value, little endian) and, where they are known, `keys`, one
//! 64-bit key a band. The parameters are in the file's metadata under `codelupe.signatures`, as JSON.
//!
//! The band join is plain relational algebra over this file. In SQL, the pairs that share a band:
//!
//! ```sql
//! WITH bands AS (SELECT blob, generate_subscripts(keys, 1) AS band, unnest(keys) AS key FROM 'signatures.parquet')
//! SELECT DISTINCT a.blob, b.blob FROM bands a JOIN bands b USING (band, key) WHERE a.blob < b.blob
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, Int64Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use codelupe_core::{BlobId, LshParameters, text::display_path};
use codelupe_disk::publish;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The metadata key of the parameters.
const PARAMETERS_KEY: &str = "codelupe.signatures";

/// Rows handed to the encoder at once, and decoded at once: about 5 MB.
const BATCH_ROWS: usize = 4096;

/// Rows of a group: 20 MB of signatures and keys.
const GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// What signatures in a file were made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "lowercase")]
pub enum FileParameters {
    /// As in the index; with keys.
    Codelupe(LshParameters),
    /// As the Python library datasketch makes them; without keys.
    Datasketch {
        /// `legacy` or `affine32`.
        scheme: String,
        /// Values in a signature.
        num_perm: u32,
        /// The seed of the permutations.
        seed: u32,
        /// Tokens in a shingle, joined by spaces.
        shingle_tokens: u32,
    },
}

impl FileParameters {
    /// Values in a signature.
    const fn values(&self) -> u32 {
        match self {
            Self::Codelupe(parameters) => parameters.permutations,
            Self::Datasketch { num_perm, .. } => *num_perm,
        }
    }
}

/// Writes a file of signatures. Nothing has the final name before [`Self::finish`].
pub struct SignatureWriter {
    target: PathBuf,
    partial: PathBuf,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    blobs: FixedSizeBinaryBuilder,
    signatures: FixedSizeBinaryBuilder,
    keys: ListBuilder<Int64Builder>,
    waiting: usize,
    rows: u64,
}

impl SignatureWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// `Target` when the target exists; `Invalid` for signatures that are too long for the format; `DiskFull`, `Permission`
    /// or `Io`.
    pub fn create(target: &Path, parameters: &FileParameters) -> Result<Self, Error> {
        if target.exists() {
            let context = format!("`{}` exists already", target.display());
            return Err(Error::new(ErrorKind::Target, context));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let partial = target.with_file_name(format!(".{name}.partial"));
        let width = i32::try_from(u64::from(parameters.values()) * 4)
            .map_err(|_| Error::new(ErrorKind::Invalid, "signatures of this many values do not fit a file"))?;
        let schema = schema(width);
        let file = File::create(&partial).map_err(|error| Error::io("create", &partial, error))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties(parameters)))
            .map_err(|error| Error::parquet("start", &display_path(&partial), error))?;
        Ok(Self {
            target: target.to_owned(),
            partial,
            writer,
            schema,
            blobs: FixedSizeBinaryBuilder::new(20),
            signatures: FixedSizeBinaryBuilder::new(width),
            keys: ListBuilder::new(Int64Builder::new()),
            waiting: 0,
            rows: 0,
        })
    }

    /// Adds a signature; without keys where none are known.
    ///
    /// # Errors
    /// `Corrupt` when the signature has a wrong length; `DiskFull` or `Io`.
    pub fn append(&mut self, blob: BlobId, signature: &[u8], keys: &[u64]) -> Result<(), Error> {
        let failed =
            |error: arrow_schema::ArrowError| Error::parquet("append to", &display_path(&self.partial), error.into());
        self.blobs.append_value(blob.as_bytes()).map_err(failed)?;
        self.signatures.append_value(signature).map_err(failed)?;
        for key in keys {
            self.keys.values().append_value(key.cast_signed());
        }
        self.keys.append(!keys.is_empty());
        self.rows += 1;
        self.waiting += 1;
        if self.waiting == BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Ends the file and gives it its name. Returns the rows.
    ///
    /// # Errors
    /// `DiskFull`, `Permission` or `Io`.
    pub fn finish(mut self) -> Result<u64, Error> {
        self.write_batch()?;
        self.writer
            .finish()
            .map_err(|error| Error::parquet("end", &display_path(&self.partial), error))?;
        let file = self.writer.inner();
        file.sync_all()
            .map_err(|error| Error::io("write", &self.partial, error))?;
        publish(&self.partial, &self.target)?;
        Ok(self.rows)
    }

    fn write_batch(&mut self) -> Result<(), Error> {
        self.waiting = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.blobs.finish()),
            Arc::new(self.signatures.finish()),
            Arc::new(self.keys.finish()),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Error::parquet("append to", &display_path(&self.partial), error.into()))?;
        self.writer
            .write(&batch)
            .map_err(|error| Error::parquet("write", &display_path(&self.partial), error))
    }
}

/// What the signatures of a file were made by.
///
/// # Errors
/// `Foreign` when it is not there, or no such file; `Permission` or `Io`.
pub fn read_parameters(path: &Path) -> Result<FileParameters, Error> {
    let builder = open(path)?;
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let text = pairs
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == PARAMETERS_KEY))
        .and_then(|pair| pair.value.as_deref());
    let parameters = text.and_then(|text| serde_json::from_str(text).ok());
    parameters.ok_or_else(|| not_signatures(path, "it does not say what they were made by"))
}

/// Calls `each` with the blob and the signature of every row.
///
/// # Errors
/// `Foreign` when it is not there, is no such file, or a signature has another length than its parameters say; `Permission`
/// or `Io`; the first error of `each`.
pub fn read_signatures<E: From<Error>>(
    path: &Path,
    parameters: &FileParameters,
    mut each: impl FnMut(BlobId, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = parameters.values() as usize * 4;
    let reader = open(path)?
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| unreadable(path, error))?;
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(path, error.into()))?;
        let column = |name: &str| {
            let array = batch.column_by_name(name)?.as_fixed_size_binary_opt()?;
            (array.null_count() == 0).then_some(array)
        };
        let (Some(blobs), Some(signatures)) = (column("blob"), column("signature")) else {
            return Err(not_signatures(path, "columns `blob` and `signature` are wanted").into());
        };
        for (blob, signature) in blobs.iter().flatten().zip(signatures.iter().flatten()) {
            let blob = BlobId::try_from(blob.to_vec()).map_err(|_| not_signatures(path, "a blob id has 20 bytes"))?;
            if signature.len() != bytes {
                let context = format!("the signature of {blob} has {} bytes, not {bytes}", signature.len());
                return Err(not_signatures(path, &context).into());
            }
            each(blob, signature)?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let file = File::open(path).map_err(|error| foreign(Error::io("open", path, error)))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: ParquetError) -> Error {
    foreign(Error::parquet("read", &display_path(path), error))
}

/// An error about a file that is not ours: what is missing or wrong there is no damage of the store.
fn foreign(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Corrupt => Error::like(ErrorKind::Foreign, error),
        _ => error,
    }
}

fn not_signatures(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Foreign,
        format!("`{}` is no file of signatures: {why}", path.display()),
    )
}

fn schema(width: i32) -> SchemaRef {
    let key = Arc::new(Field::new("item", DataType::Int64, true));
    Arc::new(Schema::new(vec![
        Field::new("blob", DataType::FixedSizeBinary(20), false),
        Field::new("signature", DataType::FixedSizeBinary(width), false),
        Field::new("keys", DataType::List(key), true),
    ]))
}

/// Hashes do not compress.
fn properties(parameters: &FileParameters) -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("codelupe".to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            PARAMETERS_KEY.to_owned(),
            serde_json::to_string(parameters).unwrap_or_default(),
        )]))
        .build()
}
