//! Clusters: files that are duplicates of one that is kept.

use codelupe_catalogue::{Catalogue, ClusterRow, MemberRow};
use serde::Serialize;

use crate::error::Error;

/// A cluster with its dropped files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownCluster {
    /// The cluster and its kept file.
    pub cluster: ClusterRow,
    /// Dropped files, the most similar first.
    pub members: Vec<MemberRow>,
}

/// The largest clusters.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn clusters(catalogue: &Catalogue, limit: u32) -> Result<Vec<ClusterRow>, Error> {
    Ok(catalogue.largest_clusters(limit).await?)
}

/// A cluster by the id of its kept file, with at most `limit` of its dropped files.
///
/// # Errors
/// `Unknown` when no file was dropped in favor of that one; `Store` when the catalogue cannot be read.
pub async fn cluster(catalogue: &Catalogue, id: i64, limit: u32) -> Result<ShownCluster, Error> {
    Ok(ShownCluster {
        cluster: catalogue.cluster(id).await?,
        members: catalogue.cluster_members(id, limit).await?,
    })
}
