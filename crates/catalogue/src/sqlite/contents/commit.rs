//! Linking a batch.

use std::collections::HashMap;

use codelupe_core::{Language, Reason, SegmentInfo, SpdxExpression};
use codelupe_telemetry::Operation;
use sqlx::{QueryBuilder, SqliteConnection};

use crate::error::Error;
use crate::rows::{Batch, ContentKey, ContentRow, Fence, FileRow, FileState, RepositoryRow, storable_size};
use crate::sqlite::{Sqlite, raise_generation};

/// Rows in one INSERT: 11 columns x 500 rows stays far below SQLite's limit of 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 500;

/// Of a repository of that name, or else of the one that was found in that folder.
const NOTE_ERROR: &str = "
    UPDATE repositories SET error_code = ?1, error_message = ?2
    WHERE name = ?3 OR (location = ?4 AND NOT EXISTS (SELECT 1 FROM repositories WHERE name = ?3))";

impl Sqlite {
    pub(super) async fn try_commit(
        &self,
        doing: Operation,
        batch: &Batch,
        recipe: &str,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let mut transaction = self.begin(fence).await?;
        let linked = link(&mut transaction, batch, recipe).await;
        let linked = match linked {
            Ok(()) => transaction.commit().await,
            Err(error) => Err(error),
        };
        linked.map_err(|error| Error::database(doing, error))
    }
}

async fn link(connection: &mut SqliteConnection, batch: &Batch, recipe: &str) -> Result<(), sqlx::Error> {
    if let Some(segment) = &batch.segment {
        let segment_id = insert_segment(connection, segment).await?;
        for rows in batch.contents.chunks(ROWS_PER_STATEMENT) {
            insert_contents(connection, rows, segment_id, recipe).await?;
        }
    }
    let mut changed = false;
    for row in &batch.repositories {
        if let Some(error) = &row.error
            && note_error(connection, row, error).await?
        {
            continue;
        }
        changed |= row.changes_files();
        let id = replace_repository(connection, row, recipe).await?;
        for files in row.files.chunks(ROWS_PER_STATEMENT) {
            insert_files(connection, id, files, recipe).await?;
        }
    }
    if changed {
        raise_generation(connection).await?;
    }
    Ok(())
}

async fn insert_segment(connection: &mut SqliteConnection, segment: &SegmentInfo) -> Result<i64, sqlx::Error> {
    // The same job run again after a crash gives the same name and the same rows.
    sqlx::query_scalar(
        "INSERT INTO segments (name, bytes, rows) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows RETURNING id",
    )
    .bind(&segment.name)
    .bind(storable_size(segment.bytes))
    .bind(i64::from(segment.rows))
    .fetch_one(connection)
    .await
}

async fn insert_contents(
    connection: &mut SqliteConnection,
    rows: &[ContentRow],
    segment_id: i64,
    recipe: &str,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<sqlx::Sqlite>::new(
        "INSERT INTO contents (blob_id, file_name, bytes, recipe, language, reason, quality, text_bytes, redactions,
                               segment_id, segment_row) ",
    );
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(row.key.blob.as_bytes().as_slice())
            .push_bind(&row.key.file_name)
            .push_bind(storable_size(row.bytes))
            .push_bind(recipe)
            .push_bind(row.language.as_ref().map(Language::as_str))
            .push_bind(row.verdict.reason().map(Reason::code))
            .push_bind(i64::from(row.quality))
            .push_bind(storable_size(row.text_bytes))
            .push_bind(i64::from(row.redactions))
            .push_bind(segment_id)
            .push_bind(i64::from(row.segment_row));
    });
    query.push(
        " ON CONFLICT (blob_id, file_name, recipe) DO UPDATE SET
            language = excluded.language, reason = excluded.reason,
            quality = excluded.quality, text_bytes = excluded.text_bytes, redactions = excluded.redactions,
            segment_id = excluded.segment_id, segment_row = excluded.segment_row",
    );
    query.build().execute(connection).await.map(drop)
}

