//! Segments: append-only Parquet files of processed contents, one row for each, kept and dropped alike.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

pub use reader::SegmentReader;
pub use writer::SegmentWriter;

/// Version of the columns below, written into each file's metadata under `codelupe.segment`.
pub const FORMAT_VERSION: &str = "1";

/// The metadata key of the version.
pub(crate) const VERSION_KEY: &str = "codelupe.segment";

/// A kept content, as far as comparing and writing it need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptContent {
    /// The language.
    pub language: Option<String>,
    /// The text with secrets replaced.
    pub text: String,
}

/// The record of one processed content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentRecord {
    /// The blob id, hexadecimal.
    pub blob: String,
    /// The file name it was processed under.
    pub file_name: String,
    /// The language.
    pub language: Option<String>,
    /// Why it was dropped.
    pub reason: Option<String>,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Every measured figure, as JSON.
    pub signals: String,
    /// Kind, offset and length (bytes) of each replaced secret, as JSON; never the secret.
    pub redactions: String,
    /// MinHash signature, little-endian u32, as many as the recipe says; none for dropped contents and those of under five tokens.
    pub signature: Option<Vec<u8>>,
    /// The text with secrets replaced; none when dropped.
    pub text: Option<String>,
}
