//! The stages from folders of repositories to a build: ingest, dedup, build, index.
//!
//! Each stage is one blocking function over a [`Context`]. Stages talk through the store alone (invariant I5): any of
//! them can be stopped or killed at any moment, and the next run goes on from what the store holds. A worker does them as
//! jobs ([`Pipeline::stages`]); a [`Plan`] enqueues those.

#![forbid(unsafe_code)]

mod build;
mod config;
mod context;
pub mod crawl;
mod dedup;
mod error;
mod index;
pub mod ingest;
mod place;
mod plan;
pub mod signatures;
mod stages;
mod tools;

pub use build::Built;
pub use config::Config;
pub use context::Context;
pub use error::{Error, ErrorKind};
pub use plan::{Plan, RunOutcome};
pub use stages::Pipeline;
