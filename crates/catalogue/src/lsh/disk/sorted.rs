//! A sorted file: one immutable file with the documents of a stretch of numbers.
//!
//! ```text
//! magic      8 bytes, with the version
//! documents  24 bytes each: number, blob id; in order of number
//! blobs      12 bytes each: the first 8 bytes of the blob id as a number, number; sorted
//! band 0 ..  12 bytes each: key, number; sorted; of the documents that have keys
//! fences     12 bytes for each block of 256 entries, column by column: first key, CRC-32 of the block
//! ```
//!
//! Numbers are little endian. Where each part begins follows from the number of documents and of bands, which are in the
//! manifest, as is the CRC-32 of the fences. With 25 bands that is 336 bytes a document and 1.3 of fences, which are held
//! in memory while a sorted file is open.

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

/// Bytes per write.
const BUFFER_BYTES: usize = 1 << 20;

/// A sorted file as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SortedEntry {
    /// Its file.
    pub(super) name: String,
    /// Its numbers are in this stretch.
    pub(super) numbers: Range<u32>,
    /// How many documents are in it.
    pub(super) documents: u32,
    /// How many of them have keys.
    pub(super) comparable: u32,
    /// The size of its file.
    pub(super) bytes: u64,
    /// The CRC-32 of its fences.
    pub(super) crc32: u32,
}

/// An open sorted file.
#[derive(Debug)]
pub(super) struct SortedFile {
    pub(super) entry: SortedEntry,
    pub(super) documents: Column<Document>,
    pub(super) blobs: Column<Posting>,
    pub(super) bands: Vec<Column<Posting>>,
}

impl SortedFile {
    /// Opens a sorted file and reads its fences.
    pub(super) fn open(folder: &Path, entry: &SortedEntry, bands: u32) -> Result<Self, Error> {
        let source = Arc::new(Source::open(folder.join(&entry.name), entry.bytes)?);
        let (documents, comparable) = (entry.documents as usize, entry.comparable as usize);
        let layout = Layout::of(documents, comparable, bands);
        if layout.end != entry.bytes {
            return Err(source.corrupt("its size is not that of its documents"));
        }
        if source.read(MAGIC.len(), 0)? != MAGIC {
            return Err(source.corrupt("it is no sorted file of this version"));
        }
        let fences = source.read(layout.fence_bytes, layout.fences)?;
        if crc32fast::hash(&fences) != entry.crc32 {
            return Err(source.corrupt("its fences are not what their checksum says"));
        }
        let mut fences = fences.chunks_exact(FENCE_BYTES).map(Fence::read);
        let mut next = |entries: usize| fences.by_ref().take(entries.div_ceil(BLOCK)).collect();
        let postings = |offset: &u64, entries, fences| Column::new(Arc::clone(&source), *offset, entries, fences);
        Ok(Self {
            entry: entry.clone(),
            documents: Column::new(Arc::clone(&source), layout.columns[0], documents, next(documents)),
            blobs: postings(&layout.columns[1], documents, next(documents)),
            bands: layout.columns[2..]
                .iter()
                .map(|offset| postings(offset, comparable, next(comparable)))
                .collect(),
        })
    }
}

/// Where the parts of a sorted file begin.
struct Layout {
    columns: Vec<u64>,
    fences: u64,
    fence_bytes: usize,
    end: u64,
}

impl Layout {
    fn of(documents: usize, comparable: usize, bands: u32) -> Self {
        let mut next = MAGIC.len() as u64;
        let mut fence_bytes = 0;
        let columns: Vec<u64> = (0..bands as usize + 2)
            .map(|column| {
                let (entries, bytes) = match column {
                    0 => (documents, Document::BYTES),
                    1 => (documents, Posting::BYTES),
                    _ => (comparable, Posting::BYTES),
                };
                let offset = next;
                next += (entries * bytes) as u64;
                fence_bytes += entries.div_ceil(BLOCK) * FENCE_BYTES;
                offset
            })
            .collect();
        Self {
            columns,
            fences: next,
            fence_bytes,
            end: next + fence_bytes as u64,
        }
    }
}

/// Writes a sorted file, column by column.
#[derive(Debug)]
pub(super) struct SortedWriter {
    path: PathBuf,
    out: BufWriter<File>,
    /// Entries of each column so far.
    entries: Vec<usize>,
    fences: Vec<u8>,
}

impl SortedWriter {
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file = File::create(&path).map_err(|error| Error::own_io("create", &path, error))?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        out.write_all(&MAGIC)
            .map_err(|error| Error::own_io("write", &path, error))?;
        Ok(Self {
            path,
            out,
            entries: Vec::new(),
            fences: Vec::new(),
        })
    }

    /// Writes the next column.
    pub(super) fn column<E: Entry>(&mut self, entries: impl Iterator<Item = Result<E, Error>>) -> Result<(), Error> {
        let path = &self.path;
        let (count, fences) = write_column(&mut self.out, entries, |error| Error::own_io("write", path, error))?;
        self.entries.push(count);
        for fence in fences {
            fence.write(&mut self.fences);
        }
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self, name: String, numbers: Range<u32>) -> Result<SortedEntry, Error> {
        let (documents, comparable) = self.counts()?;
        let failed = |error| Error::own_io("write", &self.path, error);
        self.out.write_all(&self.fences).map_err(failed)?;
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)?;
        let length = self.out.get_ref().metadata().map_err(failed)?.len();
        Ok(SortedEntry {
            name,
            numbers,
            documents,
            comparable,
            bytes: length,
            crc32: crc32fast::hash(&self.fences),
        })
    }

    /// The documents, each once by number and by blob, and those of them that are in every band.
    fn counts(&self) -> Result<(u32, u32), Error> {
        if let [documents, blobs, bands @ ..] = &self.entries[..]
            && let Some(comparable) = bands.first()
            && documents == blobs
            && bands.iter().all(|entries| entries == comparable)
            && let (Ok(documents), Ok(comparable)) = (u32::try_from(*documents), u32::try_from(*comparable))
        {
            return Ok((documents, comparable));
        }
        let context = "the LSH index is damaged: the columns of its sorted files name different documents";
        Err(Error::new(ErrorKind::LshCorrupt, context))
    }
}
