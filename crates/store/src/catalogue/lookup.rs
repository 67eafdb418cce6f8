//! Reading single things: what is known already, and the story of one file.

use std::collections::{HashMap, HashSet};

use codelupe_core::BlobId;
use codelupe_core::text::display_name;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Catalogue;
use crate::error::{Error, ErrorKind};
use crate::segment::Location;

/// Keys in one lookup statement.
const KEYS_PER_STATEMENT: usize = 1000;

/// What identifies a content: its blob, and the file name it was seen under, since that decides the language.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentKey {
    /// The blob.
    pub blob: BlobId,
    /// The last segment of the path; bytes that are not UTF-8 are replaced.
    pub file_name: String,
}

/// Everything the catalogue knows of one file.
#[derive(Debug, Clone)]
pub struct FileStory {
    /// The repository's name.
    pub repository: String,
    /// Where the repository comes from.
    pub forge: String,
    /// The address it was found at.
    pub origin: String,
    /// Its commit.
    pub commit: Option<String>,
    /// Its licence expression.
    pub licence: Option<String>,
    /// The class of its licence.
    pub licence_class: String,
    /// What the licence was concluded from, as JSON.
    pub licence_evidence: String,
    /// The path, raw bytes.
    pub path: Vec<u8>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// The reason of the fetch stage, and its detail.
    pub fetch_reason: Option<String>,
    /// More about the fetch reason.
    pub detail: Option<String>,
    /// The content, when it was looked at.
    pub content: Option<ContentStory>,
    /// The twin it duplicates, when dropped for that.
    pub twin: Option<TwinStory>,
    /// What the latest build decided about it.
    pub build: Option<BuildStory>,
}

/// What the catalogue knows of one content.
#[derive(Debug, Clone)]
pub struct ContentStory {
    /// The blob.
    pub blob: BlobId,
    /// The language.
    pub language: Option<String>,
    /// Why processing dropped it.
    pub reason: Option<String>,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Where its full record stands.
    pub location: Location,
}

/// What a build decided about a file.
#[derive(Debug, Clone)]
pub struct BuildStory {
    /// The build's name.
    pub build: String,
    /// The split that the file is in, or the code of the reason why it is in none.
    pub outcome: Result<String, String>,
}

/// The kept file that another one duplicates.
#[derive(Debug, Clone)]
pub struct TwinStory {
    /// `exact_duplicate` or `near_duplicate`.
    pub reason: String,
    /// Exact Jaccard similarity of the two shingle sets, 0 to 1.
    pub jaccard: f64,
    /// The repository of the kept file.
    pub repository: String,
    /// Its path, raw bytes.
    pub path: Vec<u8>,
}