/// Notes the error of a repository that is known; false when it is not.
async fn note_error(
    connection: &mut SqliteConnection,
    row: &RepositoryRow,
    (code, message): &(String, String),
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(NOTE_ERROR).bind(code).bind(message);
    let done = query
        .bind(row.repository.name.as_str())
        .bind(&row.location)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

async fn replace_repository(
    connection: &mut SqliteConnection,
    row: &RepositoryRow,
    recipe: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query("DELETE FROM repositories WHERE name = ? OR location = ?")
        .bind(row.repository.name.as_str())
        .bind(&row.location)
        .execute(&mut *connection)
        .await?;
    let repository = &row.repository;
    let (error_code, error_message) = row.error.as_ref().map(|(code, message)| (code, message)).unzip();
    sqlx::query_scalar(
        "INSERT INTO repositories (name, forge, origin, location, family, commit_id, revision, stars, fork, committed_at,
             license, license_class, license_rank, license_evidence, recipe, error_code, error_message)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(repository.name.as_str())
    .bind(&repository.forge)
    .bind(&repository.origin)
    .bind(&row.location)
    .bind(&repository.family)
    .bind(&repository.commit)
    .bind(&repository.revision)
    .bind(repository.stars.map(u64::cast_signed))
    .bind(repository.fork)
    .bind(repository.committed_at)
    .bind(row.license.as_ref().map(SpdxExpression::as_str))
    .bind(row.license_class.as_str())
    .bind(row.license_rank())
    .bind(&row.license_evidence)
    .bind(recipe)
    .bind(error_code)
    .bind(error_message)
    .fetch_one(connection)
    .await
}

async fn insert_files(
    connection: &mut SqliteConnection,
    repository_id: i64,
    rows: &[FileRow],
    recipe: &str,
) -> Result<(), sqlx::Error> {
    let ids = content_ids(connection, rows, recipe).await?;
    let mut query = QueryBuilder::<sqlx::Sqlite>::new(
        "INSERT INTO files (repository_id, path, bytes, reason, detail, content_id) ",
    );
    query.push_values(rows, |mut tuple, row| {
        let (reason, detail, content_id) = match &row.state {
            FileState::Dropped(reason, detail) => (Some(reason.code()), detail.as_deref(), None),
            FileState::Content(key) => (None, None, ids.get(key).map(|content| content.id)),
        };
        let content_bytes = || match &row.state {
            FileState::Content(key) => ids.get(key).map(|content| content.bytes),
            FileState::Dropped(..) => None,
        };
        tuple
            .push_bind(repository_id)
            .push_bind(&row.path)
            .push_bind(row.bytes.map(storable_size).or_else(content_bytes))
            .push_bind(reason)
            .push_bind(detail)
            .push_bind(content_id);
    });
    query.build().execute(connection).await.map(drop)
}

/// A content that files can be linked to.
#[derive(Clone, Copy)]
struct LinkedContent {
    id: i64,
    bytes: i64,
}

async fn content_ids<'a>(
    connection: &mut SqliteConnection,
    rows: &'a [FileRow],
    recipe: &str,
) -> Result<HashMap<&'a ContentKey, LinkedContent>, sqlx::Error> {
    let keys: Vec<&ContentKey> = rows
        .iter()
        .filter_map(|row| match &row.state {
            FileState::Content(key) => Some(key),
            FileState::Dropped(..) => None,
        })
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::<sqlx::Sqlite>::new("WITH wanted (place, blob_id, file_name) AS (");
    query.push_values(keys.iter().zip(0i64..), |mut tuple, (key, place)| {
        tuple
            .push_bind(place)
            .push_bind(key.blob.as_bytes().as_slice())
            .push_bind(&key.file_name);
    });
    query.push(") SELECT place, id, bytes FROM wanted CROSS JOIN contents USING (blob_id, file_name) WHERE recipe = ");
    query.push_bind(recipe);
    let found: Vec<(i64, i64, i64)> = query.build_query_as().fetch_all(connection).await?;
    Ok(found
        .into_iter()
        .filter_map(|(place, id, bytes)| {
            let key = keys.get(usize::try_from(place).ok()?)?;
            Some((*key, LinkedContent { id, bytes }))
        })
        .collect())
}
