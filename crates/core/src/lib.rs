//! Types that every part of CodeLupe shares: ids, verdicts with their reasons, repositories, error codes and what to do
//! about each, the circuit breaker.
//!
//! Nothing here does I/O, reads the environment or knows a backend (invariant I1 of ARCHITECTURE.md).

#![forbid(unsafe_code)]

#[macro_use]
mod stable_text;

pub mod blob;
pub mod breaker;
pub mod error;
pub mod hosted;
pub mod language;
pub mod license;
mod location;
mod lsh_parameters;
pub mod repository;
pub mod selection;
pub mod split;
pub mod text;
pub mod verdict;

pub use blob::{BlobId, Swhid};
pub use error::ErrorCode;
pub use hosted::{HostedRepository, Slice};
pub use language::Language;
pub use license::{LicenseClass, SpdxExpression};
pub use location::{Location, SegmentInfo};
pub use lsh_parameters::LshParameters;
pub use repository::{ARCHIVE_REVISION, RepoName, Repository};
pub use selection::{Candidate, Score, SelectionRules};
pub use split::Split;
pub use verdict::{Reason, Stage, Verdict};
