//! Samples and datasets on the sources of this very repository, and the tokenizer against the library's last release.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod dataset;
mod fixture;
mod full_disk;
mod kinds;
mod reference;
mod show;
mod tokenizer;
mod wrong_input;
