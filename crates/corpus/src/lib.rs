//! The corpus: segments of processed contents, builds, exports, files of signatures (Parquet), and where they lie. Segments,
//! builds and artifacts ([`Artifact`]: models, search indexes) are objects by [`Key`] in a store: the data folder itself, or a
//! bucket that many machines share.
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
//!   cache/                artifacts of a bucket, as folders
//!   tmp/                  files being written; emptied by the next writer that is alone
//! ```
//!
//! Guarantee G1 (exactly-once effect): a segment or a build is written under `tmp/`, synced, renamed, and only then
//! linked by one transaction of the catalogue. A crash at any point leaves at most an unlinked file, which the next writer
//! removes. In a bucket it is written under `tmp/` just the same, then put, the manifest of a build as its last object, and
//! then linked; what was put and never linked goes when it is a day old.

#![forbid(unsafe_code)]

mod artifact;
mod build;
mod cache;
mod error;
mod export;
mod file_list;
mod folder;
mod key;
mod objects;
mod orphans;
mod segment;
mod signature_file;
mod staged;
mod staging;
mod table;

pub use artifact::{Artifact, TrainingPart};
pub use build::{
    BuildRecord, BuildWriter, Description, FinishedBuild, MANIFEST_FORMAT, Manifest, ShardManifest, SplitManifest,
    Tally, is_whole, read_blobs, read_manifest, read_shard,
};
pub use cache::DEFAULT_CACHE_BYTES;
pub use error::{Error, ErrorKind};
pub use export::{Format, export, export_to_store};
pub use folder::{DataFolder, WriteLock};
pub use key::{Key, Prefix};
#[cfg(feature = "object-store")]
pub use objects::open_store;
pub use objects::{Head, Listed, Objects, Provider, StoreUrl};
pub use orphans::{list_segments, remove_unlinked};
pub use segment::{ContentRecord, FORMAT_VERSION, KeptContent, SegmentReader, SegmentWriter};
pub use signature_file::{FileParameters, SignatureWriter, read_parameters, read_signatures};
pub use staged::Staged;
