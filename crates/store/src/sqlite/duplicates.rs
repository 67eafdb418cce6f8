//! Candidates and outcomes of deduplication.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Sqlite, generation};
use crate::catalogue::{
    DEDUP_CANDIDATES, DedupInput, Duplicate, Duplicates, Fence, STORED_DUPLICATES, difference, generation_must_be,
};
use crate::error::Error;

/// Rows in one INSERT: 4 columns x 2,000 rows stays below SQLite's limit of 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 2000;

/// Ids in one DELETE, below the same limit.
const IDS_PER_STATEMENT: usize = 8000;

#[async_trait]
impl Duplicates for Sqlite {
    async fn dedup_input(&self) -> Result<DedupInput, Error> {
        let read = || async {
            let mut snapshot = self.pool.begin().await?;
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

impl Sqlite {
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
        generation_must_be(generation(&mut transaction).await.map_err(fail)?, since)?;
        let stored = sqlx::query_as(STORED_DUPLICATES)
            .fetch_all(&mut *transaction)
            .await
            .map_err(fail)?;
        let (gone, come) = difference(stored, duplicates);
        for ids in gone.chunks(IDS_PER_STATEMENT) {
            let mut query = QueryBuilder::<sqlx::Sqlite>::new("DELETE FROM duplicates WHERE file_id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(*id);
            }
            query.push(")");
            query
                .build()
                .persistent(false)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        for rows in come.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO duplicates (file_id, reason, kept_file_id, jaccard) ");
            query.push_values(rows, |mut tuple, row| {
                tuple
                    .push_bind(row.file_id)
                    .push_bind(row.reason.code())
                    .push_bind(row.kept_file_id)
                    .push_bind(row.jaccard);
            });
            query
                .build()
                .persistent(false)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        sqlx::query("DELETE FROM duplicate_candidates")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("DELETE FROM stages")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("INSERT INTO stages (name, state) VALUES ('dedup', ?)")
            .bind(state)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
}
