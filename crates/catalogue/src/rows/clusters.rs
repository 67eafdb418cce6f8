//! Clusters: a kept file and those that were dropped as its duplicates. A cluster is named by the id of its kept file.

use async_trait::async_trait;
use codelupe_core::{BlobId, Location};
use serde::Serialize;
use sqlx::FromRow;

use super::location::LocationColumns;
use crate::error::Error;

/// What deduplication removed of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct RemovedRow {
    /// Linguist's name; none for contents without a language.
    pub language: Option<String>,
    /// Files that processing kept.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Exact duplicates among them.
    pub exact_files: i64,
    /// Bytes of the exact duplicates.
    pub exact_bytes: i64,
    /// Near-duplicates among them.
    pub near_files: i64,
    /// Bytes of the near-duplicates.
    pub near_bytes: i64,
}

/// How many clusters have a number of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromRow)]
pub struct ClusterSize {
    /// Files of such a cluster, the kept one among them.
    pub files: i64,
    /// Clusters of this size.
    pub clusters: i64,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct ClusterRow {
    /// Its name: the id of its kept file.
    pub id: i64,
    /// The repository of the kept file.
    pub repository: String,
    /// Its path, raw bytes.
    #[serde(serialize_with = "as_text")]
    pub path: Vec<u8>,
    /// Files, the kept one among them.
    pub files: i64,
    /// Bytes of the dropped ones.
    pub dropped_bytes: i64,
    /// The lowest similarity of a dropped file to the kept one.
    pub least_jaccard: f64,
}

/// A dropped file of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct MemberRow {
    /// Its repository.
    pub repository: String,
    /// Its path, raw bytes.
    #[serde(serialize_with = "as_text")]
    pub path: Vec<u8>,
    /// `exact_duplicate` or `near_duplicate`.
    pub reason: String,
    /// Its exact Jaccard similarity to the kept file.
    pub jaccard: f64,
}

/// A file with one of the blobs that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct HolderRow {
    /// Its blob.
    #[sqlx(rename = "blob_id", try_from = "Vec<u8>")]
    pub blob: BlobId,
    /// Where the text stands.
    #[sqlx(flatten, try_from = "LocationColumns")]
    pub location: Location,
    /// Its language.
    pub language: Option<String>,
    /// Its repository.
    pub repository: String,
    /// Its path, raw bytes.
    pub path: Vec<u8>,
    /// Why deduplication dropped it, if it did.
    pub dropped: Option<String>,
}

/// A file that processing kept, by repository and cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ClusteredFile {
    /// The cluster; a file without a duplicate is one by itself.
    pub cluster: i64,
    /// Its repository.
    pub repository: i64,
}

/// A repository that files were kept of.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RankedRepository {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether its forge says that it is a fork.
    pub fork: bool,
}

/// The results of deduplication.
#[async_trait]
pub trait Clusters {
    /// What was removed, by language, most files first.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn removed_by_language(&self) -> Result<Vec<RemovedRow>, Error>;

    /// How many clusters of two and more files there are, by size, smallest first.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn cluster_sizes(&self) -> Result<Vec<ClusterSize>, Error>;

    /// The largest clusters; among equals the one with the lowest id first.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn largest_clusters(&self, limit: u32) -> Result<Vec<ClusterRow>, Error>;

    /// A cluster.
    ///
    /// # Errors
    /// `NotFound` when no file was dropped in favor of the file of this id; otherwise as [`Self::removed_by_language`].
    async fn cluster(&self, id: i64) -> Result<ClusterRow, Error>;

    /// Dropped files of a cluster, the most similar first.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn cluster_members(&self, id: i64, limit: u32) -> Result<Vec<MemberRow>, Error>;

    /// Files that have one of these blobs and were kept by processing under `recipe`, by blob and then by rank.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn holders(&self, blobs: &[BlobId], recipe: &str) -> Result<Vec<HolderRow>, Error>;

    /// Blobs that processing kept under `recipe` in several languages, by several file names. What of them is compared may
    /// depend on which of their files is ranked best.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn blobs_of_several_languages(&self, recipe: &str) -> Result<Vec<BlobId>, Error>;

    /// Every file that processing kept, by cluster.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn clustered_files(&self) -> Result<Vec<ClusteredFile>, Error>;

    /// All repositories, best rank first: the order in which their files survive.
    ///
    /// # Errors
    /// As [`Self::removed_by_language`].
    async fn ranked_repositories(&self) -> Result<Vec<RankedRepository>, Error>;
}

fn as_text<S: serde::Serializer>(path: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(path))
}
