//! Survivors as candidates of a build, and finished builds.

use async_trait::async_trait;
use codelupe_core::{Reason, Split};
use sqlx::QueryBuilder;

use super::{Sqlite, generation};
use crate::catalogue::{
    BUILD_BY_NAME, BUILD_CANDIDATES, BuildCandidate, BuildDecision, BuildRow, Builds, Fence, INSERT_BUILD,
    LATEST_BUILD, SET_STAGE_STATE, generation_must_be,
};
use crate::error::Error;

/// Rows in one INSERT: 4 columns x 2,000 rows stays below SQLite's limit of 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 2000;

#[async_trait]
impl Builds for Sqlite {
    async fn build_candidates(&self) -> Result<(Vec<BuildCandidate>, i64), Error> {
        let read = || async {
            let mut snapshot = self.pool.begin().await?;
            let generation = generation(&mut snapshot).await?;
            let candidates = sqlx::query_as(BUILD_CANDIDATES).fetch_all(&mut *snapshot).await?;
            Ok((candidates, generation))
        };
        self.guard.run("read the candidates of a build", read).await
    }

    async fn latest_build(&self) -> Result<Option<BuildRow>, Error> {
        let query = || sqlx::query_as(LATEST_BUILD).fetch_optional(&self.pool);
        self.guard.run("read the latest build", query).await
    }

    async fn build(&self, name: &str) -> Result<Option<BuildRow>, Error> {
        let query = || sqlx::query_as(BUILD_BY_NAME).bind(name).fetch_optional(&self.pool);
        self.guard.run("read a build", query).await
    }

    async fn link_build(
        &self,
        build: &BuildRow,
        decisions: &[BuildDecision],
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let doing = "link a build";
        self.guard
            .run_store(doing, || self.try_link_build(doing, build, decisions, since, fence))
            .await
    }

    async fn stage_state(&self, stage: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT state FROM stages WHERE name = ?";
        let query = || sqlx::query_scalar(sql).bind(stage).fetch_optional(&self.pool);
        self.guard.run("read a stage's state", query).await
    }

    async fn set_index_state(&self, build_digest: &str) -> Result<(), Error> {
        let query = || {
            sqlx::query(SET_STAGE_STATE)
                .bind("index")
                .bind(build_digest)
                .execute(&self.pool)
        };
        self.guard.run("note the index", query).await.map(drop)
    }
}

impl Sqlite {
    async fn try_link_build(
        &self,
        doing: &'static str,
        build: &BuildRow,
        decisions: &[BuildDecision],
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        generation_must_be(generation(&mut transaction).await.map_err(fail)?, since)?;
        sqlx::query("DELETE FROM builds WHERE name = ?")
            .bind(&build.name)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        let id: i64 = sqlx::query_scalar(INSERT_BUILD)
            .bind(&build.name)
            .bind(&build.digest)
            .bind(build.created_at)
            .bind(&build.manifest)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fail)?;
        for rows in decisions.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO build_files (build_id, file_id, split, reason) ");
            query.push_values(rows, |mut tuple, row| {
                tuple
                    .push_bind(id)
                    .push_bind(row.file_id)
                    .push_bind(row.outcome.ok().map(Split::as_str))
                    .push_bind(row.outcome.err().map(Reason::code));
            });
            query.build().execute(&mut *transaction).await.map_err(fail)?;
        }
        sqlx::query(SET_STAGE_STATE)
            .bind("build")
            .bind(&build.name)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
}
