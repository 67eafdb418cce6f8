//! A run: one immutable file with the documents of a stretch of numbers.
//!
//! ```text
//! magic      8 bytes, with the version
//! documents  24 bytes each: number, blob id; in order of number
//! blobs      12 bytes each: the first 8 bytes of the blob id as a number, number; sorted
//! band 0 ..  12 bytes each: key, number; sorted
//! fences     12 bytes for each block of 256 entries, column by column: first key, CRC-32 of the block
//! ```
//!
//! Numbers are little endian. Where each part begins follows from the number of documents and of bands, which are in the
//! manifest, as is the CRC-32 of the fences. With 25 bands that is 336 bytes a document and 1.3 of fences, which are held
//! in memory while a run is open.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::column::{BLOCK, Column, FENCE_BYTES, Fence, Source, write_column};
use super::entry::{Document, Entry, Posting};
use crate::error::{Error, ErrorKind};

const MAGIC: [u8; 8] = *b"CLlshR\0\x01";

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// A run as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunEntry {
    /// Its file.
    pub(super) name: String,
    /// Its numbers are in this stretch.
    pub(super) numbers: Range<u32>,
    /// How many documents are in it.
    pub(super) documents: u32,
    /// The size of its file.
    pub(super) bytes: u64,
    /// The CRC-32 of its fences.
    pub(super) crc32: u32,
}

/// An open run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) entry: RunEntry,
    pub(super) documents: Column<Document>,
    pub(super) blobs: Column<Posting>,
    pub(super) bands: Vec<Column<Posting>>,
}

impl Run {
    /// Opens a run and reads its fences.
    pub(super) fn open(folder: &Path, entry: &RunEntry, bands: u32) -> Result<Self, Error> {
        let source = Arc::new(Source::open(folder.join(&entry.name), entry.bytes)?);
        let documents = entry.documents as usize;
        let layout = Layout::of(documents, bands);
        if layout.end != entry.bytes {
            return Err(source.corrupt("its size is not that of its documents"));
        }
        if source.read(MAGIC.len(), 0)? != MAGIC {
            return Err(source.corrupt("it is no run of this version"));
        }
        let fence_bytes = layout.columns.len() * documents.div_ceil(BLOCK) * FENCE_BYTES;
        let fences = source.read(fence_bytes, layout.fences)?;
        if crc32fast::hash(&fences) != entry.crc32 {
            return Err(source.corrupt("its fences are not what their checksum says"));
        }
        let mut fences = fences.chunks_exact(FENCE_BYTES).map(Fence::read);
        let mut next = || fences.by_ref().take(documents.div_ceil(BLOCK)).collect();
        let postings = |offset: &u64, fences| Column::new(Arc::clone(&source), *offset, documents, fences);
        Ok(Self {
            entry: entry.clone(),
            documents: Column::new(Arc::clone(&source), layout.columns[0], documents, next()),
            blobs: postings(&layout.columns[1], next()),
            bands: layout.columns[2..]
                .iter()
                .map(|offset| postings(offset, next()))
                .collect(),
        })
    }
}

/// Where the parts of a run begin.
struct Layout {
    columns: Vec<u64>,
    fences: u64,
    end: u64,
}

impl Layout {
    fn of(documents: usize, bands: u32) -> Self {
        let mut next = MAGIC.len() as u64;
        let columns: Vec<u64> = (0..bands as usize + 2)
            .map(|column| {
                let bytes = if column == 0 { Document::BYTES } else { Posting::BYTES };
                let offset = next;
                next += (documents * bytes) as u64;
                offset
            })
            .collect();
        let fence_bytes = columns.len() * documents.div_ceil(BLOCK) * FENCE_BYTES;
        Self {
            columns,
            fences: next,
            end: next + fence_bytes as u64,
        }
    }
}

/// Writes a run, column by column.
#[derive(Debug)]
pub(super) struct RunWriter {
    path: PathBuf,
    out: BufWriter<File>,
    documents: Option<usize>,
    fences: Vec<u8>,
}

impl RunWriter {
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file = File::create(&path).map_err(|error| Error::io("create", &path, error))?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        out.write_all(&MAGIC)
            .map_err(|error| Error::io("write", &path, error))?;
        Ok(Self {
            path,
            out,
            documents: None,
            fences: Vec::new(),
        })
    }

    /// Writes the next column; all have the same number of entries.
    pub(super) fn column<E: Entry>(&mut self, entries: impl Iterator<Item = Result<E, Error>>) -> Result<(), Error> {
        let path = &self.path;
        let (count, fences) = write_column(&mut self.out, entries, |error| Error::io("write", path, error))?;
        if *self.documents.get_or_insert(count) != count {
            let context = "the LSH index is damaged: the columns of its runs name different documents";
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        for fence in fences {
            fence.write(&mut self.fences);
        }
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self, name: String, numbers: Range<u32>) -> Result<RunEntry, Error> {
        let failed = |error| Error::io("write", &self.path, error);
        self.out.write_all(&self.fences).map_err(failed)?;
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)?;
        let length = self.out.get_ref().metadata().map_err(failed)?.len();
        let documents = self.documents.and_then(|documents| u32::try_from(documents).ok());
        Ok(RunEntry {
            name,
            numbers,
            documents: documents.unwrap_or_default(),
            bytes: length,
            crc32: crc32fast::hash(&self.fences),
        })
    }
}
