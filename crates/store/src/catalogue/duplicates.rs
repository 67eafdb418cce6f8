//! Candidates and outcomes of deduplication.

use async_trait::async_trait;
use codelupe_core::{BlobId, Reason};
use sqlx::FromRow;

use super::jobs::Fence;
use crate::error::{Error, ErrorKind};
use crate::segment::Location;

/// A file whose content processing kept, as deduplication sees it.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct DedupCandidate {
    /// The file.
    pub file_id: i64,
    /// Its blob.
    #[sqlx(rename = "blob_id", try_from = "Vec<u8>")]
    pub blob: BlobId,
    /// Where its text stands.
    #[sqlx(flatten)]
    pub location: Location,
}

/// What deduplication works on.
#[derive(Debug, Clone)]
pub struct DedupInput {
    /// All files whose content processing kept, best rank first: licence class, then stars, then not a fork, then older,
    /// then name and path. The rank does not depend on ids, so not on the order of arrival (guarantee G3).
    pub candidates: Vec<DedupCandidate>,
    /// The catalogue's generation at that moment.
    pub generation: i64,
}

/// Every file that processing kept, by rank; both dialects read it.
pub(crate) const DEDUP_CANDIDATES: &str = "
    SELECT f.id AS file_id, c.blob_id, c.segment_id, c.segment_row
    FROM files f
    JOIN contents c ON c.id = f.content_id
    JOIN repositories r ON r.id = f.repository_id
    WHERE c.reason IS NULL
    ORDER BY r.licence_rank, r.stars IS NULL, r.stars DESC, r.fork, r.committed_at IS NULL, r.committed_at,
             r.name, f.path";

/// A file that is dropped because a kept one has the same, or nearly the same, content.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicate {
    /// The dropped file.
    pub file_id: i64,
    /// `ExactDuplicate` or `NearDuplicate`.
    pub reason: Reason,
    /// The kept file.
    pub kept_file_id: i64,
    /// Exact Jaccard similarity of the two shingle sets; 1 for exact duplicates.
    pub jaccard: f64,
}

/// The outcome of deduplication.
#[async_trait]
pub trait Duplicates {
    /// What there is to compare, as of one moment.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn dedup_input(&self) -> Result<DedupInput, Error>;

    /// Replaces the outcome of deduplication in one transaction; `state` says by which settings it was computed,
    /// `generation` from which files.
    ///
    /// # Errors
    /// `Stale` when the files have changed since; `LeaseLost`, `DiskFull`, `Permission`, `Conflict` or `Database`. The old
    /// outcome stays then.
    async fn replace_duplicates(
        &self,
        duplicates: &[Duplicate],
        state: &str,
        generation: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error>;
}

/// # Errors
/// `Stale` when they are not the same.
pub(crate) fn generation_must_be(now: i64, then: i64) -> Result<(), Error> {
    if now == then {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Stale,
        "the files have changed while this was computed from them",
    ))
}
