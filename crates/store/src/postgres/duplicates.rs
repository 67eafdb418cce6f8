//! Candidates and outcomes of deduplication.

use async_trait::async_trait;

use super::copy::CopyRows;
use super::{Postgres, generation, locked_generation};
use crate::catalogue::{
    DEDUP_CANDIDATES, DedupInput, Duplicate, Duplicates, Fence, STORED_DUPLICATES, difference, generation_must_be,
};
use crate::error::Error;

#[async_trait]
impl Duplicates for Postgres {
    async fn dedup_input(&self) -> Result<DedupInput, Error> {
        let read = || async {
            let mut snapshot = self.snapshot().await?;
            let generation = generation(&mut snapshot).await?;
            let candidates = sqlx::query_as(DEDUP_CANDIDATES).fetch_all(&mut *snapshot).await?;
            Ok(DedupInput { candidates, generation })
        };
        self.guard.run("read the candidates of deduplication", read).await
    }

    async fn replace_duplicates(
        &self,
        duplicates: &[Duplicate],
        state: &str,
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let doing = "replace the duplicates";
        self.guard
            .run_store(doing, || {
                self.try_replace_duplicates(doing, duplicates, state, since, fence)
            })
            .await
    }
}

impl Postgres {
    async fn try_replace_duplicates(
        &self,
        doing: &'static str,
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
        sqlx::query("DELETE FROM duplicates WHERE file_id = ANY($1)")
            .bind(gone)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        let mut rows = CopyRows::new(
            "COPY duplicates (file_id, reason, kept_file_id, jaccard) FROM STDIN (FORMAT binary)",
            4,
        );
        for row in &come {
            rows.begin_row();
            rows.bigint(Some(row.file_id));
            rows.text(Some(row.reason.code()));
            rows.bigint(Some(row.kept_file_id));
            rows.double(row.jaccard);
        }
        rows.send(&mut transaction).await.map_err(fail)?;
        sqlx::query("DELETE FROM duplicate_candidates")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
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
