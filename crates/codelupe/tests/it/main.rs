//! The program as its users run it: real repositories in, real files out, one process at a time or killed half-way.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod bad_input;
mod barred;
mod changes;
mod crash;
mod crawling;
mod db;
mod dedup;
mod errors;
mod fetching;
mod fixture;
mod generated;
mod guarantees;
mod hints;
mod jobs;
mod metrics;
mod postgres;
#[cfg(feature = "slow")]
mod readers;
#[cfg(feature = "object-store")]
mod store;
mod train;
mod tune;
mod whole_way;
mod workers;
