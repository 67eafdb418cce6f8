//! The header of a member.

use tar::Header;

use super::failure::Failure;
use super::stream::BLOCK_BYTES;

/// What a header is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderKind {
    /// Records about all members (pax, `g`).
    Global,
    /// Records about the next member (pax, `x`).
    Pax,
    /// The name of the next member (GNU, `L`).
    LongName,
    /// Where the link that is the next member leads (GNU, `K`).
    LongLink,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A hard link, a device or a FIFO.
    Special,
    /// A sparse file (GNU, `S`): the map of it may go on in blocks of its own.
    Sparse,
    /// Another kind, of which only the size is known.
    Unknown,
}

impl HeaderKind {
    /// Whether content may follow; for links programs differ in whether they believe a size.
    pub(super) const fn has_content(self) -> bool {
        !matches!(self, Self::Folder | Self::Symlink | Self::Special)
    }
}

/// Reads a header; `None` for a block of zeros, which ends an archive.
pub(super) fn read(block: &[u8; BLOCK_BYTES]) -> Result<Option<&Header>, Failure> {
    /// Where the checksum is; it counts itself as spaces.
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let header = Header::from_byte_slice(block);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let spaces = u32::from(b' ') * 8;
    let computed = sum(block) - sum(&block[CHECKSUM]) + spaces;
    if header.cksum().ok() != Some(computed) {
        return Err(Failure::malformed("the checksum of a header does not match"));
    }
    Ok(Some(header))
}

/// What the header is about, by its type flag.
pub(super) fn kind_of(header: &Header) -> HeaderKind {
    match header.as_old().linkflag[0] {
        b'g' => HeaderKind::Global,
        b'x' => HeaderKind::Pax,
        b'L' => HeaderKind::LongName,
        b'K' => HeaderKind::LongLink,
        b'0' | 0 | b'7' => HeaderKind::File,
        b'5' => HeaderKind::Folder,
        b'2' => HeaderKind::Symlink,
        b'1' | b'3' | b'4' | b'6' => HeaderKind::Special,
        b'S' => HeaderKind::Sparse,
        _ => HeaderKind::Unknown,
    }
}

/// The bytes that follow, as the header itself has them: octal digits, or a number of eight bytes (GNU).
pub(super) fn size_of(header: &Header) -> Result<u64, Failure> {
    let field = &header.as_old().size;
    let binary = field[0] & 0x80 != 0;
    let negative_or_more = binary && (field[0] != 0x80 || field[1..4] != [0; 3]);
    match header.entry_size() {
        Ok(size) if !negative_or_more => Ok(size),
        _ => Err(Failure::malformed("a size is no number")),
    }
}
