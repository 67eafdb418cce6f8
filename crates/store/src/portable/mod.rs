//! Aggregates whose SQL is the same in both dialects: compiled once for each, with its `Store` and `Database`. Parameters are
//! `$1`, which SQLite takes too; what a parameter is, where PostgreSQL cannot tell, is said by a `CAST`.

mod candidates;
mod clusters;
mod crawls;
mod hosted;
mod list;
mod names;
mod training;
mod upsert;

use super::{Connection, Database, Store, now, raise_generation};
