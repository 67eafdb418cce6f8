//! The catalogue: what is known about repositories, contents, files, duplicates, builds, jobs and errors.
//!
//! One trait for each aggregate, beside its rows; SQL is written out for each dialect in `sqlite/` and `postgres/`. One suite
//! of tests runs on both.

mod builds;
mod candidates;
mod clusters;
mod contents;
mod crawls;
mod duplicates;
mod errors;
mod figures;
mod guard;
mod hosted;
mod jobs;
mod repositories;
mod story;
mod training;
mod url;

use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use codelupe_core::breaker::State;

pub(crate) use builds::{BUILD_BY_NAME, BUILD_CANDIDATES, INSERT_BUILD, LATEST_BUILD, SET_STAGE_STATE};
pub use builds::{BuildCandidate, BuildDecision, BuildRow, Builds};
pub use candidates::{CandidateRow, Candidates};
pub use clusters::{
    ClusterRow, ClusterSize, ClusteredFile, Clusters, HolderRow, MemberRow, RankedRepository, RemovedRow,
};
pub(crate) use contents::storable_size;
pub use contents::{Batch, ContentKey, ContentRow, Contents, FileRow, FileState, RepositoryRow};
pub use crawls::{AfterPage, CrawlId, CrawlReport, CrawledPage, Crawls, IncompleteSlice, OpenSlice};
pub(crate) use duplicates::{DEDUP_CANDIDATES, STORED_DUPLICATES, difference, generation_must_be};
pub use duplicates::{DedupCandidate, DedupInput, Duplicate, Duplicates};
pub(crate) use errors::storable_count;
pub use errors::{ErrorRow, Errors};
pub use figures::{Count, FailedRepository, Figures, Funnel, FunnelStep, LanguageRow, LicenseRow, Stats};
pub(crate) use figures::{SurvivorRow, Survivors, assemble_funnel};
pub(crate) use guard::Guard;
pub(crate) use hosted::{COLUMNS, HostedRecord, keep_untold, key_of, stored_id};
pub use hosted::{
    DueRepository, HostedCounts, HostedFilter, HostedOrder, HostedPosition, HostedRepositories, HostedRow, HostedState,
    MAX_RAW_BYTES, NameRow, ParseHostedStateError, Seen, Upserted,
};
pub use jobs::{
    Enqueued, Failure, Fence, JobFilter, JobRow, JobState, Jobs, LeaseRequest, MAX_PAYLOAD_BYTES, MAX_VANISHED, NewJob,
};
pub(crate) use jobs::{lease_must_hold, milliseconds};
pub use repositories::Repositories;
pub use story::{BuildStory, ContentStory, FileStory, TwinStory};
pub(crate) use story::{STORY, StoryRow, split_name, unknown_file};
pub use training::{
    ModelKind, ModelRow, ModelState, NewModel, NewTraining, ParseNameError, Signal, TrainingEnd, TrainingProgress,
    TrainingRow, TrainingState, Trainings,
};
pub use url::CatalogueUrl;

use crate::error::Error;
use crate::folder::DataFolder;
use crate::migration::{self, Migrate};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// Everything that a database does for us.
#[async_trait]
pub trait Backend:
    Repositories
    + Contents
    + Duplicates
    + Candidates
    + Clusters
    + Builds
    + Figures
    + Jobs
    + Errors
    + HostedRepositories
    + Crawls
    + Trainings
    + Debug
    + Send
    + Sync
{
    /// Which catalogue this is: 32 hexadecimal digits, made with it.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn identity(&self) -> Result<String, Error>;

    /// The database and its version, for people.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn describe(&self) -> Result<String, Error>;

    /// Whether it is a server that other machines use too.
    fn is_shared(&self) -> bool;

    /// How the circuit breaker around the database stands; asks nobody.
    fn breaker_state(&self) -> State;

    /// Closes the connections; SQLite folds its write-ahead log into the file.
    async fn close(&self);
}

/// A connection to the catalogue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    backend: Arc<dyn Backend>,
    /// The same, if it is in a PostgreSQL database.
    postgres: Option<Arc<Postgres>>,
}

impl Deref for Catalogue {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        self.backend.as_ref()
    }
}

impl Catalogue {
    /// Opens a catalogue for writing. An empty database gets the schema; an old schema is migrated if `migrate` allows it.
    ///
    /// # Errors
    /// `SchemaOutdated` or `SchemaNewer` when the schema is not this program's; `Corrupt` when it is no catalogue;
    /// `Unavailable`, `Auth`, `DiskFull`, `Permission` or `Io` of the database.
    pub async fn open(url: &CatalogueUrl, migrate: Migrate) -> Result<Self, Error> {
        migration::prepare(url, migrate).await?;
        Self::connect(url, false).await
    }

    /// Opens an existing catalogue for reading.
    ///
    /// # Errors
    /// `NotFound` when there is none; otherwise those of [`Self::open`].
    pub async fn open_read_only(url: &CatalogueUrl) -> Result<Self, Error> {
        migration::require_current(url).await?;
        Self::connect(url, true).await
    }

    /// Opens an existing catalogue for writing.
    ///
    /// # Errors
    /// Those of [`Self::open_read_only`].
    pub async fn open_existing(url: &CatalogueUrl) -> Result<Self, Error> {
        migration::require_current(url).await?;
        Self::connect(url, false).await
    }

    async fn connect(url: &CatalogueUrl, read_only: bool) -> Result<Self, Error> {
        Ok(match url {
            CatalogueUrl::Sqlite(path) => Self {
                backend: Arc::new(Sqlite::connect(path, read_only).await?),
                postgres: None,
            },
            CatalogueUrl::Postgres(options) => {
                let postgres = Arc::new(Postgres::connect(options, read_only));
                Self {
                    backend: Arc::clone(&postgres) as Arc<dyn Backend>,
                    postgres: Some(postgres),
                }
            }
        })
    }

    /// The database, if it is a PostgreSQL one.
    pub(crate) const fn postgres(&self) -> Option<&Arc<Postgres>> {
        self.postgres.as_ref()
    }

    /// Ties a data folder to this catalogue, or refuses one that is tied to another.
    ///
    /// # Errors
    /// `Conflict` when the folder belongs to another catalogue; `Io` when it cannot be read or written.
    pub async fn claim(&self, folder: &DataFolder) -> Result<(), Error> {
        folder.claim(&self.identity().await?)
    }
}

/// A text as PostgreSQL can hold it: NUL is replaced by U+FFFD.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
