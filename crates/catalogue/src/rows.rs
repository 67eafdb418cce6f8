//! What is known about repositories, contents, files, duplicates, builds, jobs and errors: one trait for each aggregate,
//! beside its rows.

mod builds;
mod candidates;
mod clusters;
mod contents;
mod crawl_id;
mod crawls;
mod duplicates;
mod errors;
mod figures;
mod hosted;
mod jobs;
mod location;
mod repositories;
mod story;
mod training;

use std::borrow::Cow;
use std::fmt::Debug;

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
pub use crawl_id::CrawlId;
pub use crawls::{AfterPage, CrawlReport, CrawledPage, Crawls, IncompleteSlice, OpenSlice};
pub(crate) use duplicates::{DEDUP_CANDIDATES, STORED_DUPLICATES, difference, generation_must_be};
pub use duplicates::{DedupCandidate, DedupInput, Duplicate, Duplicates};
pub(crate) use errors::storable_count;
pub use errors::{ErrorRow, Errors};
pub use figures::{Count, FailedRepository, Figures, Funnel, FunnelStep, LanguageRow, LicenseRow, Stats};
pub(crate) use figures::{SurvivorRow, Survivors, assemble_funnel};
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
    ModelKind, ModelRow, ModelState, NewModel, NewTraining, ParseNameError, TrainingEnd, TrainingProgress, TrainingRow,
    TrainingState, Trainings,
};

use crate::error::Error;

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

/// A text as PostgreSQL can hold it: NUL is replaced by U+FFFD.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
