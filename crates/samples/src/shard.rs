//! The file format of rows, written once and then memory-mapped.
//!
//! All numbers are little-endian. A header of 64 bytes:
//!
//! | byte | |
//! |---|---|
//! | 0 | the magic `CLSAMPLE` |
//! | 8 | u32: the version, 1 |
//! | 12 | u32: T, the tokens of a row |
//! | 16 | u64: R, the number of rows |
//! | 24 | u64: S, the number of samples |
//! | 32 | u64: the bytes of the file |
//! | 40 | u32: the CRC-32 of all after the header |
//! | 44 | 16 zeros |
//! | 60 | u32: the CRC-32 of the 60 bytes before |
//!
//! Then, without gaps:
//!
//! - R x T tokens, u32 each.
//! - R + 1 numbers, u32 each: which sample is the first of a row; the last is S.
//! - S samples of 12 bytes: u32 its first position in the row, u32 its length, u16 its language (a place in the list of
//!   the dataset), u8 its kind (a place in [`SampleKind::ALL`]), a zero.
//! - R masks of T / 8 bytes, rounded up: bit i of byte j is set where the token at position 8 j + i is learned.
//!
//! What follows the last sample of a row is padding, which belongs to no sample and of which nothing is learned.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use codelupe_core::text::display_path;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::sample::SampleKind;

const MAGIC: &[u8; 8] = b"CLSAMPLE";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const SPAN_BYTES: usize = 12;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "rows are read in place, as little-endian numbers"
);

/// Where a sample is in its row, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpan {
    /// The position of its first token.
    pub start: u32,
    /// Its number of tokens, over 0.
    pub len: u32,
    /// Its language, as a place in [`crate::DatasetSummary::languages`].
    pub language: u16,
    /// How it was made.
    pub kind: SampleKind,
}

impl SampleSpan {
    /// The positions of its tokens.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }

    fn bytes(self) -> [u8; SPAN_BYTES] {
        let mut bytes = [0; SPAN_BYTES];
        bytes[..4].copy_from_slice(&self.start.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.len.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.language.to_le_bytes());
        bytes[10] = self.kind.number();
        bytes
    }

    fn read(bytes: &[u8; SPAN_BYTES]) -> Option<Self> {
        let [s0, s1, s2, s3, l0, l1, l2, l3, g0, g1, kind, _] = *bytes;
        Some(Self {
            start: u32::from_le_bytes([s0, s1, s2, s3]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            language: u16::from_le_bytes([g0, g1]),
            kind: SampleKind::numbered(kind)?,
        })
    }
}

/// One row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its tokens, as many as every row has.
    pub tokens: &'a [u32],
    /// The samples in it, one after the other from position 0. What follows the last is padding.
    pub samples: Vec<SampleSpan>,
    /// Bit i of byte j is set where the token at position 8 j + i is learned, from the tokens of its sample before it.
    pub learn: &'a [u8],
}

impl Row<'_> {
    /// Whether the token at a position is learned.
    pub fn learned(&self, position: usize) -> bool {
        self.learn
            .get(position / 8)
            .is_some_and(|byte| byte >> (position % 8) & 1 == 1)
    }

    /// Where the parts begin that attention stays in, and the length of the row at the end: the samples, then the padding,
    /// if there is any, as a part of its own.
    pub fn boundaries(&self) -> Vec<u32> {
        let length = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        let filled = self.samples.last().map_or(0, |span| span.start + span.len);
        let starts = self.samples.iter().map(|span| span.start);
        let padding = (filled < length).then_some(filled);
        starts.chain(padding).chain([length]).collect()
    }
}

/// What the list of a dataset says of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardEntry {
    /// The name of its file in the folder.
    pub file: String,
    /// Its number of rows.
    pub rows: u64,
    /// Its number of bytes.
    pub bytes: u64,
    /// The CRC-32 of all after its header.
    pub crc32: u32,
}

/// The numbers of a header.
#[derive(Debug, Clone, Copy)]
struct Header {
    length: u32,
    rows: u64,
    spans: u64,
    bytes: u64,
    crc32: u32,
}

impl Header {
    fn write(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.rows.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.spans.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.crc32.to_le_bytes());
        let check = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Reads a header, or says what is wrong with it.
    fn read(bytes: &[u8]) -> Result<Self, (ErrorKind, String)> {
        let corrupt = |what: &str| (ErrorKind::Corrupt, what.to_owned());
        let header = bytes.get(..HEADER_BYTES).ok_or_else(|| corrupt("is cut short"))?;
        if !header.starts_with(MAGIC) {
            return Err(corrupt("is no shard of a dataset"));
        }
        let version = u32_at(header, 8);
        if version != VERSION {
            let context = format!("has version {version}; this program reads {VERSION}");
            return Err((ErrorKind::UnknownFormat, context));
        }
        if u32_at(header, 60) != crc32fast::hash(&header[..60]) {
            return Err(corrupt("has a damaged header"));
        }
        Ok(Self {
            length: u32_at(header, 12),
            rows: u64_at(header, 16),
            spans: u64_at(header, 24),
            bytes: u64_at(header, 32),
            crc32: u32_at(header, 40),
        })
    }
}

