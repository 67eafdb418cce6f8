//! One repository at one revision: its entries, and reading them.

use std::fmt;

use bstr::BString;
use codelupe_core::{BlobId, Reason, Repository, Verdict};

use crate::limits::Limits;

/// A repository at one revision.
///
/// It does not change once opened where the source is git. A plain folder may change while it is read; each file is then
/// as it was when it was read.
pub trait Snapshot: Send {
    /// What discovery knows about the repository.
    fn repository(&self) -> &Repository;

    /// Every entry, sorted by the bytes of its path; no path occurs twice.
    fn entries(&self) -> &[Entry];

    /// Puts the content of entry number `entry` into `buffer`, whose old content is discarded and whose memory is
    /// reused. The content is never empty and never larger than [`Limits::max_blob_bytes`]; where [`Entry::blob`] is
    /// known, the content has been checked against it.
    ///
    /// # Errors
    /// The reason why this file is dropped. The next file can be read all the same.
    fn read(&mut self, entry: usize, buffer: &mut Vec<u8>) -> Result<(), ReadFailure>;
}

/// One file, or something else with a path, in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path relative to the repository, raw, with `/` between segments; at most [`Limits::max_path_bytes`] long.
    pub path: BString,
    /// The id of the content where it is known without reading it (git).
    pub blob: Option<BlobId>,
    /// The size in bytes where it is known without reading it (folders).
    pub size: Option<u64>,
    /// Kept: worth reading. Dropped: decided by name, kind and size alone.
    pub verdict: Verdict,
}

/// Why one file could not be read. It is a verdict on the file, not an error of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailure {
    /// The reason to record.
    pub reason: Reason,
    /// What happened, as text safe to print.
    pub detail: String,
}

impl ReadFailure {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    pub(crate) fn too_large(size: u64, limits: &Limits) -> Self {
        let detail = format!("{size} bytes, the limit is {}", limits.max_blob_bytes);
        Self::new(Reason::TooLarge, detail)
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

/// The entry to read, or why it must not be read.
pub(crate) fn kept(entries: &[Entry], index: usize) -> Result<&Entry, ReadFailure> {
    let entry = entries
        .get(index)
        .ok_or_else(|| ReadFailure::new(Reason::Unreadable, "no such entry"))?;
    match entry.verdict {
        Verdict::Kept => Ok(entry),
        Verdict::Dropped(reason) => Err(ReadFailure::new(reason, reason.describe())),
    }
}

/// Sorts by path and lets the first of several equal paths stand (git calls a tree with such paths broken).
pub(crate) fn sort_entries<T>(entries: &mut Vec<T>, entry: impl Fn(&T) -> &Entry) {
    entries.sort_by(|a, b| entry(a).path.cmp(&entry(b).path));
    entries.dedup_by(|later, first| entry(later).path == entry(first).path);
}
