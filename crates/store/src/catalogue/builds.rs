//! Survivors as candidates of a build, and finished builds.

use codelupe_core::{BlobId, Reason, Split};
use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Catalogue;
use super::lookup::blob_id;
use crate::error::Error;
use crate::segment::Location;

/// Rows in one INSERT: 4 columns.
const ROWS_PER_STATEMENT: usize = 2000;

/// A survivor of deduplication, with what a build decides on and writes.
#[derive(Debug, Clone)]
pub struct BuildCandidate {
    /// The file.
    pub file_id: i64,
    /// Its repository's name.
    pub repository: String,
    /// Where the repository comes from.
    pub forge: String,
    /// The address it was found at.
    pub origin: String,
    /// What its versions and copies have in common.
    pub family: String,
    /// Its commit.
    pub commit: Option<String>,
    /// Its licence expression.
    pub licence: Option<String>,
    /// The class of its licence.
    pub licence_class: String,
    /// The path, raw bytes.
    pub path: Vec<u8>,
    /// The blob.
    pub blob: BlobId,
    /// The language.
    pub language: Option<String>,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Secrets and personal data replaced.
    pub redactions: u32,
    /// Length in bytes of the text.
    pub text_bytes: u64,
    /// Where the text stands.
    pub location: Location,
}

/// What a build decided about one candidate.
#[derive(Debug, Clone)]
pub struct BuildDecision {
    /// The file.
    pub file_id: i64,
    /// The split it is in, or why it is in none.
    pub outcome: Result<Split, Reason>,
}

/// A finished build.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct BuildRow {
    /// Its name.
    pub name: String,
    /// SHA-256 of its manifest, hexadecimal.
    pub digest: String,
    /// When it was first made, seconds since the Unix epoch.
    pub created_at: i64,
    /// Its manifest, as JSON.
    pub manifest: String,
}

const CANDIDATES: &str = "
    SELECT f.id AS file_id, r.name, r.forge, r.origin, r.family, r.commit_id, r.licence, r.licence_class, f.path,
           c.blob_id, c.language, c.quality, c.redactions, c.text_bytes, c.segment_id, c.segment_row
    FROM files f
    JOIN contents c ON c.id = f.content_id
    JOIN repositories r ON r.id = f.repository_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL
    ORDER BY r.name, f.path";

impl Catalogue {
    /// Every file that survived deduplication, by repository name and path.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn build_candidates(&self) -> Result<Vec<BuildCandidate>, Error> {
        let fail = |error| Error::database("read the candidates of a build", error);
        let mut rows = sqlx::query(CANDIDATES).fetch(&self.pool);
        let mut candidates = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(fail)? {
            candidates.push(candidate(&row).map_err(fail)?);
        }
        Ok(candidates)
    }

    /// The latest build.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn latest_build(&self) -> Result<Option<BuildRow>, Error> {
        sqlx::query_as("SELECT name, digest, created_at, manifest FROM builds ORDER BY id DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| Error::database("read the latest build", error))
    }

    /// A build by name.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn build(&self, name: &str) -> Result<Option<BuildRow>, Error> {
        sqlx::query_as("SELECT name, digest, created_at, manifest FROM builds WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| Error::database("read a build", error))
    }

    /// Links a published build with what it decided about each candidate, and makes it the latest.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; the build is not linked then.
    pub async fn link_build(&self, build: &BuildRow, decisions: &[BuildDecision]) -> Result<(), Error> {
        let fail = |error| Error::database("link a build", error);
        let mut transaction = self.pool.begin().await.map_err(fail)?;
        sqlx::query("DELETE FROM builds WHERE name = ?")
            .bind(&build.name)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO builds (id, name, digest, created_at, manifest)
             VALUES ((SELECT coalesce(max(id), 0) + 1 FROM builds), ?, ?, ?, ?) RETURNING id",
        )
        .bind(&build.name)
        .bind(&build.digest)
        .bind(build.created_at)
        .bind(&build.manifest)
        .fetch_one(&mut *transaction)
        .await
        .map_err(fail)?;
        for rows in decisions.chunks(ROWS_PER_STATEMENT) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO build_files (build_id, file_id, split, reason) ");
            query.push_values(rows, |mut tuple, row| {
                let (split, reason) = (row.outcome.ok().map(Split::as_str), row.outcome.err().map(Reason::code));
                tuple
                    .push_bind(id)
                    .push_bind(row.file_id)
                    .push_bind(split)
                    .push_bind(reason);
            });
            query.build().execute(&mut *transaction).await.map_err(fail)?;
        }
        sqlx::query("INSERT INTO stages (name, state) VALUES ('build', ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state")
            .bind(&build.name)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
}

fn candidate(row: &sqlx::sqlite::SqliteRow) -> Result<BuildCandidate, sqlx::Error> {
    Ok(BuildCandidate {
        file_id: row.try_get("file_id")?,
        repository: row.try_get("name")?,
        forge: row.try_get("forge")?,
        origin: row.try_get("origin")?,
        family: row.try_get("family")?,
        commit: row.try_get("commit_id")?,
        licence: row.try_get("licence")?,
        licence_class: row.try_get("licence_class")?,
        path: row.try_get("path")?,
        blob: blob_id(row.try_get("blob_id")?)?,
        language: row.try_get("language")?,
        quality: row.try_get("quality")?,
        redactions: row.try_get("redactions")?,
        text_bytes: row.try_get::<i64, _>("text_bytes")?.cast_unsigned(),
        location: Location {
            segment: row.try_get("segment_id")?,
            row: row.try_get("segment_row")?,
        },
    })
}
