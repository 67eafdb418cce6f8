//! Candidates and outcomes of deduplication.

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::{Store, bulk, generation, locked_generation};
use crate::error::Error;
use crate::rows::{
    DEDUP_CANDIDATES, DedupInput, Duplicate, Duplicates, Fence, STORED_DUPLICATES, difference, generation_must_be,
};

#[async_trait]
impl Duplicates for Store {
    async fn dedup_input(&self) -> Result<DedupInput, Error> {
        let read = || async {
            let mut snapshot = self.snapshot().await?;
            let generation = generation(&mut snapshot).await?;
            let candidates = sqlx::query_as(DEDUP_CANDIDATES).fetch_all(&mut *snapshot).await?;
            Ok(DedupInput { candidates, generation })
        };
        self.guard.run(Operation::ReadCandidatesOfDeduplication, read).await
    }

    async fn replace_duplicates(
        &self,
        duplicates: &[Duplicate],
        state: &str,
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let doing = Operation::ReplaceDuplicates;
        self.guard
            .run_store(doing, || {
                self.try_replace_duplicates(doing, duplicates, state, since, fence)
            })
            .await
    }
}

impl Store {
    async fn try_replace_duplicates(
        &self,
        doing: Operation,
        duplicates: &[Duplicate],
        state: &str,
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        generation_must_be(locked_generation(&mut transaction).await.map_err(fail)?, since)?;
        let stored = sqlx::query_as(STORED_DUPLICATES)
            .fetch_all(&mut *transaction)
            .await
            .map_err(fail)?;
        let (gone, come) = difference(stored, duplicates);
        bulk::delete_duplicates(&mut transaction, &gone).await.map_err(fail)?;
        bulk::insert_duplicates(&mut transaction, &come).await.map_err(fail)?;
        sqlx::query("DELETE FROM duplicate_candidates")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        // What was derived from the earlier outcome, such as the build, is out of date.
        sqlx::query("DELETE FROM stages")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("INSERT INTO stages (name, state) VALUES ('dedup', $1)")
            .bind(state)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
}
