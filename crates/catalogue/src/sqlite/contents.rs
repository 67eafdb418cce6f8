//! Contents and files.

mod commit;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::Sqlite;
use crate::error::Error;
use crate::rows::{Batch, ContentKey, Contents, Fence, FileStory, STORY, StoryRow, split_name, unknown_file};

/// Keys in one lookup statement.
const KEYS_PER_STATEMENT: usize = 1000;

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

const FORGET_CONTENTS: &str = "
    DELETE FROM contents
    WHERE recipe <> ? AND id NOT IN (SELECT content_id FROM files WHERE content_id IS NOT NULL)";

const FORGET_SEGMENTS: &str = "DELETE FROM segments WHERE id NOT IN (SELECT segment_id FROM contents)";

#[async_trait]
impl Contents for Sqlite {
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
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(FORGET_CONTENTS)
                .bind(recipe)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(FORGET_SEGMENTS).execute(&mut *transaction).await?;
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
                    .bind(&repository)
                    .bind(path)
                    .fetch_optional(&self.pool)
            };
            let row: Option<StoryRow> = self.guard.run(Operation::ReadFileStory, query).await?;
            if let Some(row) = row {
                return row.story();
            }
            let sql = "SELECT EXISTS (SELECT 1 FROM repositories WHERE name = ?)";
            let query = || sqlx::query_scalar(sql).bind(&repository).fetch_one(&self.pool);
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

impl Sqlite {
    /// The places in `keys` of those that are known.
    ///
    /// `CROSS JOIN` looks each key up in the index, whatever the planner thinks of the table's size: without it the whole table
    /// was read for every 1,000 keys, which made a million files take 640 µs each instead of 100.
    async fn places(&self, keys: &[ContentKey], recipe: &str) -> Result<Vec<i64>, sqlx::Error> {
        let mut query = QueryBuilder::<sqlx::Sqlite>::new("WITH wanted (place, blob_id, file_name) AS (");
        query.push_values(keys.iter().zip(0i64..), |mut tuple, (key, place)| {
            tuple
                .push_bind(place)
                .push_bind(key.blob.as_bytes().as_slice())
                .push_bind(&key.file_name);
        });
        query.push(") SELECT place FROM wanted CROSS JOIN contents USING (blob_id, file_name) WHERE recipe = ");
        query.push_bind(recipe);
        query.build_query_scalar().fetch_all(&self.pool).await
    }
}
