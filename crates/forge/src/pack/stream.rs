//! The bytes of a pack as they come in: counted, hashed and bounded.

use std::io::{self, BufRead};

use flate2::{Decompress, FlushDecompress, Status};
use sha1::{Digest, Sha1};

use super::Broken;

/// A pack as it is received.
pub(super) struct PackStream<R> {
    source: R,
    hasher: Sha1,
    position: u64,
    limit: u64,
    /// Compressed bytes of the entry at hand, while they are wanted.
    copy: Option<Vec<u8>>,
    inflate: Decompress,
}

impl<R: BufRead> PackStream<R> {
    /// Starts at the first byte of a pack, of which `limit` bytes are read at most.
    pub(super) fn new(source: R, limit: u64) -> Self {
        Self {
            source,
            hasher: Sha1::new(),
            position: 0,
            limit,
            copy: None,
            inflate: Decompress::new(true),
        }
    }

    /// Bytes consumed so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        let byte = self.fill()?[0];
        self.consume(1);
        Ok(byte)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut array = [0; N];
        for byte in &mut array {
            *byte = self.byte()?;
        }
        Ok(array)
    }

    /// Inflates one zlib stream of exactly `size` bytes into a buffer of that size.
    pub(super) fn inflate(&mut self, size: usize) -> Result<Vec<u8>, Broken> {
        // One byte more, so that a stream that is too long shows.
        let mut data = Vec::new();
        data.try_reserve_exact(size + 1)
            .map_err(|_| Broken::TooLarge(size as u64))?;
        self.inflate.reset(true);
        loop {
            let before = self.inflate.total_in();
            let written = data.len();
            let input = fill(&mut self.source, self.position, self.limit)?;
            let status = self.inflate.decompress_vec(input, &mut data, FlushDecompress::None);
            let used = self.inflate.total_in() - before;
            self.consume(usize::try_from(used).unwrap_or(usize::MAX));
            match status {
                Ok(Status::StreamEnd) if data.len() == size => return Ok(data),
                Ok(Status::Ok) if data.len() <= size && (used > 0 || data.len() > written) => {}
                Ok(_) => return Err(Broken::malformed("an entry inflates to another size than it states")),
                Err(_) => return Err(Broken::malformed("an entry is not well-formed zlib")),
            }
        }
    }

    /// Inflates one zlib stream of exactly `size` bytes piece by piece, keeping nothing.
    pub(super) fn inflate_through(&mut self, size: u64, mut sink: impl FnMut(&[u8])) -> Result<(), Broken> {
        let mut piece = vec![0; 64 << 10];
        let mut written = 0;
        self.inflate.reset(true);
        loop {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let input = fill(&mut self.source, self.position, self.limit)?;
            let status = self.inflate.decompress(input, &mut piece, FlushDecompress::None);
            let used = self.inflate.total_in() - before_in;
            let made = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(usize::MAX);
            self.consume(usize::try_from(used).unwrap_or(usize::MAX));
            written += made as u64;
            sink(&piece[..made]);
            match status {
                Ok(Status::StreamEnd) if written == size => return Ok(()),
                Ok(Status::Ok) if written <= size && (used > 0 || made > 0) => {}
                Ok(_) => return Err(Broken::malformed("an entry inflates to another size than it states")),
                Err(_) => return Err(Broken::malformed("an entry is not well-formed zlib")),
            }
        }
    }

    /// From here on, what is consumed is copied too.
    pub(super) fn start_copy(&mut self) {
        self.copy = Some(Vec::new());
    }

    /// What was consumed since [`Self::start_copy`].
    pub(super) fn take_copy(&mut self) -> Vec<u8> {
        self.copy.take().unwrap_or_default()
    }

    /// Reads the trailer and compares it with the hash of everything before; then nothing may follow.
    pub(super) fn finish(mut self) -> Result<(), Broken> {
        let computed: [u8; 20] = std::mem::take(&mut self.hasher).finalize().into();
        if self.array::<20>()? != computed {
            return Err(Broken::malformed("its checksum does not match"));
        }
        match self.source.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(Broken::malformed("something follows its end")),
            Err(error) => Err(Broken::Stream(error)),
        }
    }

    fn fill(&mut self) -> Result<&[u8], Broken> {
        fill(&mut self.source, self.position, self.limit)
    }

    fn consume(&mut self, count: usize) {
        if let Ok(buffer) = self.source.fill_buf() {
            let used = &buffer[..count.min(buffer.len())];
            self.hasher.update(used);
            if let Some(copy) = &mut self.copy {
                copy.extend_from_slice(used);
            }
        }
        self.source.consume(count);
        self.position += count as u64;
    }
}

/// The next bytes, at least one.
fn fill<R: BufRead>(source: &mut R, position: u64, limit: u64) -> Result<&[u8], Broken> {
    let left = limit.saturating_sub(position);
    if left == 0 {
        return Err(Broken::PackTooLarge(limit));
    }
    let buffer = source.fill_buf().map_err(Broken::Stream)?;
    if buffer.is_empty() {
        return Err(Broken::Stream(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(&buffer[..buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))])
}
