//! Types that every part of CodeLupe shares: ids, verdicts with their reasons, repositories, error codes and what to do
//! about each, the circuit breaker, reproducible random numbers.
//!
//! Everything is named by the crate, but for four modules whose names say what their items are about: [`breaker`],
//! [`error`], [`random`] and [`text`].
//!
//! Nothing here does I/O, reads the environment or knows a backend (invariant I1 of ARCHITECTURE.md).

#![forbid(unsafe_code)]

#[macro_use]
mod stable_text;

mod blob;
pub mod breaker;
pub mod error;
mod hosted;
mod language;
mod license;
mod location;
mod lsh_parameters;
pub mod random;
mod repository;
mod selection;
mod split;
pub mod text;
mod verdict;

pub use blob::{BlobId, BlobIdLengthError, ParseBlobIdError, Swhid};
pub use hosted::{HostedRepository, Slice};
pub use language::Language;
pub use license::{LicenseClass, ParseLicenseClassError, SpdxExpression};
pub use location::{Location, SegmentInfo};
pub use lsh_parameters::LshParameters;
pub use repository::{ARCHIVE_REVISION, MAX_REPO_NAME_BYTES, ParseRepoNameError, RepoName, Repository};
pub use selection::{Candidate, RuleOutcome, Score, ScorePart, Selection, SelectionRules};
pub use split::Split;
pub use verdict::{ParseReasonError, Reason, Stage, Verdict};
