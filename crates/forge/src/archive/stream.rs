//! The bytes of an archive as they come in: inflated, counted and bounded.

use std::io::{self, BufRead, BufReader, Take};
use std::time::Instant;

use flate2::bufread::GzDecoder;

use super::ArchiveLimits;
use super::failure::Failure;

/// The unit of tar in bytes (POSIX.1-2017, pax, "ustar Interchange Format").
pub(super) const BLOCK_BYTES: usize = 512;

/// Inflated bytes per look.
const BUFFER_BYTES: usize = 64 << 10;

/// A tar archive as it is received.
pub(super) struct TarStream<R> {
    inflated: BufReader<GzDecoder<Take<R>>>,
    packed_limit: u64,
    inflated_bytes: u64,
    inflated_limit: u64,
    deadline: Instant,
}

impl<R: BufRead> TarStream<R> {
    /// Starts at the first byte of the compressed archive.
    pub(super) fn new(source: R, limits: &ArchiveLimits) -> Self {
        let capped = source.take(limits.packed_bytes);
        Self {
            inflated: BufReader::with_capacity(BUFFER_BYTES, GzDecoder::new(capped)),
            packed_limit: limits.packed_bytes,
            inflated_bytes: 0,
            inflated_limit: limits.inflated_bytes,
            deadline: limits.deadline,
        }
    }

    /// The next block.
    pub(super) fn block(&mut self) -> Result<[u8; BLOCK_BYTES], Failure> {
        let mut block = [0; BLOCK_BYTES];
        let mut filled = 0;
        self.pass(BLOCK_BYTES as u64, |piece| {
            block[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        })?;
        Ok(block)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Failure> {
        let mut byte = 0;
        self.pass(1, |piece| byte = piece[0])?;
        Ok(byte)
    }

    /// Refuses early what states a size larger than the bound.
    pub(super) fn expect(&self, bytes: u64) -> Result<(), Failure> {
        if bytes > self.inflated_limit - self.inflated_bytes {
            return Err(Failure::InflatesTooMuch(self.inflated_limit));
        }
        Ok(())
    }

    /// Skips the next `bytes`, passing them to `sink` piece by piece.
    pub(super) fn pass(&mut self, bytes: u64, mut sink: impl FnMut(&[u8])) -> Result<(), Failure> {
        self.expect(bytes)?;
        let mut left = bytes;
        while left > 0 {
            let buffer = self.fill()?;
            if buffer.is_empty() {
                return Err(Failure::malformed("it ends too early"));
            }
            let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            sink(&buffer[..length]);
            self.consume(length);
            left -= length as u64;
        }
        Ok(())
    }

    /// Skips the padding of the last block of `bytes`.
    pub(super) fn pad(&mut self, bytes: u64) -> Result<(), Failure> {
        let block = BLOCK_BYTES as u64;
        self.pass((block - bytes % block) % block, |_| ())
    }

    /// Reads to the end, so that the checksum of gzip is compared. What follows the end of a tar archive is not looked at.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        loop {
            let length = self.fill()?.len();
            if length == 0 {
                return Ok(());
            }
            self.expect(length as u64)?;
            self.consume(length);
        }
    }

    fn fill(&mut self) -> Result<&[u8], Failure> {
        if Instant::now() > self.deadline {
            return Err(Failure::Late);
        }
        if let Err(error) = self.inflated.fill_buf() {
            let is_cut = self.inflated.get_ref().get_ref().limit() == 0;
            return Err(match error.kind() {
                io::ErrorKind::UnexpectedEof if is_cut => Failure::ArchiveTooLarge(self.packed_limit),
                _ => Failure::of_stream(error),
            });
        }
        self.inflated.fill_buf().map_err(Failure::of_stream)
    }

    fn consume(&mut self, length: usize) {
        self.inflated.consume(length);
        self.inflated_bytes += length as u64;
    }
}
