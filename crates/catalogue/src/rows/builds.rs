//! Survivors as candidates of a build, and finished builds.

use async_trait::async_trait;
use codelupe_core::{BlobId, Location, Reason, Split};
use sqlx::FromRow;

use super::jobs::Fence;
use super::location::LocationColumns;
use crate::error::Error;

/// A survivor of deduplication, with what a build decides on and writes.
#[derive(Debug, Clone, FromRow)]
pub struct BuildCandidate {
    /// The file.
    pub file_id: i64,
    /// Its repository's name.
    #[sqlx(rename = "name")]
    pub repository: String,
    /// Where the repository comes from.
    pub forge: String,
    /// The address it was found at.
    pub origin: String,
    /// What its versions and copies have in common.
    pub family: String,
    /// Its commit.
    #[sqlx(rename = "commit_id")]
    pub commit: Option<String>,
    /// Its license expression.
    pub license: Option<String>,
    /// The class of its license.
    pub license_class: String,
    /// The path, raw bytes.
    pub path: Vec<u8>,
    /// The blob.
    #[sqlx(rename = "blob_id", try_from = "Vec<u8>")]
    pub blob: BlobId,
    /// The language.
    pub language: Option<String>,
    /// Quality score, 0 to 100.
    #[sqlx(try_from = "i64")]
    pub quality: u8,
    /// Secrets and personal data replaced.
    #[sqlx(try_from = "i64")]
    pub redactions: u32,
    /// Length in bytes of the text.
    #[sqlx(try_from = "i64")]
    pub text_bytes: u64,
    /// Where the text stands.
    #[sqlx(flatten, try_from = "LocationColumns")]
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
#[derive(Debug, Clone, FromRow)]
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

/// Every survivor, by repository and path; both dialects use it.
pub(crate) const BUILD_CANDIDATES: &str = "
    SELECT f.id AS file_id, r.name, r.forge, r.origin, r.family, r.commit_id, r.license, r.license_class, f.path,
           c.blob_id, c.language, c.quality, c.redactions, c.text_bytes, c.segment_id, c.segment_row
    FROM files f
    JOIN contents c ON c.id = f.content_id
    JOIN repositories r ON r.id = f.repository_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND d.file_id IS NULL
    ORDER BY r.name, f.path";

/// The latest build; both dialects use it.
pub(crate) const LATEST_BUILD: &str = "SELECT name, digest, created_at, manifest FROM builds ORDER BY id DESC LIMIT 1";

/// A build by name; both dialects use it.
pub(crate) const BUILD_BY_NAME: &str = "SELECT name, digest, created_at, manifest FROM builds WHERE name = $1";

/// A build that becomes the latest; both dialects use it.
pub(crate) const INSERT_BUILD: &str = "
    INSERT INTO builds (id, name, digest, created_at, manifest)
    VALUES ((SELECT coalesce(max(id), 0) + 1 FROM builds), $1, $2, $3, $4) RETURNING id";

/// The state that a derived stage left; both dialects use it.
pub(crate) const SET_STAGE_STATE: &str = "
    INSERT INTO stages (name, state) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET state = excluded.state";

/// Finished builds, and the state of what is derived.
#[async_trait]
pub trait Builds {
    /// Every file that survived deduplication, by repository name and path, and the catalogue's generation at that moment.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn build_candidates(&self) -> Result<(Vec<BuildCandidate>, i64), Error>;

    /// The latest build.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn latest_build(&self) -> Result<Option<BuildRow>, Error>;

    /// A build by name.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn build(&self, name: &str) -> Result<Option<BuildRow>, Error>;

    /// Links a published build with what it decided about each candidate, and makes it the latest.
    ///
    /// # Errors
    /// `Stale` when the files have changed since `generation`; `LeaseLost`, `DiskFull`, `Permission`, `Conflict` or
    /// `Database`. The build is not linked then.
    async fn link_build(
        &self,
        build: &BuildRow,
        decisions: &[BuildDecision],
        generation: i64,
        fence: Option<Fence>,
    ) -> Result<(), Error>;

    /// The state that a derived stage (`dedup`, `build`) left, when nothing it was computed from has changed since.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn stage_state(&self, stage: &str) -> Result<Option<String>, Error>;

    /// Says which build the search index was made from.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn set_index_state(&self, build_digest: &str) -> Result<(), Error>;
}
