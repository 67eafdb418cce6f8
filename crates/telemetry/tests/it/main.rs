//! The table is well-formed, its page is up to date, and its handles record.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod page;
mod recording;
mod table;