impl Catalogue {
    /// Of each repository that was processed without error by `recipe`: its name and revision.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn finished_repositories(&self, recipe: &str) -> Result<HashMap<String, String>, Error> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT name, revision FROM repositories WHERE recipe = ? AND error_code IS NULL")
                .bind(recipe)
                .fetch_all(&self.pool)
                .await
                .map_err(|error| Error::database("read the finished repositories", error))?;
        Ok(rows.into_iter().collect())
    }

    /// Of each repository: its name and the folder it was found in.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn repository_locations(&self) -> Result<HashMap<String, String>, Error> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, location FROM repositories")
            .fetch_all(&self.pool)
            .await
            .map_err(|error| Error::database("read the repositories", error))?;
        Ok(rows.into_iter().collect())
    }

    /// How many repositories were processed by another recipe, and the name of one.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn other_recipes(&self, recipe: &str) -> Result<(u64, Option<String>), Error> {
        let sql = "SELECT count(*), min(r.name) FROM repositories r
                   WHERE r.recipe <> ? AND EXISTS (SELECT 1 FROM files f WHERE f.repository_id = r.id)";
        let (count, name): (i64, Option<String>) = sqlx::query_as(sql)
            .bind(recipe)
            .fetch_one(&self.pool)
            .await
            .map_err(|error| Error::database("read the recipes", error))?;
        Ok((count.cast_unsigned(), name))
    }

    /// Forgets the contents of other recipes that no file links any more, and the segments that hold none but such. Their
    /// files are removed as orphans by the next writer.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; nothing is forgotten then.
    pub async fn forget_unused_contents(&self, recipe: &str) -> Result<(), Error> {
        let fail = |error| Error::database("forget unused contents", error);
        let mut transaction = self.pool.begin().await.map_err(fail)?;
        sqlx::query("DELETE FROM contents WHERE recipe <> ? AND id NOT IN (SELECT content_id FROM files WHERE content_id IS NOT NULL)")
            .bind(recipe)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("DELETE FROM segments WHERE id NOT IN (SELECT segment_id FROM contents)")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }

    /// Those of `keys` whose content was processed by `recipe` already.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn known_contents(&self, keys: &[ContentKey], recipe: &str) -> Result<HashSet<ContentKey>, Error> {
        let mut known = HashSet::new();
        for keys in keys.chunks(KEYS_PER_STATEMENT) {
            let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (place, blob_id, file_name) AS (");
            query.push_values(keys.iter().zip(0i64..), |mut tuple, (key, place)| {
                tuple
                    .push_bind(place)
                    .push_bind(key.blob.as_bytes().as_slice())
                    .push_bind(&key.file_name);
            });
            query.push(") SELECT place FROM wanted JOIN contents USING (blob_id, file_name) WHERE recipe = ");
            query.push_bind(recipe);
            let places: Vec<i64> = query
                .build_query_scalar()
                .fetch_all(&self.pool)
                .await
                .map_err(|error| Error::database("look up contents", error))?;
            let found = places
                .into_iter()
                .filter_map(|place| keys.get(usize::try_from(place).ok()?));
            known.extend(found.cloned());
        }
        Ok(known)
    }

    /// The linked segments by id.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn segments(&self) -> Result<HashMap<i64, String>, Error> {
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM segments")
            .fetch_all(&self.pool)
            .await
            .map_err(|error| Error::database("read the segments", error))?;
        Ok(rows.into_iter().collect())
    }

    /// The state that a derived stage (`dedup`, `build`) left, when nothing it was computed from has changed since.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn stage_state(&self, stage: &str) -> Result<Option<String>, Error> {
        sqlx::query_scalar("SELECT state FROM stages WHERE name = ?")
            .bind(stage)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| Error::database("read a stage's state", error))
    }

    /// Says which build the search index was made from.
    ///
    /// # Errors
    /// `Database` and the file's own errors.
    pub async fn set_index_state(&self, build_digest: &str) -> Result<(), Error> {
        sqlx::query("INSERT INTO stages (name, state) VALUES ('index', ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state")
            .bind(build_digest)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| Error::database("note the index", error))
    }

    /// The story of the file that `name` (`REPO/PATH`, raw bytes) names. Repository names may hold `/`; the longest that
    /// fits wins.
    ///
    /// # Errors
    /// `NotFound` when no repository or no file of that name exists; `Database` otherwise.
    pub async fn file_story(&self, name: &[u8]) -> Result<FileStory, Error> {
        let mut repository_found = false;
        for (at, _) in name.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/') {
            let (repository, path) = (String::from_utf8_lossy(&name[..at]), &name[at + 1..]);
            let row = sqlx::query(STORY)
                .bind(repository.as_ref())
                .bind(path)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| Error::database("read a file's story", error))?;
            if let Some(row) = row {
                return story(&row).map_err(|error| Error::database("read a file's story", error));
            }
            repository_found |= self.has_repository(&repository).await?;
        }
        let what = if repository_found {
            "file"
        } else {
            "repository with a file"
        };
        let context = format!("there is no {what} `{}` in the catalogue", display_name(name));
        Err(Error::new(ErrorKind::NotFound, context))
    }

    async fn has_repository(&self, name: &str) -> Result<bool, Error> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM repositories WHERE name = ?)")
            .bind(name)
            .fetch_one(&self.pool)
            .await
            .map_err(|error| Error::database("look up a repository", error))
    }
}

