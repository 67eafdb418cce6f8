//! Candidates: what processing takes for near-duplicates before deduplication has looked.

use async_trait::async_trait;
use codelupe_core::BlobId;
use sqlx::FromRow;

use super::jobs::Fence;
use crate::error::Error;

/// A content that shares bands with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct CandidateRow {
    /// Its blob.
    #[sqlx(rename = "blob_id", try_from = "Vec<u8>")]
    pub blob: BlobId,
    /// The blob that it may be a near-duplicate of: of all that were known, the one that shares the most bands.
    #[sqlx(rename = "candidate_id", try_from = "Vec<u8>")]
    pub candidate: BlobId,
    /// How many bands they share.
    #[sqlx(try_from = "i64")]
    pub shared: u32,
}

/// The candidates since the last deduplication, which verifies and forgets them.
#[async_trait]
pub trait Candidates {
    /// Records candidates; of two for one blob the last one counts.
    ///
    /// # Errors
    /// `LeaseLost`, `DiskFull`, `Permission`, `Conflict` or `Database`; nothing is recorded then.
    async fn record_candidates(&self, rows: &[CandidateRow], fence: Option<Fence>) -> Result<(), Error>;

    /// What a content may be a near-duplicate of.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn candidate_of(&self, blob: BlobId) -> Result<Option<CandidateRow>, Error>;
}
