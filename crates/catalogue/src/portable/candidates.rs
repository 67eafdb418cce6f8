//! Candidates: what processing takes for near-duplicates before deduplication has looked.

use async_trait::async_trait;
use codelupe_core::BlobId;
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::{Database, Store};
use crate::error::Error;
use crate::rows::{CandidateRow, Candidates, Fence};

/// Rows in one statement: three parameters each stay below the limits of both databases.
const ROWS_PER_STATEMENT: usize = 5000;

#[async_trait]
impl Candidates for Store {
    async fn record_candidates(&self, rows: &[CandidateRow], fence: Option<Fence>) -> Result<(), Error> {
        let doing = Operation::RecordCandidates;
        self.guard
            .run_store(doing, || self.try_record_candidates(doing, rows, fence))
            .await
    }

    async fn candidate_of(&self, blob: BlobId) -> Result<Option<CandidateRow>, Error> {
        let read = || async {
            sqlx::query_as("SELECT blob_id, candidate_id, shared FROM duplicate_candidates WHERE blob_id = $1")
                .bind(blob.as_bytes().to_vec())
                .fetch_optional(&self.pool)
                .await
        };
        self.guard.run(Operation::ReadCandidate, read).await
    }
}

impl Store {
    async fn try_record_candidates(
        &self,
        doing: Operation,
        rows: &[CandidateRow],
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::<Database>::new("INSERT INTO duplicate_candidates (blob_id, candidate_id, shared) ");
            query.push_values(rows, |mut tuple, row| {
                tuple
                    .push_bind(row.blob.as_bytes().to_vec())
                    .push_bind(row.candidate.as_bytes().to_vec())
                    .push_bind(i64::from(row.shared));
            });
            query.push(
                " ON CONFLICT (blob_id) DO UPDATE SET candidate_id = excluded.candidate_id, shared = excluded.shared",
            );
            let query = query.build().persistent(false);
            query.execute(&mut *transaction).await.map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }
}
