//! Linking a batch. Contents and repositories may meet rows that are there: each set of them is one statement with an array
//! for each column. Files are new, and go by COPY.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use codelupe_core::{Language, Reason, SegmentInfo, SpdxExpression};
use codelupe_telemetry::Operation;
use sqlx::PgConnection;

use crate::error::Error;
use crate::postgres::copy::CopyRows;
use crate::postgres::{Postgres, raise_generation, storable};
use crate::rows::{Batch, ContentKey, ContentRow, Fence, FileRow, FileState, RepositoryRow, storable_size};

/// Contents or files in one statement.
const ROWS_PER_STATEMENT: usize = 20_000;

/// Repositories in one statement.
const REPOSITORIES_PER_STATEMENT: usize = 1000;

const INSERT_SEGMENT: &str = "
    INSERT INTO segments (name, bytes, rows) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows RETURNING id";

const LINK_CONTENTS: &str = "
    INSERT INTO contents (blob_id, file_name, bytes, recipe, language, reason, quality, text_bytes, redactions,
                          segment_id, segment_row)
    SELECT blob_id, file_name, bytes, $1::text, language, reason, quality, text_bytes, redactions, $2::bigint, segment_row
    FROM unnest($3::bytea[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[],
                $11::bigint[])
        AS new (blob_id, file_name, bytes, language, reason, quality, text_bytes, redactions, segment_row)
    ON CONFLICT (blob_id, file_name, recipe) DO UPDATE SET
        language = excluded.language, reason = excluded.reason, quality = excluded.quality,
        text_bytes = excluded.text_bytes, redactions = excluded.redactions,
        segment_id = excluded.segment_id, segment_row = excluded.segment_row";

/// Of a repository of that name, or else of the one that was found in that folder.
const NOTE_ERROR: &str = "
    UPDATE repositories SET error_code = $1, error_message = $2
    WHERE name = $3 OR (location = $4 AND NOT EXISTS (SELECT 1 FROM repositories WHERE name = $3))";

const DELETE_IN_SAME_FOLDERS: &str = "
    DELETE FROM repositories r USING unnest($1::text[], $2::text[]) AS new (name, location)
    WHERE r.location = new.location AND r.name <> new.name";

/// A concurrent commit of the same repository waits here, and then replaces it.
const REPLACE_REPOSITORIES: &str = "
    INSERT INTO repositories (name, location, forge, origin, family, commit_id, revision, stars, fork, committed_at,
        license, license_class, license_rank, license_evidence, recipe, error_code, error_message)
    SELECT name, location, forge, origin, family, commit_id, revision, stars, fork, committed_at,
        license, license_class, license_rank, license_evidence, $1::text, error_code, error_message
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
                $10::boolean[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[], $17::text[])
        AS new (name, location, forge, origin, family, commit_id, revision, stars, fork, committed_at,
                license, license_class, license_rank, license_evidence, error_code, error_message)
    ON CONFLICT (name) DO UPDATE SET
        forge = excluded.forge, origin = excluded.origin, location = excluded.location, family = excluded.family,
        commit_id = excluded.commit_id, revision = excluded.revision, stars = excluded.stars, fork = excluded.fork,
        committed_at = excluded.committed_at, license = excluded.license, license_class = excluded.license_class,
        license_rank = excluded.license_rank, license_evidence = excluded.license_evidence, recipe = excluded.recipe,
        error_code = excluded.error_code, error_message = excluded.error_message
    RETURNING name, id";

/// A repository in whose folder a later one of the batch was found is gone, and its files with it.
const PRESENT: &str = "SELECT id FROM repositories WHERE id = ANY ($1)";

const KNOWN: &str = "
    SELECT wanted.place - 1, c.id, c.bytes
    FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS wanted (blob_id, file_name, place)
    JOIN contents c ON c.blob_id = wanted.blob_id AND c.file_name = wanted.file_name
    WHERE c.recipe = $3";

const COPY_FILES: &str =
    "COPY files (repository_id, path, bytes, reason, detail, content_id) FROM STDIN (FORMAT binary)";

impl Postgres {
    pub(super) async fn try_commit(
        &self,
        doing: Operation,
        batch: &Batch,
        recipe: &str,
        fence: Option<Fence>,
    ) -> Result<(), Error> {
        let mut transaction = self.begin(fence).await?;
        let linked = match link(&mut transaction, batch, recipe).await {
            Ok(()) => transaction.commit().await,
            Err(error) => Err(error),
        };
        linked.map_err(|error| Error::database(doing, error))
    }
}

async fn link(connection: &mut PgConnection, batch: &Batch, recipe: &str) -> Result<(), sqlx::Error> {
    if let Some(segment) = &batch.segment {
        link_contents(connection, segment, &batch.contents, recipe).await?;
    }
    let mut linked = Vec::new();
    for rows in sets(&batch.repositories) {
        if let [row] = rows
            && let Some(error) = &row.error
            && note_error(connection, row, error).await?
        {
            continue;
        }
        let ids = replace_repositories(connection, rows, recipe).await?;
        linked.extend(ids.into_iter().zip(rows));
    }
    keep_last(&mut linked);
    link_files(connection, &linked, recipe).await?;
    let changed = linked.iter().any(|(_, row)| row.changes_files());
    if changed {
        raise_generation(connection).await?;
    }
    Ok(())
}

async fn link_contents(
    connection: &mut PgConnection,
    segment: &SegmentInfo,
    contents: &[ContentRow],
    recipe: &str,
) -> Result<(), sqlx::Error> {
    // The same job run again after a crash gives the same name and the same rows.
    let segment_id: i64 = sqlx::query_scalar(INSERT_SEGMENT)
        .bind(&segment.name)
        .bind(storable_size(segment.bytes))
        .bind(i64::from(segment.rows))
        .fetch_one(&mut *connection)
        .await?;
    // In the order of the key, so that two workers with the same contents wait for each other and never in a circle. Twice
    // the same key in one batch is one content.
    let unique: BTreeMap<_, _> = contents.iter().map(|row| (storable_key(&row.key), row)).collect();
    let unique: Vec<&ContentRow> = unique.into_values().collect();
    for rows in unique.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(LINK_CONTENTS)
            .bind(recipe)
            .bind(segment_id)
            .bind(column(rows, |row| row.key.blob.as_bytes().as_slice()))
            .bind(column(rows, |row| storable(&row.key.file_name)))
            .bind(column(rows, |row| storable_size(row.bytes)))
            .bind(column(rows, |row| {
                row.language.as_ref().map(Language::as_str).map(storable)
            }))
            .bind(column(rows, |row| row.verdict.reason().map(Reason::code)))
            .bind(column(rows, |row| i64::from(row.quality)))
            .bind(column(rows, |row| storable_size(row.text_bytes)))
            .bind(column(rows, |row| i64::from(row.redactions)))
            .bind(column(rows, |row| i64::from(row.segment_row)))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn storable_key(key: &ContentKey) -> (&[u8], Cow<'_, str>) {
    (key.blob.as_bytes(), storable(&key.file_name))
}

fn column<'a, R, T>(rows: &'a [R], field: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(field).collect()
}

/// Rows that can be stored together, in order: no name and no folder twice, and what failed by itself.
fn sets(rows: &[RepositoryRow]) -> Vec<&[RepositoryRow]> {
    let mut sets = Vec::new();
    let (mut names, mut locations) = (HashSet::new(), HashSet::new());
    let mut begin = 0;
    for (i, row) in rows.iter().enumerate() {
        let alone = row.error.is_some() || (i > 0 && rows[i - 1].error.is_some());
        let full = i - begin == REPOSITORIES_PER_STATEMENT;
        let (name, location) = (storable(row.repository.name.as_str()), storable(&row.location));
        if alone || full || names.contains(&name) || locations.contains(&location) {
            sets.push(&rows[begin..i]);
            begin = i;
            names.clear();
            locations.clear();
        }
        names.insert(name);
        locations.insert(location);
    }
    sets.push(&rows[begin..]);
    sets.retain(|set| !set.is_empty());
    sets
}

/// Of a repository that came more than once, the last row counts.
fn keep_last(linked: &mut Vec<(i64, &RepositoryRow)>) {
    let mut ids = HashSet::new();
    linked.reverse();
    linked.retain(|(id, _)| ids.insert(*id));
    linked.reverse();
}

/// Notes the error of a repository that is known; false when it is not.
async fn note_error(
    connection: &mut PgConnection,
    row: &RepositoryRow,
    (code, message): &(String, String),
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(NOTE_ERROR).bind(code).bind(storable(message));
    let query = query
        .bind(storable(row.repository.name.as_str()))
        .bind(storable(&row.location));
    let done = query.execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

/// Returns the ids, in order.
async fn replace_repositories(
    connection: &mut PgConnection,
    rows: &[RepositoryRow],
    recipe: &str,
) -> Result<Vec<i64>, sqlx::Error> {
    let names = column(rows, |row| storable(row.repository.name.as_str()));
    let locations = column(rows, |row| storable(&row.location));
    sqlx::query(DELETE_IN_SAME_FOLDERS)
        .bind(&names)
        .bind(&locations)
        .execute(&mut *connection)
        .await?;
    let ids: Vec<(String, i64)> = sqlx::query_as(REPLACE_REPOSITORIES)
        .bind(recipe)
        .bind(&names)
        .bind(&locations)
        .bind(column(rows, |row| storable(&row.repository.forge)))
        .bind(column(rows, |row| storable(&row.repository.origin)))
        .bind(column(rows, |row| storable(&row.repository.family)))
        .bind(column(rows, |row| row.repository.commit.as_deref().map(storable)))
        .bind(column(rows, |row| storable(&row.repository.revision)))
        .bind(column(rows, |row| row.repository.stars.map(u64::cast_signed)))
        .bind(column(rows, |row| row.repository.fork))
        .bind(column(rows, |row| row.repository.committed_at))
        .bind(column(rows, |row| {
            row.license.as_ref().map(SpdxExpression::as_str).map(storable)
        }))
        .bind(column(rows, |row| row.license_class.as_str()))
        .bind(column(rows, RepositoryRow::license_rank))
        .bind(column(rows, |row| storable(&row.license_evidence)))
        .bind(column(rows, |row| row.error.as_ref().map(|(code, _)| storable(code))))
        .bind(column(rows, |row| {
            row.error.as_ref().map(|(_, message)| storable(message))
        }))
        .fetch_all(&mut *connection)
        .await?;
    // RETURNING promises no order.
    let ids: HashMap<String, i64> = ids.into_iter().collect();
    let ids: Vec<i64> = names
        .iter()
        .filter_map(|name| ids.get(name.as_ref()).copied())
        .collect();
    // A repository that was there keeps its row, and so its old files.
    sqlx::query("DELETE FROM files WHERE repository_id = ANY ($1)")
        .bind(&ids)
        .execute(connection)
        .await?;
    Ok(ids)
}

async fn link_files(
    connection: &mut PgConnection,
    repositories: &[(i64, &RepositoryRow)],
    recipe: &str,
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = repositories.iter().map(|(id, _)| *id).collect();
    let present: Vec<i64> = sqlx::query_scalar(PRESENT)
        .bind(ids)
        .fetch_all(&mut *connection)
        .await?;
    let present: HashSet<i64> = present.into_iter().collect();
    let files = repositories
        .iter()
        .filter(|(id, _)| present.contains(id))
        .flat_map(|(id, row)| row.files.iter().map(|file| (*id, file)));
    let files: Vec<(i64, &FileRow)> = files.collect();
    for files in files.chunks(ROWS_PER_STATEMENT) {
        let contents = linked_contents(connection, files, recipe).await?;
        let mut rows = CopyRows::new(COPY_FILES, 6);
        for ((repository_id, file), content) in files.iter().zip(contents) {
            let (reason, detail) = dropped(file).unzip();
            let bytes = file.bytes.map(storable_size).or(content.map(|(_, bytes)| bytes));
            rows.begin_row();
            rows.bigint(Some(*repository_id));
            rows.bytes(&file.path);
            rows.bigint(bytes);
            rows.text(reason);
            rows.text(detail.flatten());
            rows.bigint(content.map(|(id, _)| id));
        }
        rows.send(connection).await?;
    }
    Ok(())
}

/// Of each file: the id and the size in bytes of the content that it holds.
async fn linked_contents(
    connection: &mut PgConnection,
    files: &[(i64, &FileRow)],
    recipe: &str,
) -> Result<Vec<Option<(i64, i64)>>, sqlx::Error> {
    let keys = column(files, |(_, file)| content(file));
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(KNOWN)
        .bind(column(&keys, |key| key.map(|key| key.blob.as_bytes().as_slice())))
        .bind(column(&keys, |key| key.map(|key| storable(&key.file_name))))
        .bind(recipe)
        .fetch_all(connection)
        .await?;
    let mut contents = vec![None; files.len()];
    for (place, id, bytes) in found {
        let place = usize::try_from(place).ok().and_then(|place| contents.get_mut(place));
        if let Some(place) = place {
            *place = Some((id, bytes));
        }
    }
    Ok(contents)
}

/// Why it was dropped, and the detail.
fn dropped(file: &FileRow) -> Option<(&'static str, Option<&str>)> {
    match &file.state {
        FileState::Dropped(reason, detail) => Some((reason.code(), detail.as_deref())),
        FileState::Content(_) => None,
    }
}

fn content(file: &FileRow) -> Option<&ContentKey> {
    match &file.state {
        FileState::Dropped(..) => None,
        FileState::Content(key) => Some(key),
    }
}
