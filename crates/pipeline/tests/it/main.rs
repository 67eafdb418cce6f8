//! The stages on real catalogues.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod crawl;
