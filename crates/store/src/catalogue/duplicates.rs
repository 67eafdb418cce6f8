//! Candidates and outcomes of deduplication.

use codelupe_core::{BlobId, Reason};
use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Catalogue;
use super::lookup::blob_id;
use crate::error::Error;
use crate::segment::Location;

/// Rows in one INSERT: 4 columns.
const ROWS_PER_STATEMENT: usize = 2000;

/// A file whose content processing kept, as deduplication sees it.
#[derive(Debug, Clone, Copy)]
pub struct DedupCandidate {
    /// The file.
    pub file_id: i64,
    /// Its blob.
    pub blob: BlobId,
    /// Where its text stands.
    pub location: Location,
}

/// A file that is dropped because a kept one has the same, or nearly the same, content.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicate {
    /// The dropped file.
    pub file_id: i64,
    /// `ExactDuplicate` or `NearDuplicate`.
    pub reason: Reason,
    /// The kept file.
    pub kept_file_id: i64,
    /// Exact Jaccard similarity of the two shingle sets; 1 for exact duplicates.
    pub jaccard: f64,
}

/// The rank of survivor election: licence class, then stars, then not a fork, then older, then name and path.
/// It does not depend on ids, so not on the order of arrival (guarantee G3).
const CANDIDATES: &str = "
    SELECT f.id, c.blob_id, c.segment_id, c.segment_row
    FROM files f
    JOIN contents c ON c.id = f.content_id
    JOIN repositories r ON r.id = f.repository_id
    WHERE c.reason IS NULL
    ORDER BY r.licence_rank, r.stars IS NULL, r.stars DESC, r.fork, r.committed_at IS NULL, r.committed_at,
             r.name, f.path";

/// The names that can be typed on any terminal without quotes.
const EXAMPLE_NEAR_DUPLICATE: &str = "
    SELECT r.name || '/' || cast(f.path AS TEXT)
    FROM duplicates d JOIN files f ON f.id = d.file_id JOIN repositories r ON r.id = f.repository_id
    WHERE d.reason = 'near_duplicate'
      AND r.name NOT GLOB '*[^-+a-zA-Z0-9._/]*' AND cast(f.path AS TEXT) NOT GLOB '*[^-+a-zA-Z0-9._/]*'
    ORDER BY r.name, f.path LIMIT 1";

const EXAMPLE_FILE: &str = "
    SELECT r.name || '/' || cast(f.path AS TEXT)
    FROM files f JOIN repositories r ON r.id = f.repository_id
    WHERE f.content_id IS NOT NULL
      AND r.name NOT GLOB '*[^-+a-zA-Z0-9._/]*' AND cast(f.path AS TEXT) NOT GLOB '*[^-+a-zA-Z0-9._/]*'
    ORDER BY f.id LIMIT 1";

impl Catalogue {
    /// All files whose content processing kept, best rank first.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn dedup_candidates(&self) -> Result<Vec<DedupCandidate>, Error> {
        let fail = |error| Error::database("read the candidates of deduplication", error);
        let mut rows = sqlx::query(CANDIDATES).fetch(&self.pool);
        let mut candidates = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(fail)? {
            candidates.push(candidate(&row).map_err(fail)?);
        }
        Ok(candidates)
    }

    /// The name, `REPO/PATH`, of a file with a story: a near-duplicate, or else any file that was looked at. Only of names
    /// that can be typed on any terminal.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn example_file(&self) -> Result<Option<String>, Error> {
        let fail = |error| Error::database("read an example", error);
        let near: Option<String> = sqlx::query_scalar(EXAMPLE_NEAR_DUPLICATE)
            .fetch_optional(&self.pool)
            .await
            .map_err(fail)?;
        if near.is_some() {
            return Ok(near);
        }
        sqlx::query_scalar(EXAMPLE_FILE)
            .fetch_optional(&self.pool)
            .await
            .map_err(fail)
    }

    /// Replaces the outcome of deduplication in one transaction; `state` says what it was computed from.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; the old outcome stays then.
    pub async fn replace_duplicates(&self, duplicates: &[Duplicate], state: &str) -> Result<(), Error> {
        let fail = |error| Error::database("replace the duplicates", error);
        let mut transaction = self.pool.begin().await.map_err(fail)?;
        sqlx::query("DELETE FROM duplicates")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        for rows in duplicates.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::<Sqlite>::new("INSERT INTO duplicates (file_id, reason, kept_file_id, jaccard) ");
            query.push_values(rows, |mut tuple, row| {
                tuple
                    .push_bind(row.file_id)
                    .push_bind(row.reason.code())
                    .push_bind(row.kept_file_id)
                    .push_bind(row.jaccard);
            });
            query.build().execute(&mut *transaction).await.map_err(fail)?;
        }
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

fn candidate(row: &sqlx::sqlite::SqliteRow) -> Result<DedupCandidate, sqlx::Error> {
    Ok(DedupCandidate {
        file_id: row.try_get(0)?,
        blob: blob_id(row.try_get(1)?)?,
        location: Location {
            segment: row.try_get(2)?,
            row: row.try_get(3)?,
        },
    })
}
