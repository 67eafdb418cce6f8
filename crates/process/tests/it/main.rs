//! Tests of the whole way of a content.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod languages;
mod properties;
mod verdicts;
