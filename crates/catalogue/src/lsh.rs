//! The LSH index: which documents share a band with a signature, kept between runs.
//!
//! A document is a blob under one recipe. It gets a **number** when it is inserted, ascending and never used again; bands
//! and comparisons name documents by number, since it is a third of a blob id. What the index holds can be made again from
//! the segments: it is lost without harm, but never wrong without an error.

mod check;
mod disk;
mod memory;
mod open;
mod postgres;
mod ranking;

use async_trait::async_trait;
use codelupe_core::{BlobId, LshParameters};
use serde::{Deserialize, Serialize};

pub use open::{open, reset, stored_parameters};

use crate::error::{Error, ErrorKind};

/// Where an index is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LshKind {
    /// In memory; it ends with its last handle.
    Memory,
    /// In files of the data folder.
    Disk,
    /// In tables of the catalogue, which must be a PostgreSQL database: for several workers.
    Postgres,
}

fn invalid(context: String) -> Error {
    Error::new(ErrorKind::Invalid, context)
}

pub(crate) fn other_parameters(stored: &LshParameters, wanted: &LshParameters) -> Error {
    let context = format!("the LSH index was made by other parameters: {stored}; asked for are {wanted}");
    Error::new(ErrorKind::LshParameters, context)
}

/// The number after those that `new` documents get from `next` on.
fn number_after(next: u32, new: usize) -> Result<u32, Error> {
    let after = u32::try_from(new).ok().and_then(|new| next.checked_add(new));
    after.ok_or_else(no_number_left)
}

pub(crate) fn no_number_left() -> Error {
    invalid("an LSH index has no number left for a document: make a new one".to_owned())
}

/// A document to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDocument {
    /// Its blob.
    pub blob: BlobId,
    /// Its signature, 4 bytes a value, little endian. Kept by an index that is shared over the network, where the segments
    /// may be far away.
    pub signature: Vec<u8>,
    /// One key a band, in band order. A document that is too short to compare has neither signature nor keys: the index
    /// knows it, and it is in no band.
    pub keys: Vec<u64>,
}

/// A document that shares bands with the keys that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbor {
    /// The document.
    pub blob: BlobId,
    /// How many bands it shares.
    pub shared: u32,
}

/// The answer to a question for neighbors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbors {
    /// Those that share the most bands first; among equals, the earliest inserted.
    pub found: Vec<Neighbor>,
    /// A bound left some out.
    pub capped: bool,
}

/// Bounds on the work for one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborLimits {
    /// The most documents looked at under one key; the earliest inserted.
    pub bucket: usize,
    /// The most neighbors given.
    pub neighbors: usize,
}

/// Two documents whose shingle sets were compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The lower number.
    pub low: u32,
    /// The higher number.
    pub high: u32,
    /// Their exact Jaccard similarity where it reaches the threshold.
    pub jaccard: Option<f64>,
}

/// What an index holds and takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LshFigures {
    /// Documents that are in it.
    pub documents: u64,
    /// Bytes: of its files, of its tables with their indexes, or of its memory.
    pub bytes: u64,
    /// Sorted files that a question has to look into; 1 elsewhere.
    pub sorted_files: u64,
    /// Comparisons that it remembers.
    pub comparisons: u64,
}

/// Receives the documents of one group, by ascending number.
pub type EachGroup<'a> = dyn FnMut(&[u32]) + Send + 'a;

/// An LSH index. One suite of tests runs on all of them: the same calls give the same answers.
#[async_trait]
pub trait LshIndex: std::fmt::Debug + Send + Sync {
    /// What it was made by.
    fn parameters(&self) -> &LshParameters;

    /// Inserts documents, all of them or, after an error, none. Those that are there already are left as they are. Returns
    /// how many are new.
    ///
    /// # Errors
    /// `Invalid` for a wrong number of keys, a signature of a wrong length, or more than `u32::MAX` documents; `DiskFull`,
    /// `Permission`, `Io`, `Conflict` or the database's own.
    async fn insert(&self, documents: &[SignedDocument]) -> Result<u64, Error>;

    /// Removes documents, all of them or, after an error, none. Returns how many were there.
    ///
    /// # Errors
    /// As [`Self::insert`].
    async fn remove(&self, blobs: &[BlobId]) -> Result<u64, Error>;

    /// All documents with their numbers, ascending.
    ///
    /// # Errors
    /// `LshCorrupt`, `Io` or the database's own.
    async fn documents(&self) -> Result<Vec<(u32, BlobId)>, Error>;

    /// The documents that share a band with `keys`.
    ///
    /// # Errors
    /// `Invalid` for a wrong number of keys; `LshCorrupt`, `Io` or the database's own.
    async fn neighbors(&self, keys: &[u64], limits: NeighborLimits) -> Result<Neighbors, Error>;

    /// Calls `each` with every group of two or more documents that have the same key in `band`, in order of key. Memory does
    /// not grow with the number of documents, only with the largest group.
    ///
    /// # Errors
    /// `Invalid` for a band that is not there; `LshCorrupt`, `Io` or the database's own.
    async fn groups(&self, band: u32, each: &mut EachGroup<'_>) -> Result<(), Error>;

    /// The comparisons remembered for this threshold; those of documents that are gone may be among them.
    ///
    /// # Errors
    /// `LshCorrupt`, `Io` or the database's own.
    async fn comparisons(&self, threshold: f64) -> Result<Vec<Comparison>, Error>;

    /// Remembers these comparisons, instead of those of other thresholds and beside those of this one.
    ///
    /// # Errors
    /// As [`Self::insert`].
    async fn remember(&self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error>;

    /// What it holds and takes.
    ///
    /// # Errors
    /// `LshCorrupt`, `Io` or the database's own.
    async fn figures(&self) -> Result<LshFigures, Error>;
}