/// A shard that is being written. Only tokens are written immediately; the rest, a sixteenth of their size, waits for the end.
pub(crate) struct ShardWriter {
    path: PathBuf,
    file: BufWriter<File>,
    crc32: crc32fast::Hasher,
    row_length: usize,
    first_spans: Vec<u32>,
    spans: Vec<u8>,
    learn: Vec<u8>,
}

impl ShardWriter {
    /// # Errors
    /// The kinds of input and output.
    pub(crate) fn create(path: PathBuf, row_length: usize) -> Result<Self, Error> {
        let written = File::create(&path).and_then(|file| {
            let mut file = BufWriter::with_capacity(1 << 20, file);
            file.write_all(&[0; HEADER_BYTES])?;
            Ok(file)
        });
        Ok(Self {
            file: written.map_err(|error| Error::own_io("write", &path, error))?,
            path,
            crc32: crc32fast::Hasher::new(),
            row_length,
            first_spans: vec![0],
            spans: Vec::new(),
            learn: Vec::new(),
        })
    }

    /// Writes a row of exactly the tokens that a row has.
    ///
    /// # Errors
    /// The kinds of input and output.
    pub(crate) fn row(&mut self, tokens: &[u32], samples: &[SampleSpan], learn: &[u8]) -> Result<(), Error> {
        debug_assert_eq!(tokens.len(), self.row_length);
        let bytes: &[u8] = bytemuck::cast_slice(tokens);
        self.crc32.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|error| Error::own_io("write", &self.path, error))?;
        self.spans.extend(samples.iter().flat_map(|span| span.bytes()));
        self.learn.extend_from_slice(learn);
        let spans = u32::try_from(self.spans.len() / SPAN_BYTES)
            .map_err(|_| Error::new(ErrorKind::Io, "a shard has over 4294967295 samples"))?;
        self.first_spans.push(spans);
        Ok(())
    }

    /// The tokens written so far.
    pub(crate) fn tokens(&self) -> usize {
        (self.first_spans.len() - 1) * self.row_length
    }

    /// Writes the rest, the header last, and waits until all is on the disk.
    ///
    /// # Errors
    /// The kinds of input and output.
    pub(crate) fn finish(mut self) -> Result<ShardEntry, Error> {
        let path = std::mem::take(&mut self.path);
        self.write_rest()
            .map_err(|error| Error::own_io("write", &path, error))
            .map(|header| ShardEntry {
                file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                rows: header.rows,
                bytes: header.bytes,
                crc32: header.crc32,
            })
    }

    fn write_rest(mut self) -> std::io::Result<Header> {
        for part in [bytemuck::cast_slice(&self.first_spans), &self.spans, &self.learn] {
            self.crc32.update(part);
            self.file.write_all(part)?;
        }
        let header = Header {
            length: u32::try_from(self.row_length).unwrap_or(u32::MAX),
            rows: self.first_spans.len() as u64 - 1,
            spans: (self.spans.len() / SPAN_BYTES) as u64,
            bytes: self.file.stream_position()?,
            crc32: self.crc32.finalize(),
        };
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header.write())?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(header)
    }
}

/// A shard that is read, checked as a whole.
#[derive(Debug)]
pub(crate) struct Shard {
    map: Mmap,
    row_length: usize,
    rows: usize,
    spans: usize,
    crc32: u32,
}

