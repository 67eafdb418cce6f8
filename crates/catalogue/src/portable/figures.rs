//! Figures over the whole catalogue.

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::{Connection, Store, sum_of};
use crate::error::Error;
use crate::rows::{Count, Figures, Funnel, Stats, SurvivorRow, Survivors, assemble_funnel};

#[async_trait]
impl Figures for Store {
    async fn stats(&self) -> Result<Stats, Error> {
        let doing = Operation::ComputeFigures;
        self.guard.run_store(doing, || self.read_stats(doing)).await
    }
}

impl Store {
    async fn read_stats(&self, doing: Operation) -> Result<Stats, Error> {
        let fail = |error| Error::database(doing, error);
        // One snapshot for all queries: a writer may be at work.
        let mut snapshot = self.snapshot().await.map_err(fail)?;
        let survivors: Vec<SurvivorRow> = sqlx::query_as(SURVIVORS)
            .fetch_all(&mut *snapshot)
            .await
            .map_err(fail)?;
        let survivors: Survivors = survivors.into_iter().collect();
        let funnel = funnel(&mut snapshot, survivors.count, doing).await?;
        figures(&mut snapshot, funnel, &survivors).await.map_err(fail)
    }
}

async fn figures(connection: &mut Connection, funnel: Funnel, survivors: &Survivors) -> Result<Stats, sqlx::Error> {
    let repositories: i64 = sqlx::query_scalar(REPOSITORIES).fetch_one(&mut *connection).await?;
    Ok(Stats {
        repositories: repositories.cast_unsigned(),
        failed: sqlx::query_as(FAILED).fetch_all(&mut *connection).await?,
        funnel,
        languages: sqlx::query_as(LANGUAGES).fetch_all(&mut *connection).await?,
        licenses: sqlx::query_as(LICENSES).fetch_all(&mut *connection).await?,
        quality_histogram: survivors.by_quality,
        redactions: survivors.redactions,
        build: sqlx::query_scalar(LATEST_BUILD)
            .fetch_optional(&mut *connection)
            .await?,
        dedup_is_current: stage_is_current(connection, "dedup").await?,
        build_is_current: stage_is_current(connection, "build").await?,
    })
}

async fn funnel(connection: &mut Connection, survivors: Count, doing: Operation) -> Result<Funnel, Error> {
    let fail = |error| Error::database(doing, error);
    let found = sqlx::query_as(FOUND).fetch_one(&mut *connection).await.map_err(fail)?;
    let dropped = sqlx::query_as(DROPPED)
        .fetch_all(&mut *connection)
        .await
        .map_err(fail)?;
    let splits = sqlx::query_as(SPLITS).fetch_all(&mut *connection).await.map_err(fail)?;
    assemble_funnel(found, survivors, dropped, splits)
}

async fn stage_is_current(connection: &mut Connection, stage: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM stages WHERE name = $1)")
        .bind(stage)
        .fetch_one(connection)
        .await
}

const REPOSITORIES: &str = "SELECT count(*) FROM repositories WHERE error_code IS NULL";

const FAILED: &str = "
    SELECT name, error_code, error_message FROM repositories WHERE error_code IS NOT NULL ORDER BY name";

const LATEST_BUILD: &str = "SELECT name FROM builds ORDER BY id DESC LIMIT 1";

const FOUND: &str = concat!("SELECT count(*) AS files, ", sum_of!("bytes"), " AS bytes FROM files");

const SURVIVORS: &str = concat!(
    "
    SELECT CASE WHEN c.quality >= 90 THEN 9 ELSE c.quality / 10 END AS decile, count(*) AS files, ",
    sum_of!("f.bytes"),
    " AS bytes,
           CAST(sum(c.redactions) AS BIGINT) AS redactions
    FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL GROUP BY 1"
);

const DROPPED: &str = concat!(
    "
    SELECT reason, count(*) AS files, ",
    sum_of!("bytes"),
    " AS bytes FROM (
        SELECT f.reason, f.bytes FROM files f WHERE f.reason IS NOT NULL
        UNION ALL
        SELECT c.reason, f.bytes FROM files f JOIN contents c ON c.id = f.content_id WHERE c.reason IS NOT NULL
        UNION ALL
        SELECT d.reason, f.bytes FROM duplicates d JOIN files f ON f.id = d.file_id
        UNION ALL
        SELECT b.reason, f.bytes FROM build_files b JOIN files f ON f.id = b.file_id
        WHERE b.reason IS NOT NULL AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    ) AS dropped GROUP BY reason"
);

const SPLITS: &str = concat!(
    "
    SELECT b.split, count(*) AS files, ",
    sum_of!("f.bytes"),
    " AS bytes FROM build_files b JOIN files f ON f.id = b.file_id
    WHERE b.split IS NOT NULL AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    GROUP BY b.split ORDER BY b.split = 'held_out', b.split"
);

const LANGUAGES: &str = "
    SELECT c.language, count(*) AS processed_files,
           count(*) FILTER (WHERE d.file_id IS NULL) AS survivor_files,
           CAST(coalesce(sum(c.text_bytes) FILTER (WHERE d.file_id IS NULL), 0) AS BIGINT) AS survivor_bytes,
           count(b.split) AS build_files,
           CAST(coalesce(avg(c.quality) FILTER (WHERE d.file_id IS NULL), 0) AS DOUBLE PRECISION) AS mean_quality
    FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    LEFT JOIN build_files b ON b.file_id = f.id AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    WHERE c.reason IS NULL AND c.language IS NOT NULL
    GROUP BY c.language ORDER BY survivor_bytes DESC, c.language";

const LICENSES: &str = "
    SELECT coalesce(r.license, 'none') AS license, r.license_class AS class, count(*) AS repositories,
           CAST(coalesce(sum(b.files), 0) AS BIGINT) AS build_files
    FROM repositories r
    LEFT JOIN (
        SELECT f.repository_id, count(*) AS files FROM build_files b JOIN files f ON f.id = b.file_id
        WHERE b.split IS NOT NULL AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
        GROUP BY f.repository_id
    ) AS b ON b.repository_id = r.id
    WHERE r.error_code IS NULL
    GROUP BY 1, 2 ORDER BY repositories DESC, license, class";
