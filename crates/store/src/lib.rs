//! What CodeLupe owns on disk: the catalogue (SQLite), the corpus segments and the builds (Parquet).
//!
//! A data folder looks like this:
//!
//! ```text
//! codelupe-data/
//!   catalogue.sqlite      repositories, files, contents, duplicates, builds (WAL mode)
//!   lock                  held by the one process that writes
//!   segments/NAME.parquet processed contents, append only, linked by the catalogue
//!   builds/NAME/          immutable corpora: manifest.json, README.md, SPLIT/*.parquet
//!   search/               the index of the latest build
//!   tmp/                  files being written; emptied by the next writer
//! ```
//!
//! Guarantee G1 (exactly-once effect): a segment or a build is written under `tmp/`, synced, renamed, and only then
//! linked by one transaction. A crash at any point leaves at most an unlinked file, which the next writer removes.

#![forbid(unsafe_code)]

pub mod build;
pub mod catalogue;
pub mod error;
pub mod export;
pub mod folder;
pub mod segment;

pub use catalogue::Catalogue;
pub use error::{Error, ErrorKind};
pub use folder::{DataFolder, WriteLock};
pub use segment::{SegmentReader, SegmentWriter};
