//! The index as its callers see it, on a small corpus.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod corpus;
mod full_disk;
mod golden;
mod odd_input;
mod replace;
