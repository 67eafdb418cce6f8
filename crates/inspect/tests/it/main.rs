//! What can be asked about a corpus.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod answers;
mod similar;
mod world;