impl Shard {
    /// Opens a shard and checks it: its header, its length, its sum and that its samples lie in their rows, one after the
    /// other.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::Corrupt`], [`ErrorKind::UnknownFormat`] and the kinds of input and output.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        // SAFETY: nobody writes to a finished shard: a dataset gets its name only when all of its files are written, and
        // is never changed afterwards. Who changes it all the same sees wrong tokens, or a signal where it was cut.
        #[expect(unsafe_code, reason = "memory-mapping cannot be proven safe by the compiler")]
        let map = unsafe { Mmap::map(&file) }.map_err(|error| Error::io("read", path, error))?;
        let failed = |(kind, what)| Error::new(kind, format!("`{}` {what}", display_path(path)));
        let header = Header::read(&map).map_err(failed)?;
        let shard = Self::checked(map, header).map_err(|what| failed((ErrorKind::Corrupt, what.to_owned())))?;
        Ok(shard)
    }

    fn checked(map: Mmap, header: Header) -> Result<Self, &'static str> {
        let damaged = "has a damaged header";
        let shard = Self {
            row_length: header.length as usize,
            rows: usize::try_from(header.rows).map_err(|_| damaged)?,
            spans: usize::try_from(header.spans).map_err(|_| damaged)?,
            crc32: header.crc32,
            map,
        };
        if shard.expected_bytes() != Some(header.bytes) || shard.map.len() as u64 != header.bytes {
            return Err("does not have the length that its header says");
        }
        if crc32fast::hash(&shard.map[HEADER_BYTES..]) != header.crc32 {
            return Err("is damaged: its CRC-32 is another");
        }
        if (0..shard.rows).all(|row| shard.is_whole(row)) {
            Ok(shard)
        } else {
            Err("has samples outside of their rows")
        }
    }

    /// The bytes that a file of these numbers has, or none where they overflow.
    fn expected_bytes(&self) -> Option<u64> {
        let row = (self.row_length * 4 + self.row_length.div_ceil(8) + 4) as u64;
        let rows = (self.rows as u64).checked_mul(row)?;
        let spans = (self.spans as u64).checked_mul(SPAN_BYTES as u64)?;
        rows.checked_add(spans)?.checked_add(HEADER_BYTES as u64 + 4)
    }

    /// Whether the samples of a row come one after the other inside of it.
    fn is_whole(&self, row: usize) -> bool {
        let (first, last) = (self.first_span(row), self.first_span(row + 1));
        if first > last || last > self.spans {
            return false;
        }
        let mut end = 0;
        (first..last).all(|span| {
            let span = self.span(span).map(SampleSpan::range);
            let follows = span.as_ref().is_some_and(|span| span.start == end && !span.is_empty());
            end = span.map_or(usize::MAX, |span| span.end);
            follows && end <= self.row_length
        })
    }

    /// How many rows there are.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// The CRC-32 of all after the header.
    pub(crate) const fn crc32(&self) -> u32 {
        self.crc32
    }

    /// The tokens of a row.
    pub(crate) const fn row_length(&self) -> usize {
        self.row_length
    }

    /// A row, or none after the last.
    pub(crate) fn row(&self, row: usize) -> Option<Row<'_>> {
        if row >= self.rows {
            return None;
        }
        let start = HEADER_BYTES + row * self.row_length * 4;
        let mask = self.row_length.div_ceil(8);
        let masks = self.spans_at() + self.spans * SPAN_BYTES;
        Some(Row {
            // The map begins at a page, and the header has 64 bytes, so the numbers are aligned.
            tokens: bytemuck::try_cast_slice(&self.map[start..start + self.row_length * 4]).ok()?,
            samples: (self.first_span(row)..self.first_span(row + 1))
                .filter_map(|span| self.span(span))
                .collect(),
            learn: &self.map[masks + row * mask..masks + (row + 1) * mask],
        })
    }

    fn first_spans_at(&self) -> usize {
        HEADER_BYTES + self.rows * self.row_length * 4
    }

    fn spans_at(&self) -> usize {
        self.first_spans_at() + (self.rows + 1) * 4
    }

    fn first_span(&self, row: usize) -> usize {
        u32_at(&self.map, self.first_spans_at() + row * 4) as usize
    }

    fn span(&self, span: usize) -> Option<SampleSpan> {
        let bytes = self.map.get(self.spans_at() + span * SPAN_BYTES..)?.first_chunk()?;
        SampleSpan::read(bytes)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_as_one() {
        // A device on which every write finds no space.
        let mut writer = ShardWriter::create(PathBuf::from("/dev/full"), 8).unwrap();
        writer.row(&[1; 8], &[], &[0]).unwrap();
        let error = writer.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DiskFull);
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }

    #[test]
    fn samples_that_leave_their_row_or_overlap_are_refused_though_the_sum_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let span = |start, len| SampleSpan {
            start,
            len,
            language: 0,
            kind: SampleKind::Repository,
        };
        let opened = |spans: &[SampleSpan]| {
            let path = folder.path().join("shard");
            let mut writer = ShardWriter::create(path.clone(), 8).unwrap();
            writer.row(&[1; 8], spans, &[0]).unwrap();
            writer.finish().unwrap();
            Shard::open(&path).map(|shard| shard.row(0).unwrap().samples)
        };
        assert_eq!(opened(&[span(0, 3), span(3, 5)]).unwrap(), [span(0, 3), span(3, 5)]);
        for wrong in [
            [span(0, 3), span(3, 6)],
            [span(0, 3), span(2, 5)],
            [span(0, 3), span(4, 4)],
            [span(0, 0), span(0, 8)],
            [span(0, 3), span(3, u32::MAX)],
        ] {
            assert_eq!(opened(&wrong).unwrap_err().kind(), ErrorKind::Corrupt, "{wrong:?}");
        }
    }
}
