//! Writing what processing found: one transaction links a segment, its contents and whole repositories.

use std::collections::HashMap;

use codelupe_core::{Language, LicenceClass, Reason, Repository, SpdxExpression, Verdict};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::Catalogue;
use super::lookup::ContentKey;
use crate::error::Error;
use crate::segment::SegmentInfo;

/// Rows in one INSERT: 11 columns x 500 rows stays far below SQLite's limit of 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 500;

/// What one transaction links.
#[derive(Debug, Default)]
pub struct Batch {
    /// The segment that holds the contents; it is published already.
    pub segment: Option<SegmentInfo>,
    /// Contents in that segment.
    pub contents: Vec<ContentRow>,
    /// Repositories whose last content is in this or an earlier batch.
    pub repositories: Vec<RepositoryRow>,
}

/// One processed content.
#[derive(Debug, Clone)]
pub struct ContentRow {
    /// Which content.
    pub key: ContentKey,
    /// Size of the blob in bytes.
    pub bytes: u64,
    /// Its language, where one could be told.
    pub language: Option<Language>,
    /// Kept or dropped by processing.
    pub verdict: Verdict,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Length in bytes of the kept text; 0 when dropped.
    pub text_bytes: u64,
    /// How many secrets and personal data were replaced.
    pub redactions: u32,
    /// The row in the batch's segment.
    pub segment_row: u32,
}

/// One repository, whole.
#[derive(Debug, Clone)]
pub struct RepositoryRow {
    /// What discovery said of it.
    pub repository: Repository,
    /// The folder it was found in, for telling it from another of the same name; never exported.
    pub location: String,
    /// Its licence, where one was found.
    pub licence: Option<SpdxExpression>,
    /// The class of its licence.
    pub licence_class: LicenceClass,
    /// What the licence was concluded from, as JSON.
    pub licence_evidence: String,
    /// The error that ended it, as stable code and message; such a repository is tried again by the next run, and what is
    /// known of it from an earlier one stays.
    pub error: Option<(String, String)>,
    /// Its files, each exactly once.
    pub files: Vec<FileRow>,
}

/// One path of a repository.
#[derive(Debug, Clone)]
pub struct FileRow {
    /// The path, raw bytes, `/` between segments.
    pub path: Vec<u8>,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
    /// What came of it.
    pub state: FileState,
}

/// What came of a file before contents were compared.
#[derive(Debug, Clone)]
pub enum FileState {
    /// Dropped without looking at its content; with a detail such as the operating system's message.
    Dropped(Reason, Option<String>),
    /// Its content was looked at, here or under another path.
    Content(ContentKey),
}

impl Catalogue {
    /// Links a batch in one transaction. A repository that was there, under its name or in its folder, is replaced with all
    /// its files; one that failed only gets its error noted.
    ///
    /// `recipe` names the rules the contents were processed by.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; nothing of the batch is linked then.
    pub async fn commit(&self, batch: &Batch, recipe: &str) -> Result<(), Error> {
        let fail = |error| Error::database("link a batch", error);
        let mut transaction = self.pool.begin().await.map_err(fail)?;
        if let Some(segment) = &batch.segment {
            let segment_id = insert_segment(&mut transaction, segment).await.map_err(fail)?;
            for rows in batch.contents.chunks(ROWS_PER_STATEMENT) {
                insert_contents(&mut transaction, rows, segment_id, recipe)
                    .await
                    .map_err(fail)?;
            }
        }
        if batch.repositories.iter().any(|row| row.error.is_none()) {
            // What was derived from the files is out of date from now on.
            sqlx::query("DELETE FROM stages")
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        for row in &batch.repositories {
            if let Some(error) = &row.error
                && note_error(&mut transaction, row, error).await.map_err(fail)?
            {
                continue;
            }
            let id = replace_repository(&mut transaction, row, recipe).await.map_err(fail)?;
            for files in row.files.chunks(ROWS_PER_STATEMENT) {
                insert_files(&mut transaction, id, files, recipe).await.map_err(fail)?;
            }
        }
        transaction.commit().await.map_err(fail)
    }
}

async fn insert_segment(connection: &mut SqliteConnection, segment: &SegmentInfo) -> Result<i64, sqlx::Error> {
    // The same job run again after a crash gives the same name and the same rows.
    sqlx::query_scalar(
        "INSERT INTO segments (name, bytes, rows) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows RETURNING id",
    )
    .bind(&segment.name)
    .bind(segment.bytes.cast_signed())
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
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO contents (blob_id, file_name, bytes, recipe, language, reason, quality, text_bytes, redactions,
                               segment_id, segment_row) ",
    );
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(row.key.blob.as_bytes().as_slice())
            .push_bind(&row.key.file_name)
            .push_bind(row.bytes.cast_signed())
            .push_bind(recipe)
            .push_bind(row.language.as_ref().map(Language::as_str))
            .push_bind(row.verdict.reason().map(Reason::code))
            .push_bind(i64::from(row.quality))
            .push_bind(row.text_bytes.cast_signed())
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
    let done = sqlx::query("UPDATE repositories SET error_code = ?, error_message = ? WHERE name = ?")
        .bind(code)
        .bind(message)
        .bind(row.repository.name.as_str())
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
             licence, licence_class, licence_rank, licence_evidence, recipe, error_code, error_message)
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
    .bind(row.licence.as_ref().map(SpdxExpression::as_str))
    .bind(row.licence_class.as_str())
    .bind(licence_rank(row.licence_class))
    .bind(&row.licence_evidence)
    .bind(recipe)
    .bind(error_code)
    .bind(error_message)
    .fetch_one(connection)
    .await
}

/// The place of a class in `LicenceClass::ALL`: SQL orders survivors by it.
fn licence_rank(class: LicenceClass) -> i64 {
    LicenceClass::ALL
        .iter()
        .take_while(|other| **other != class)
        .map(|_| 1)
        .sum()
}

async fn insert_files(
    connection: &mut SqliteConnection,
    repository_id: i64,
    rows: &[FileRow],
    recipe: &str,
) -> Result<(), sqlx::Error> {
    let ids = content_ids(connection, rows, recipe).await?;
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO files (repository_id, path, bytes, reason, detail, content_id) ");
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
            .push_bind(row.bytes.map(u64::cast_signed).or_else(content_bytes))
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
    let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (place, blob_id, file_name) AS (");
    query.push_values(keys.iter().zip(0i64..), |mut tuple, (key, place)| {
        tuple
            .push_bind(place)
            .push_bind(key.blob.as_bytes().as_slice())
            .push_bind(&key.file_name);
    });
    query.push(") SELECT place, id, bytes FROM wanted JOIN contents USING (blob_id, file_name) WHERE recipe = ");
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
