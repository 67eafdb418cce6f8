//! The stages from folders of repositories to a build: ingest, dedup, build, index.
//!
//! Each stage is one blocking function over a [`Context`]. Stages talk through the store alone (invariant I5): any of
//! them can be stopped or killed at any moment, and the next run goes on from what the store holds. A [`Worker`] takes them
//! from the queue as jobs.

#![forbid(unsafe_code)]

pub mod alert;
pub mod build;
pub mod config;
pub mod context;
pub mod copies;
pub mod crawl;
pub mod dedup;
pub mod error;
mod folded;
pub mod index;
pub mod ingest;
mod job;
pub mod progress;
mod shingling;
pub mod signatures;
pub mod similar;
mod tools;
mod tracker;
pub mod worker;

pub use config::Config;
pub use context::Context;
pub use error::{Error, ErrorKind};
pub use job::JobName;
pub use progress::{Progress, Step};
pub use worker::{Worker, Workplace};
