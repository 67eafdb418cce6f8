//! What a column holds.

use codelupe_core::BlobId;

/// Bytes of a blob id.
const BLOB_BYTES: usize = 20;

/// An entry of a sorted column. Entries of one key come in order of number.
pub(super) trait Entry: Copy + Ord + Send + Sync + 'static {
    /// Its size in the file.
    const BYTES: usize;

    /// What the column is sorted by.
    fn key(&self) -> u64;

    /// The document.
    fn number(&self) -> u32;

    /// Appends it as it is in the file.
    fn write(&self, to: &mut Vec<u8>);

    /// Reads it from `BYTES` bytes.
    fn read(from: &[u8]) -> Self;
}

/// A document under a key of a band, or under the beginning of its blob id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    pub(super) key: u64,
    pub(super) number: u32,
}

impl Posting {
    /// The document under the first eight bytes of its blob id.
    pub(super) fn of_blob(blob: &BlobId, number: u32) -> Self {
        let key = blob_key(blob);
        Self { key, number }
    }
}

/// The first eight bytes of a blob id: two documents in 2^32 share them by chance.
pub(super) fn blob_key(blob: &BlobId) -> u64 {
    u64::from_be_bytes(array(blob.as_bytes()))
}

impl Entry for Posting {
    const BYTES: usize = 12;

    fn key(&self) -> u64 {
        self.key
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.key.to_le_bytes());
        to.extend(self.number.to_le_bytes());
    }

    fn read(from: &[u8]) -> Self {
        Self {
            key: u64::from_le_bytes(array(from)),
            number: u32::from_le_bytes(array(&from[8..])),
        }
    }
}

/// A document with its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Document {
    pub(super) number: u32,
    pub(super) blob: BlobId,
}

impl Entry for Document {
    const BYTES: usize = 4 + BLOB_BYTES;

    fn key(&self) -> u64 {
        self.number.into()
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.number.to_le_bytes());
        to.extend(self.blob.as_bytes());
    }

    fn read(from: &[u8]) -> Self {
        Self {
            number: u32::from_le_bytes(array(from)),
            blob: BlobId::from_bytes(array(&from[4..])),
        }
    }
}

/// The first `N` bytes.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}
