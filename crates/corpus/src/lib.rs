//! The corpus on disk: segments of processed contents, builds, exports, files of signatures (Parquet), and the data folder
//! that they lie in.
//!
//! ```text
//! codelupe-data/
//!   catalogue.sqlite      repositories, files, contents, duplicates, builds (WAL mode)
//!   lock                  held by the processes that write
//!   segments/NAME.parquet processed contents, append only, linked by the catalogue
//!   builds/NAME/          immutable corpora: manifest.json, README.md, SPLIT/*.parquet
//!   search/               the search index of the latest build
//!   lsh/                  the LSH index: sorted files, and a manifest that names them
//!   models/               bases, adapters and the trainings that made them (the trainer looks after them)
//!   tmp/                  files being written; emptied by the next writer that is alone
//! ```
//!
//! Guarantee G1 (exactly-once effect): a segment or a build is written under `tmp/`, synced, renamed, and only then
//! linked by one transaction of the catalogue. A crash at any point leaves at most an unlinked file, which the next writer
//! removes.

#![forbid(unsafe_code)]

mod build;
mod error;
mod export;
mod folder;
mod segment;
mod signature_file;

pub use build::{
    BuildRecord, BuildWriter, Description, FinishedBuild, MANIFEST_FORMAT, Manifest, ShardManifest, SplitManifest,
    Tally, is_whole, read_blobs, read_manifest, read_shard,
};
pub use error::{Error, ErrorKind};
pub use export::{Format, export};
pub use folder::{DataFolder, WriteLock};
pub use segment::{ContentRecord, FORMAT_VERSION, KeptContent, SegmentReader, SegmentWriter};
pub use signature_file::{FileParameters, SignatureWriter, read_parameters, read_signatures};
