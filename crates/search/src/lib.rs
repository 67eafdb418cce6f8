//! Full-text index of one corpus build over its files and repositories.
//!
//! [`build`] writes an index into a folder and replaces an older one in one step; [`SearchIndex`] answers
//! [`Query`]s from it. Identifiers are split at `_`, at camelCase and at digits, so that `http request` finds
//! `HTTPRequest`, and the whole identifier counts more than its parts. Ranking is BM25 (Robertson and Zaragoza,
//! "The Probabilistic Relevance Framework", 2009), summed over text, path, file name and repository name.
//!
//! A query is never a syntax error: what cannot be understood is taken as words.
//!
//! This is the only crate that knows Tantivy (invariant I2 of ARCHITECTURE.md).

#![forbid(unsafe_code)]

mod build;
mod document;
mod error;
mod generation;
mod index;
mod query;
mod schema;
mod snippet;
mod tokenizer;

pub use build::{IndexBuilder, Summary, build};
pub use document::{FileDocument, Kind, RepositoryDocument};
pub use error::{Error, ErrorKind};
pub use index::{Hit, Hits, MAX_LIMIT, MAX_OFFSET, Query, SearchIndex};
pub use query::Matching;
pub use snippet::SnippetLine;
