//! The read side: everything that can be asked about a corpus, for the command line and a server alike.
//!
//! A question is a function or a method, its answer a value that serializes to what `--json` prints. Nothing here writes to
//! the catalogue or to the corpus, and nothing runs a stage; the stages use what both sides must agree on: how contents are
//! compared ([`DedupConfig`], [`signature`], [`shingle_set`]) and where the LSH index is ([`LshPlace`]).

#![forbid(unsafe_code)]

mod copies;
mod dedup_config;
mod error;
mod lsh;
mod readers;
mod selection;
mod shingling;
mod signatures;
mod similar;

pub use copies::{NamedContainment, RepositoryCopies, only_in_copies, repository_copies};
pub use dedup_config::{DedupConfig, LshChoice};
pub use error::{Error, ErrorKind};
pub use lsh::{INSERTED_AT_ONCE, LshPlace, insert, signed};
pub use selection::{Why, license_class, selected, why};
pub use shingling::{shingle_set, signature};
pub use signatures::{distinct, signatures};
pub use similar::{Answer, Finder, Match, MatchedFile, Question, Rules};
