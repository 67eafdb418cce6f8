//! A sorted column of a sorted file: blocks of [`BLOCK`] entries, and in memory, for each block, its first key and its checksum.

use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use codelupe_core::text::display_name;

use super::entry::{Entry, array};
use crate::error::{Error, ErrorKind};

/// Entries in a block. A question reads one block for each band and sorted file: 3 KB.
pub(super) const BLOCK: usize = 256;

/// Bytes of a fence: the first key and the CRC-32 of a block.
pub(super) const FENCE_BYTES: usize = 12;

/// Blocks per read where a column is read whole: 200 KB of postings, 400 KB of documents.
const BLOCKS_AT_ONCE: usize = 64;

/// An open file with its name for errors.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    path: PathBuf,
}

impl Source {
    /// Opens a file, which must have the given size.
    pub(super) fn open(path: PathBuf, bytes: u64) -> Result<Self, Error> {
        let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
        let length = file
            .metadata()
            .map_err(|error| Error::io("look at", &path, error))?
            .len();
        let source = Self { file, path };
        if length == bytes {
            return Ok(source);
        }
        Err(source.corrupt(&format!("it has {length} bytes, not {bytes}")))
    }

    pub(super) fn read(&self, bytes: usize, offset: u64) -> Result<Vec<u8>, Error> {
        let mut buffer = vec![0; bytes];
        match self.file.read_exact_at(&mut buffer, offset) {
            Ok(()) => Ok(buffer),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.corrupt("it is cut off")),
            Err(error) => Err(Error::io("read", &self.path, error)),
        }
    }

    pub(super) fn corrupt(&self, what: &str) -> Error {
        let name = display_name(self.path.as_os_str().as_encoded_bytes());
        Error::new(ErrorKind::LshCorrupt, format!("`{name}` is damaged: {what}"))
    }
}

/// What is known of a block without reading it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence {
    first: u64,
    checksum: u32,
}

impl Fence {
    pub(super) fn write(self, to: &mut Vec<u8>) {
        to.extend(self.first.to_le_bytes());
        to.extend(self.checksum.to_le_bytes());
    }

    pub(super) fn read(from: &[u8]) -> Self {
        Self {
            first: u64::from_le_bytes(array(from)),
            checksum: u32::from_le_bytes(array(&from[8..])),
        }
    }
}

/// A column of an open sorted file.
#[derive(Debug)]
pub(super) struct Column<E> {
    source: Arc<Source>,
    offset: u64,
    entries: usize,
    fences: Vec<Fence>,
    holds: PhantomData<E>,
}

impl<E: Entry> Column<E> {
    /// A column of `entries` entries that begins at `offset`.
    pub(super) fn new(source: Arc<Source>, offset: u64, entries: usize, fences: Vec<Fence>) -> Self {
        Self {
            source,
            offset,
            entries,
            fences,
            holds: PhantomData,
        }
    }

    /// All entries, in order.
    pub(super) fn scan(&self) -> Scan<'_, E> {
        Scan {
            column: self,
            next_block: 0,
            read: Vec::new().into_iter(),
        }
    }

    /// For questions in ascending order of key, which read no block twice.
    pub(super) const fn cursor(&self) -> Cursor<'_, E> {
        Cursor {
            column: self,
            loaded: None,
        }
    }

    /// Reads blocks; each must be what its checksum says.
    fn blocks(&self, first: usize, blocks: usize) -> Result<Vec<E>, Error> {
        let from = first * BLOCK;
        let entries = (self.entries - from).min(blocks * BLOCK);
        let bytes = self
            .source
            .read(entries * E::BYTES, self.offset + (from * E::BYTES) as u64)?;
        for (block, fence) in bytes.chunks(BLOCK * E::BYTES).zip(&self.fences[first..]) {
            if crc32fast::hash(block) != fence.checksum {
                return Err(self.source.corrupt("a block is not what its checksum says"));
            }
        }
        Ok(bytes.chunks_exact(E::BYTES).map(E::read).collect())
    }
}

/// Reads a column from its beginning to its end.
pub(super) struct Scan<'a, E> {
    column: &'a Column<E>,
    next_block: usize,
    read: std::vec::IntoIter<E>,
}

impl<E: Entry> Iterator for Scan<'_, E> {
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.read.next() {
            return Some(Ok(entry));
        }
        if self.next_block >= self.column.fences.len() {
            return None;
        }
        match self.column.blocks(self.next_block, BLOCKS_AT_ONCE) {
            Ok(entries) => self.read = entries.into_iter(),
            Err(error) => {
                self.next_block = usize::MAX;
                return Some(Err(error));
            }
        }
        self.next_block += BLOCKS_AT_ONCE;
        self.read.next().map(Ok)
    }
}

/// Looks keys up.
pub(super) struct Cursor<'a, E> {
    column: &'a Column<E>,
    loaded: Option<(usize, Vec<E>)>,
}

impl<E: Entry> Cursor<'_, E> {
    /// Gives the entries of a key, in order, as long as `goes_on` says so.
    pub(super) fn find(&mut self, key: u64, mut goes_on: impl FnMut(E) -> bool) -> Result<(), Error> {
        let fences = &self.column.fences;
        // The block before the first that begins with the key may end with it.
        let first = fences.partition_point(|fence| fence.first < key).saturating_sub(1);
        let end = fences.partition_point(|fence| fence.first <= key);
        for block in first..end {
            let entries = self.block(block)?;
            let from = entries.partition_point(|entry| entry.key() < key);
            let found = entries[from..].iter().take_while(|entry| entry.key() == key);
            for entry in found {
                if !goes_on(*entry) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, block: usize) -> Result<&[E], Error> {
        let loaded = match self.loaded.take() {
            Some(loaded) if loaded.0 == block => loaded,
            _ => (block, self.column.blocks(block, 1)?),
        };
        Ok(&self.loaded.insert(loaded).1)
    }
}

/// Writes a column, and returns its fences.
pub(super) fn write_column<E: Entry>(
    to: &mut impl Write,
    entries: impl Iterator<Item = Result<E, Error>>,
    failed: impl Fn(io::Error) -> Error,
) -> Result<(usize, Vec<Fence>), Error> {
    let mut fences = Vec::new();
    let mut count = 0;
    let mut block = Vec::with_capacity(BLOCK * E::BYTES);
    let mut end_block = |block: &mut Vec<u8>| {
        fences.push(Fence {
            first: E::read(block).key(),
            checksum: crc32fast::hash(block),
        });
        to.write_all(block)?;
        block.clear();
        Ok(())
    };
    for entry in entries {
        entry?.write(&mut block);
        count += 1;
        if block.len() == BLOCK * E::BYTES {
            end_block(&mut block).map_err(&failed)?;
        }
    }
    if !block.is_empty() {
        end_block(&mut block).map_err(&failed)?;
    }
    Ok((count, fences))
}
