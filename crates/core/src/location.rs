//! Where processed contents stand: names of segments, and rows in them.

/// A published segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name: SHA-256 over the recipe and the keys of its rows, so the same work gives the same name.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u32,
}

/// Where a content's record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The catalogue's id of the segment.
    pub segment: i64,
    /// The row in it, from 0.
    pub row: u32,
}