const STORY: &str = "
    SELECT r.name AS repository, r.forge, r.origin, r.commit_id, r.licence, r.licence_class, r.licence_evidence,
           f.path, f.bytes, f.reason AS fetch_reason, f.detail,
           c.blob_id, c.language, c.reason AS content_reason, c.quality, c.segment_id, c.segment_row,
           d.reason AS twin_reason, d.jaccard, tr.name AS twin_repository, tf.path AS twin_path,
           b.name AS build, bf.split, bf.reason AS build_reason
    FROM repositories r
    JOIN files f ON f.repository_id = r.id
    LEFT JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id AND EXISTS (SELECT 1 FROM stages WHERE name = 'dedup')
    LEFT JOIN files tf ON tf.id = d.kept_file_id
    LEFT JOIN repositories tr ON tr.id = tf.repository_id
    LEFT JOIN builds b ON b.id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    LEFT JOIN build_files bf ON bf.build_id = b.id AND bf.file_id = f.id
    WHERE r.name = ? AND f.path = ?";

fn story(row: &sqlx::sqlite::SqliteRow) -> Result<FileStory, sqlx::Error> {
    Ok(FileStory {
        repository: row.try_get("repository")?,
        forge: row.try_get("forge")?,
        origin: row.try_get("origin")?,
        commit: row.try_get("commit_id")?,
        licence: row.try_get("licence")?,
        licence_class: row.try_get("licence_class")?,
        licence_evidence: row.try_get("licence_evidence")?,
        path: row.try_get("path")?,
        bytes: row.try_get::<Option<i64>, _>("bytes")?.map(i64::cast_unsigned),
        fetch_reason: row.try_get("fetch_reason")?,
        detail: row.try_get("detail")?,
        content: content_story(row)?,
        twin: twin_story(row)?,
        build: build_story(row)?,
    })
}

fn content_story(row: &sqlx::sqlite::SqliteRow) -> Result<Option<ContentStory>, sqlx::Error> {
    let Some(blob) = row.try_get::<Option<Vec<u8>>, _>("blob_id")? else {
        return Ok(None);
    };
    Ok(Some(ContentStory {
        blob: blob_id(&blob)?,
        language: row.try_get("language")?,
        reason: row.try_get("content_reason")?,
        quality: row.try_get("quality")?,
        location: Location {
            segment: row.try_get("segment_id")?,
            row: row.try_get("segment_row")?,
        },
    }))
}

fn twin_story(row: &sqlx::sqlite::SqliteRow) -> Result<Option<TwinStory>, sqlx::Error> {
    let Some(reason) = row.try_get::<Option<String>, _>("twin_reason")? else {
        return Ok(None);
    };
    Ok(Some(TwinStory {
        reason,
        jaccard: row.try_get("jaccard")?,
        repository: row.try_get("twin_repository")?,
        path: row.try_get("twin_path")?,
    }))
}

fn build_story(row: &sqlx::sqlite::SqliteRow) -> Result<Option<BuildStory>, sqlx::Error> {
    let Some(build) = row.try_get::<Option<String>, _>("build")? else {
        return Ok(None);
    };
    let split: Option<String> = row.try_get("split")?;
    let reason: Option<String> = row.try_get("build_reason")?;
    Ok(split
        .map(Ok)
        .or(reason.map(Err))
        .map(|outcome| BuildStory { build, outcome }))
}

/// A blob id from a column.
pub(super) fn blob_id(bytes: &[u8]) -> Result<BlobId, sqlx::Error> {
    let bytes: [u8; 20] = bytes
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a blob id is not 20 bytes".into()))?;
    Ok(BlobId::from_bytes(bytes))
}
