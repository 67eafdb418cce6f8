//! The catalogue and the LSH index on real databases and files, and what happens when they are damaged or taken away.
//!
//! Everything about the catalogue runs on SQLite and on PostgreSQL. Which PostgreSQL, that is in `CODELUPE_TEST_PG_BIN`, the
//! folder of its programs; else the newest one that is installed:
//! `CODELUPE_TEST_PG_BIN=/opt/postgresql-18/bin cargo test -p codelupe-catalogue`.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod catalogue;
mod faults;
mod lsh;
mod migrations;
mod rows;
mod training;
mod world;
