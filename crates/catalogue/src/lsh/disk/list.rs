//! Small sorted files that are read and written whole: removed numbers, and comparisons. A magic with the version, then 4
//! bytes for each number, or 16 for each comparison (low, high, similarity or NaN); little endian. Size and CRC-32 are in the
//! manifest.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::column::Source;
use super::entry::array;
use crate::error::Error;
use crate::lsh::Comparison;

const MAGIC: [u8; 8] = *b"CLlshL\0\x01";

/// A list as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListEntry {
    /// Its file.
    pub(super) name: String,
    /// The size of its file.
    pub(super) bytes: u64,
    /// The CRC-32 of its file.
    pub(super) crc32: u32,
}

/// A row of a list.
pub(super) trait Row: Sized {
    const BYTES: usize;

    fn write(&self, to: &mut Vec<u8>);

    fn read(from: &[u8]) -> Self;
}

impl Row for u32 {
    const BYTES: usize = 4;

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.to_le_bytes());
    }

    fn read(from: &[u8]) -> Self {
        Self::from_le_bytes(array(from))
    }
}

impl Row for Comparison {
    const BYTES: usize = 16;

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.low.to_le_bytes());
        to.extend(self.high.to_le_bytes());
        to.extend(self.jaccard.unwrap_or(f64::NAN).to_le_bytes());
    }

    fn read(from: &[u8]) -> Self {
        let jaccard = f64::from_le_bytes(array(&from[8..]));
        Self {
            low: u32::from_le_bytes(array(from)),
            high: u32::from_le_bytes(array(&from[4..])),
            jaccard: (!jaccard.is_nan()).then_some(jaccard),
        }
    }
}

impl ListEntry {
    /// How many rows are in it.
    pub(super) const fn rows<R: Row>(&self) -> u64 {
        self.bytes.saturating_sub(MAGIC.len() as u64) / R::BYTES as u64
    }
}

/// Writes a list, and makes it durable.
pub(super) fn write<R: Row>(folder: &Path, name: String, rows: &[R]) -> Result<ListEntry, Error> {
    let path = folder.join(&name);
    let file = File::create(&path).map_err(|error| Error::own_io("create", &path, error))?;
    let failed = |error| Error::own_io("write", &path, error);
    let mut out = BufWriter::new(file);
    let mut hasher = crc32fast::Hasher::new();
    let mut bytes = 0;
    let mut part = MAGIC.to_vec();
    for rows in std::iter::once(&[][..]).chain(rows.chunks(1024)) {
        for row in rows {
            row.write(&mut part);
        }
        hasher.update(&part);
        bytes += part.len() as u64;
        out.write_all(&part).map_err(failed)?;
        part.clear();
    }
    out.flush().map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)?;
    let crc32 = hasher.finalize();
    Ok(ListEntry { name, bytes, crc32 })
}

/// An open list. It can be read when others have removed its file meanwhile.
#[derive(Debug)]
pub(super) struct List {
    source: Source,
    entry: ListEntry,
}

impl List {
    pub(super) fn open(folder: &Path, entry: &ListEntry) -> Result<Self, Error> {
        let source = Source::open(folder.join(&entry.name), entry.bytes)?;
        let entry = entry.clone();
        Ok(Self { source, entry })
    }

    /// Reads it.
    pub(super) fn rows<R: Row>(&self) -> Result<Vec<R>, Error> {
        let bytes = usize::try_from(self.entry.bytes).unwrap_or(usize::MAX);
        let bytes = self.source.read(bytes, 0)?;
        let whole = crc32fast::hash(&bytes) == self.entry.crc32;
        match bytes.strip_prefix(&MAGIC) {
            Some(rows) if whole && rows.len() % R::BYTES == 0 => Ok(rows.chunks_exact(R::BYTES).map(R::read).collect()),
            _ => Err(self.source.corrupt("it is not what its checksum says")),
        }
    }
}
