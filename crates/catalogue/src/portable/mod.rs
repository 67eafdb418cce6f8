//! Aggregates whose SQL is the same in both dialects: compiled once for each, with its `Store` and `Database`. Parameters are
//! `$1`, which SQLite takes too; what a parameter is, where PostgreSQL cannot tell, is said by a `CAST`. What differs
//! is a handful of functions of the dialect: `snapshot`, `begin`, `now`, `locked_generation`, `sum_of` and those of `bulk`.

mod builds;
mod candidates;
mod clusters;
mod crawls;
mod duplicates;
mod errors;
mod figures;
mod hosted;
mod list;
mod names;
mod repositories;
mod training;
mod upsert;

use super::{Connection, Database, Store, bulk, generation, locked_generation, now, raise_generation, sum_of};
