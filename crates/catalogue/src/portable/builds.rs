//! Survivors as candidates of a build, and finished builds.

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::{Store, bulk, generation, locked_generation};
use crate::error::Error;
use crate::rows::{
    BUILD_BY_NAME, BUILD_CANDIDATES, BuildCandidate, BuildDecision, BuildRow, Builds, Fence, INSERT_BUILD,
    LATEST_BUILD, SET_STAGE_STATE, generation_must_be, storable,
};

#[async_trait]
impl Builds for Store {
    async fn build_candidates(&self) -> Result<(Vec<BuildCandidate>, i64), Error> {
        let read = || async {
            let mut snapshot = self.snapshot().await?;
            let generation = generation(&mut snapshot).await?;
            let candidates = sqlx::query_as(BUILD_CANDIDATES).fetch_all(&mut *snapshot).await?;
            Ok((candidates, generation))
        };
        self.guard.run(Operation::ReadCandidatesOfBuild, read).await
    }

    async fn latest_build(&self) -> Result<Option<BuildRow>, Error> {
        let query = || sqlx::query_as(LATEST_BUILD).fetch_optional(&self.pool);
        self.guard.run(Operation::ReadLatestBuild, query).await
    }

    async fn build(&self, name: &str) -> Result<Option<BuildRow>, Error> {
        let name = storable(name);
        let query = || sqlx::query_as(BUILD_BY_NAME).bind(&*name).fetch_optional(&self.pool);
        self.guard.run(Operation::ReadBuild, query).await
    }

    async fn link_build(
        &self,
        build: &BuildRow,
        decisions: &[BuildDecision],
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let doing = Operation::LinkBuild;
        self.guard
            .run_store(doing, || self.try_link_build(doing, build, decisions, since, fence))
            .await
    }

    async fn stage_state(&self, stage: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT state FROM stages WHERE name = $1";
        let query = || sqlx::query_scalar(sql).bind(stage).fetch_optional(&self.pool);
        self.guard.run(Operation::ReadStageState, query).await
    }

    async fn set_index_state(&self, build_digest: &str) -> Result<(), Error> {
        let query = || {
            sqlx::query(SET_STAGE_STATE)
                .bind("index")
                .bind(build_digest)
                .execute(&self.pool)
        };
        self.guard.run(Operation::NoteIndex, query).await.map(drop)
    }
}

impl Store {
    async fn try_link_build(
        &self,
        doing: Operation,
        build: &BuildRow,
        decisions: &[BuildDecision],
        since: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        // Locked until the commit: the files cannot change in between.
        generation_must_be(locked_generation(&mut transaction).await.map_err(fail)?, since)?;
        sqlx::query("DELETE FROM builds WHERE name = $1")
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
        bulk::insert_build_files(&mut transaction, id, decisions)
            .await
            .map_err(fail)?;
        sqlx::query(SET_STAGE_STATE)
            .bind("build")
            .bind(&build.name)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
}
