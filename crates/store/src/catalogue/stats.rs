//! Figures over the whole catalogue: the funnel that adds up, languages, licences, quality.

use codelupe_core::Reason;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::Catalogue;
use crate::error::Error;

/// A number of files and the sum of their sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Files.
    pub files: u64,
    /// Bytes, of the files as found; a file of unknown size counts none.
    pub bytes: u64,
}

/// One way out of the funnel.
#[derive(Debug, Clone, Serialize)]
pub struct FunnelStep {
    /// The stage that drops.
    pub stage: &'static str,
    /// The reason's code.
    pub reason: Reason,
    /// How much left here.
    #[serde(flatten)]
    pub count: Count,
}

/// Where every file went: `found = in_build + sum of dropped` when there is a build, else `found = survivors + sum of dropped`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Funnel {
    /// Every path that was listed.
    pub found: Count,
    /// Every way out, in funnel order, without the empty ones.
    pub dropped: Vec<FunnelStep>,
    /// What survived deduplication.
    pub survivors: Count,
    /// What is in the latest build, by split name; empty without a build.
    pub splits: Vec<(String, Count)>,
}

impl Funnel {
    /// Whether every file is accounted for exactly once.
    pub fn adds_up(&self) -> bool {
        let dropped = |build: bool| -> u64 {
            let steps = self
                .dropped
                .iter()
                .filter(|step| build || step.reason.stage() != codelupe_core::Stage::Build);
            steps.map(|step| step.count.files).sum()
        };
        let in_build: u64 = self.splits.iter().map(|(_, count)| count.files).sum();
        let before_build = self.found.files == self.survivors.files + dropped(false);
        before_build && (self.splits.is_empty() || self.found.files == in_build + dropped(true))
    }
}

/// One row of the language table.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct LanguageRow {
    /// Linguist's name.
    pub language: String,
    /// Files that processing kept.
    pub processed_files: i64,
    /// Files that survived deduplication.
    pub survivor_files: i64,
    /// Text bytes that survived deduplication.
    pub survivor_bytes: i64,
    /// Files in the latest build.
    pub build_files: i64,
    /// Mean quality of the survivors.
    pub mean_quality: f64,
}

/// One row of the licence table.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct LicenceRow {
    /// The expression, or `none`.
    pub licence: String,
    /// Its class.
    pub class: String,
    /// Repositories under it.
    pub repositories: i64,
    /// Files in the latest build.
    pub build_files: i64,
}

/// A repository that could not be processed.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct FailedRepository {
    /// Its name.
    pub name: String,
    /// The error's stable code.
    pub error_code: String,
    /// What happened.
    pub error_message: String,
}

/// All figures.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Repositories without error.
    pub repositories: u64,
    /// Repositories with one.
    pub failed: Vec<FailedRepository>,
    /// Where every file went.
    pub funnel: Funnel,
    /// By language, most text first.
    pub languages: Vec<LanguageRow>,
    /// By licence, most repositories first.
    pub licences: Vec<LicenceRow>,
    /// Survivors by quality: 0-9, 10-19, ..., 90-100.
    pub quality_histogram: [u64; 10],
    /// Secrets and personal data replaced in survivors.
    pub redactions: u64,
    /// The latest build.
    pub build: Option<String>,
    /// Whether deduplication saw everything that processing found.
    pub dedup_is_current: bool,
    /// Whether the latest build was made from the latest deduplication; else the funnel leaves it out.
    pub build_is_current: bool,
}

impl Catalogue {
    /// Computes all figures.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.read_stats()
            .await
            .map_err(|error| Error::database("compute figures", error))
    }

    async fn read_stats(&self) -> Result<Stats, sqlx::Error> {
        // One snapshot for all queries: a writer may be at work.
        let mut snapshot = self.pool.begin().await?;
        let connection = &mut *snapshot;
        let repositories: i64 = sqlx::query_scalar("SELECT count(*) FROM repositories WHERE error_code IS NULL")
            .fetch_one(&mut *connection)
            .await?;
        let failed = sqlx::query_as(
            "SELECT name, error_code, error_message FROM repositories WHERE error_code IS NOT NULL ORDER BY name",
        )
        .fetch_all(&mut *connection)
        .await?;
        Ok(Stats {
            repositories: repositories.cast_unsigned(),
            failed,
            funnel: funnel(connection).await?,
            languages: sqlx::query_as(LANGUAGES).fetch_all(&mut *connection).await?,
            licences: sqlx::query_as(LICENCES).fetch_all(&mut *connection).await?,
            quality_histogram: quality_histogram(connection).await?,
            redactions: sqlx::query_scalar::<_, i64>(REDACTIONS)
                .fetch_one(&mut *connection)
                .await?
                .cast_unsigned(),
            build: sqlx::query_scalar("SELECT name FROM builds ORDER BY id DESC LIMIT 1")
                .fetch_optional(&mut *connection)
                .await?,
            dedup_is_current: stage_is_current(connection, "dedup").await?,
            build_is_current: stage_is_current(connection, "build").await?,
        })
    }
}

