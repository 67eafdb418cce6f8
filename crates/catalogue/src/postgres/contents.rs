//! Contents and files.

mod commit;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use codelupe_telemetry::Operation;
use sqlx::PgConnection;

use super::{Postgres, storable};
use crate::error::Error;
use crate::rows::{Batch, ContentKey, Contents, Fence, FileStory, STORY, StoryRow, split_name, unknown_file};

/// Keys in one lookup statement.
const KEYS_PER_STATEMENT: usize = 10_000;

/// Contents that are forgotten in one statement: a million, when the rules have changed, must not be held in memory.
const CONTENTS_AT_ONCE: i64 = 50_000;

const KNOWN: &str = "
    SELECT wanted.place - 1
    FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS wanted (blob_id, file_name, place)
    JOIN contents c ON c.blob_id = wanted.blob_id AND c.file_name = wanted.file_name
    WHERE c.recipe = $3";

/// The names that can be typed on any terminal without quotes.
const EXAMPLE_NEAR_DUPLICATE: &str = "
    SELECT r.name || '/' || encode(f.path, 'escape')
    FROM duplicates d JOIN files f ON f.id = d.file_id JOIN repositories r ON r.id = f.repository_id
    WHERE d.reason = 'near_duplicate'
      AND r.name ~ '^[-+a-zA-Z0-9._/]*$' AND encode(f.path, 'escape') ~ '^[-+a-zA-Z0-9._/]*$'
    ORDER BY r.name, f.path LIMIT 1";

const EXAMPLE_FILE: &str = "
    SELECT r.name || '/' || encode(f.path, 'escape')
    FROM files f JOIN repositories r ON r.id = f.repository_id
    WHERE f.content_id IS NOT NULL
      AND r.name ~ '^[-+a-zA-Z0-9._/]*$' AND encode(f.path, 'escape') ~ '^[-+a-zA-Z0-9._/]*$'
    ORDER BY f.id LIMIT 1";

/// Unused rows are locked first, so that no commit can link them, and then checked again.
const UNUSED_CONTENTS: &str = "
    SELECT id FROM contents
    WHERE recipe <> $1 AND id > $2 AND NOT EXISTS (SELECT 1 FROM files f WHERE f.content_id = contents.id)
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED";

const FORGET_CONTENTS: &str = "
    DELETE FROM contents
    WHERE id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM files f WHERE f.content_id = contents.id)";

const UNUSED_SEGMENTS: &str = "
    SELECT id FROM segments WHERE NOT EXISTS (SELECT 1 FROM contents c WHERE c.segment_id = segments.id)
    FOR UPDATE SKIP LOCKED";

const FORGET_SEGMENTS: &str = "
    DELETE FROM segments
    WHERE id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.segment_id = segments.id)";

#[async_trait]
impl Contents for Postgres {
    async fn commit(&self, batch: &Batch, recipe: &str, fence: Option<Fence>) -> Result<(), Error> {
        let doing = Operation::LinkBatch;
        self.guard
            .run_store(doing, || self.try_commit(doing, batch, recipe, fence))
            .await
    }

    async fn known_contents(&self, keys: &[ContentKey], recipe: &str) -> Result<HashSet<ContentKey>, Error> {
        let mut known = HashSet::new();
        for keys in keys.chunks(KEYS_PER_STATEMENT) {
            let places = self
                .guard
                .run(Operation::LookUpContents, || self.places(keys, recipe))
                .await?;
            let found = places
                .into_iter()
                .filter_map(|place| keys.get(usize::try_from(place).ok()?));
            known.extend(found.cloned());
        }
        Ok(known)
    }

    async fn forget_unused_contents(&self, recipe: &str) -> Result<(), Error> {
        let forget = || async {
            let mut transaction = self.pool.begin().await?;
            forget_contents(&mut transaction, recipe).await?;
            let segments: Vec<i64> = sqlx::query_scalar(UNUSED_SEGMENTS).fetch_all(&mut *transaction).await?;
            sqlx::query(FORGET_SEGMENTS)
                .bind(segments)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        };
        self.guard.run(Operation::ForgetUnusedContents, forget).await
    }

    async fn segments(&self) -> Result<HashMap<i64, String>, Error> {
        let query = || sqlx::query_as("SELECT id, name FROM segments").fetch_all(&self.pool);
        let rows: Vec<(i64, String)> = self.guard.run(Operation::ReadSegments, query).await?;
        Ok(rows.into_iter().collect())
    }

    async fn file_story(&self, name: &[u8]) -> Result<FileStory, Error> {
        let mut repository_found = false;
        for (repository, path) in split_name(name) {
            let query = || {
                sqlx::query_as(STORY)
                    .bind(storable(&repository))
                    .bind(path)
                    .fetch_optional(&self.pool)
            };
            let row: Option<StoryRow> = self.guard.run(Operation::ReadFileStory, query).await?;
            if let Some(row) = row {
                return row.story();
            }
            let sql = "SELECT EXISTS (SELECT 1 FROM repositories WHERE name = $1)";
            let query = || {
                sqlx::query_scalar(sql)
                    .bind(storable(&repository))
                    .fetch_one(&self.pool)
            };
            let found: bool = self.guard.run(Operation::LookUpRepository, query).await?;
            repository_found |= found;
        }
        Err(unknown_file(name, repository_found))
    }

    async fn example_file(&self) -> Result<Option<String>, Error> {
        let near = || sqlx::query_scalar(EXAMPLE_NEAR_DUPLICATE).fetch_optional(&self.pool);
        let any = || sqlx::query_scalar(EXAMPLE_FILE).fetch_optional(&self.pool);
        match self.guard.run(Operation::ReadExample, near).await? {
            Some(near) => Ok(Some(near)),
            None => self.guard.run(Operation::ReadExample, any).await,
        }
    }
}

impl Postgres {
    /// The places in `keys` of those that are known.
    async fn places(&self, keys: &[ContentKey], recipe: &str) -> Result<Vec<i64>, sqlx::Error> {
        let blobs: Vec<&[u8]> = keys.iter().map(|key| key.blob.as_bytes().as_slice()).collect();
        let names: Vec<Cow<'_, str>> = keys.iter().map(|key| storable(&key.file_name)).collect();
        sqlx::query_scalar(KNOWN)
            .bind(blobs)
            .bind(names)
            .bind(recipe)
            .fetch_all(&self.pool)
            .await
    }
}

async fn forget_contents(connection: &mut PgConnection, recipe: &str) -> Result<(), sqlx::Error> {
    let mut last = 0;
    loop {
        let query = sqlx::query_scalar(UNUSED_CONTENTS)
            .bind(recipe)
            .bind(last)
            .bind(CONTENTS_AT_ONCE);
        let ids: Vec<i64> = query.fetch_all(&mut *connection).await?;
        let Some(highest) = ids.last() else { return Ok(()) };
        last = *highest;
        sqlx::query(FORGET_CONTENTS).bind(ids).execute(&mut *connection).await?;
    }
}
