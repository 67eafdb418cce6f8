//! What CodeLupe owns on disk: the catalogue (a SQLite file, or a PostgreSQL database elsewhere), the corpus segments and the builds (Parquet).
//!
//! A data folder looks like this:
//!
//! ```text
//! codelupe-data/
//!   catalogue.sqlite      repositories, files, contents, duplicates, builds (WAL mode)
//!   lock                  held by the processes that write
//!   segments/NAME.parquet processed contents, append only, linked by the catalogue
//!   builds/NAME/          immutable corpora: manifest.json, README.md, SPLIT/*.parquet
//!   search/               the index of the latest build
//!   lsh/                  the LSH index: sorted runs, and a manifest that names them
//!   models/               bases, adapters and the runs that made them (the trainer looks after them)
//!   tmp/                  files being written; emptied by the next writer that is alone
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
pub mod lsh;
pub mod migration;
mod postgres;
pub mod segment;
pub mod signatures;
mod sqlite;

pub use catalogue::{Catalogue, CatalogueUrl};
pub use error::{Error, ErrorKind};
pub use folder::{DataFolder, WriteLock};
pub use migration::{Migrate, Schema};
pub use segment::{SegmentReader, SegmentWriter};