async fn funnel(connection: &mut SqliteConnection) -> Result<Funnel, sqlx::Error> {
    let found = sqlx::query("SELECT count(*), coalesce(sum(bytes), 0) FROM files")
        .fetch_one(&mut *connection)
        .await?;
    let survivors = sqlx::query(SURVIVORS).fetch_one(&mut *connection).await?;
    let mut dropped = Vec::new();
    for row in sqlx::query(DROPPED).fetch_all(&mut *connection).await? {
        let code: String = row.try_get(0)?;
        let reason: Reason = code.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        dropped.push(FunnelStep {
            stage: reason.stage().as_str(),
            reason,
            count: count(&row, 1)?,
        });
    }
    dropped.sort_by_key(|step| step.reason);
    let mut splits = Vec::new();
    for row in sqlx::query(SPLITS).fetch_all(&mut *connection).await? {
        splits.push((row.try_get(0)?, count(&row, 1)?));
    }
    Ok(Funnel {
        found: count(&found, 0)?,
        dropped,
        survivors: count(&survivors, 0)?,
        splits,
    })
}

async fn stage_is_current(connection: &mut SqliteConnection, stage: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM stages WHERE name = ?)")
        .bind(stage)
        .fetch_one(&mut *connection)
        .await
}

async fn quality_histogram(connection: &mut SqliteConnection) -> Result<[u64; 10], sqlx::Error> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(QUALITY).fetch_all(&mut *connection).await?;
    let mut histogram = [0; 10];
    for (decile, files) in rows {
        if let Some(bar) = usize::try_from(decile)
            .ok()
            .and_then(|decile| histogram.get_mut(decile))
        {
            *bar = files.cast_unsigned();
        }
    }
    Ok(histogram)
}

fn count(row: &SqliteRow, column: usize) -> Result<Count, sqlx::Error> {
    Ok(Count {
        files: row.try_get::<i64, _>(column)?.cast_unsigned(),
        bytes: row.try_get::<i64, _>(column + 1)?.cast_unsigned(),
    })
}

const SURVIVORS: &str = "
    SELECT count(*), coalesce(sum(f.bytes), 0) FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL";

const DROPPED: &str = "
    SELECT reason, count(*), coalesce(sum(bytes), 0) FROM (
        SELECT f.reason, f.bytes FROM files f WHERE f.reason IS NOT NULL
        UNION ALL
        SELECT c.reason, f.bytes FROM files f JOIN contents c ON c.id = f.content_id WHERE c.reason IS NOT NULL
        UNION ALL
        SELECT d.reason, f.bytes FROM duplicates d JOIN files f ON f.id = d.file_id
        UNION ALL
        SELECT b.reason, f.bytes FROM build_files b JOIN files f ON f.id = b.file_id
        WHERE b.reason IS NOT NULL AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    ) GROUP BY reason";

const SPLITS: &str = "
    SELECT b.split, count(*), coalesce(sum(f.bytes), 0) FROM build_files b JOIN files f ON f.id = b.file_id
    WHERE b.split IS NOT NULL AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    GROUP BY b.split ORDER BY b.split = 'held_out', b.split";

const LANGUAGES: &str = "
    SELECT c.language, count(*) AS processed_files,
           sum(d.file_id IS NULL) AS survivor_files,
           sum(CASE WHEN d.file_id IS NULL THEN c.text_bytes ELSE 0 END) AS survivor_bytes,
           count(b.split) AS build_files,
           coalesce(avg(CASE WHEN d.file_id IS NULL THEN c.quality END), 0.0) AS mean_quality
    FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    LEFT JOIN build_files b ON b.file_id = f.id AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    WHERE c.reason IS NULL AND c.language IS NOT NULL
    GROUP BY c.language ORDER BY survivor_bytes DESC, c.language";

const LICENCES: &str = "
    SELECT coalesce(r.licence, 'none') AS licence, r.licence_class AS class, count(DISTINCT r.id) AS repositories,
           count(b.split) AS build_files
    FROM repositories r
    LEFT JOIN files f ON f.repository_id = r.id
    LEFT JOIN build_files b ON b.file_id = f.id AND b.build_id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    WHERE r.error_code IS NULL
    GROUP BY 1, 2 ORDER BY repositories DESC, licence";

const QUALITY: &str = "
    SELECT min(c.quality / 10, 9), count(*) FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL GROUP BY 1";

const REDACTIONS: &str = "
    SELECT coalesce(sum(c.redactions), 0) FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL";
