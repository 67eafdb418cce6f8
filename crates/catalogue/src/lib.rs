//! The catalogue: what is known about repositories, contents, files, duplicates, builds, trainings, jobs and errors, in a
//! SQLite file or a PostgreSQL database; and the LSH index.
//!
//! One trait for each aggregate, beside its rows (`rows/`). SQL that is the same in both dialects is in `portable/`, the rest
//! in `sqlite/` and `postgres/`. One suite of tests runs on both.

#![forbid(unsafe_code)]

mod connect;
mod error;
mod guard;
pub mod lsh;
mod migration;
mod outage;
mod postgres;
mod rows;
mod sqlite;
mod url;

pub use connect::Catalogue;
pub use error::{Error, ErrorKind};
pub use migration::{Loss, Migrate, MigrationState, MigrationStatus, Rename, RollbackStep, Schema};
pub use rows::{
    AfterPage, Backend, Batch, BuildCandidate, BuildDecision, BuildRow, BuildStory, Builds, CandidateRow, Candidates,
    ClusterRow, ClusterSize, ClusteredFile, Clusters, ContentKey, ContentRow, ContentStory, Contents, Count, CrawlId,
    CrawlReport, CrawledPage, Crawls, DedupCandidate, DedupInput, DueRepository, Duplicate, Duplicates, Enqueued,
    ErrorRow, Errors, FailedRepository, Failure, Fence, Figures, FileRow, FileState, FileStory, Funnel, FunnelStep,
    HolderRow, HostedCounts, HostedFilter, HostedOrder, HostedPosition, HostedRepositories, HostedRow, HostedState,
    IncompleteSlice, JobFilter, JobRow, JobState, Jobs, LanguageRow, LeaseRequest, LicenseRow, MAX_PAYLOAD_BYTES,
    MAX_RAW_BYTES, MAX_VANISHED, MemberRow, ModelKind, ModelRow, ModelState, NameRow, NewJob, NewModel, NewTraining,
    OpenSlice, ParseHostedStateError, ParseNameError, RankedRepository, RemovedRow, Repositories, RepositoryRow, Seen,
    Stats, TrainingEnd, TrainingProgress, TrainingRow, TrainingState, Trainings, TwinStory, Upserted,
};
pub use url::CatalogueUrl;
