//! Candidates and outcomes of deduplication.

use std::collections::HashMap;

use async_trait::async_trait;
use codelupe_core::{BlobId, Location, Reason};
use sqlx::FromRow;

use super::jobs::Fence;
use super::location::LocationColumns;
use crate::error::{Error, ErrorKind};

/// A file whose content processing kept, as deduplication sees it.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct DedupCandidate {
    /// The file.
    pub file_id: i64,
    /// Its blob.
    #[sqlx(rename = "blob_id", try_from = "Vec<u8>")]
    pub blob: BlobId,
    /// Where its text stands.
    #[sqlx(flatten, try_from = "LocationColumns")]
    pub location: Location,
}

/// What deduplication works on.
#[derive(Debug, Clone)]
pub struct DedupInput {
    /// All files whose content processing kept, best rank first: license class, then stars, then not a fork, then older,
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
    ORDER BY r.license_rank, r.stars IS NULL, r.stars DESC, r.fork, r.committed_at IS NULL, r.committed_at,
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
    /// All files to compare, as of one moment.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn dedup_input(&self) -> Result<DedupInput, Error>;

    /// Replaces the outcome of deduplication in one transaction; `state` says by which settings it was computed,
    /// `generation` from which files. Only rows that differ are written.
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

/// What is stored of duplicates: file, reason, kept file, similarity.
pub(crate) const STORED_DUPLICATES: &str = "SELECT file_id, reason, kept_file_id, jaccard FROM duplicates";

/// A row of [`STORED_DUPLICATES`].
pub(crate) type StoredDuplicate = (i64, String, i64, f64);

/// What to write so that `stored` becomes `wanted`: the files whose row goes, and the rows that come. A row that changes
/// does both.
pub(crate) fn difference(stored: Vec<StoredDuplicate>, wanted: &[Duplicate]) -> (Vec<i64>, Vec<Duplicate>) {
    let mut stored: HashMap<i64, StoredDuplicate> = stored.into_iter().map(|row| (row.0, row)).collect();
    let mut gone = Vec::new();
    let mut come = Vec::new();
    for duplicate in wanted {
        let same = |row: &StoredDuplicate| {
            row.1 == duplicate.reason.code()
                && row.2 == duplicate.kept_file_id
                && row.3.to_bits() == duplicate.jaccard.to_bits()
        };
        match stored.remove(&duplicate.file_id) {
            Some(row) if same(&row) => {}
            Some(row) => {
                gone.push(row.0);
                come.push(*duplicate);
            }
            None => come.push(*duplicate),
        }
    }
    gone.extend(stored.into_keys());
    (gone, come)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_differ_are_written() {
        let duplicate = |file_id, kept_file_id, jaccard| Duplicate {
            file_id,
            reason: Reason::NearDuplicate,
            kept_file_id,
            jaccard,
        };
        let code = || Reason::NearDuplicate.code().to_owned();
        let stored = vec![
            (1, code(), 9, 0.8),
            (2, code(), 9, 0.9),
            (3, code(), 9, 0.7),
            (4, "exact_duplicate".to_owned(), 9, 1.0),
        ];
        let wanted = [
            duplicate(1, 9, 0.8),
            duplicate(2, 8, 0.9),
            duplicate(5, 9, 0.75),
            duplicate(4, 9, 1.0),
        ];
        let (mut gone, come) = difference(stored, &wanted);
        gone.sort_unstable();
        assert_eq!(gone, [2, 3, 4]);
        assert_eq!(come, [wanted[1], wanted[2], wanted[3]]);
    }
}
