//! The read side: everything that can be asked about a corpus, for the command line and a server alike.
//!
//! A question is a function or a method, its answer a value that serializes to what `--json` prints. (Words are looked up by
//! `codelupe-search`, whose answers are such values already.) No question changes the catalogue or the corpus, and nothing
//! here runs a stage; the stages use what both sides must agree on: how contents are compared ([`DedupConfig`], [`signature`],
//! [`shingle_set`]), and where the LSH index is ([`LshPlace`]).

#![forbid(unsafe_code)]

mod clusters;
mod copies;
mod dedup_config;
mod deduplicated;
mod error;
mod errors;
mod explain;
mod health;
mod hosted;
mod jobs;
mod json;
mod lsh;
mod models;
mod readers;
mod selection;
mod shingling;
mod signatures;
mod similar;
mod stats;
mod trainings;

pub use clusters::{ShownCluster, cluster, clusters};
pub use copies::{NamedContainment, RepositoryCopies, only_in_copies, repository_copies};
pub use dedup_config::{DedupConfig, LshChoice};
pub use deduplicated::{DedupReport, Deduplicated, GIANT_CLUSTER, dedup_report};
pub use error::{Error, ErrorKind};
pub use errors::{ErrorList, MetError, ShownError, error, errors};
pub use explain::{Explanation, InBuild, KeptTwin, LikelyTwin, explain};
pub use health::{Check, check_catalogue, check_folder, check_store};
pub use hosted::{HostedList, ShownRepository, hosted, hosted_repository};
pub use jobs::{JobCount, JobList, ListedJob, ShownJob, job, jobs};
pub use lsh::{INSERTED_AT_ONCE, LshPlace, insert, signed};
pub use models::{ListedModel, ShownModel, models};
pub use selection::{Why, license_class, selected, why};
pub use shingling::{shingle_set, signature};
pub use signatures::{distinct, signatures};
pub use similar::{Answer, Finder, Match, MatchedFile, Question, Rules};
pub use stats::stats;
pub use trainings::{ListedTraining, ModelInUse, TrainerState, TrainerStatus, trainer_status, trainings};
