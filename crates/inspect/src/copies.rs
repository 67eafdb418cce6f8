//! Repositories that are near-copies of others, with their names.

use std::collections::{HashMap, HashSet};

use codelupe_catalogue::{Catalogue, RankedRepository};
use codelupe_dedup::{self as dedup, Containment, CopyConfig};
use serde::Serialize;

use crate::error::Error;

/// A repository most of whose files are in another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedContainment {
    /// Its name.
    pub inner: String,
    /// Whether its forge says that it is a fork.
    pub inner_is_fork: bool,
    /// The other one.
    pub outer: String,
    /// Files of `inner` that have a duplicate in `outer`.
    pub shared: u64,
    /// Files of `inner` that count.
    pub files: u64,
    /// The share of the counted files that have a duplicate, 0 to 1.
    pub share: f64,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct RepositoryCopies {
    /// Every containment, by rank of `inner`, then most files first.
    pub contained: Vec<NamedContainment>,
    /// Near-copies, each with the better-ranked repository, not a copy itself, that has most of it.
    pub copies: Vec<NamedContainment>,
    /// Clusters that were not counted, since too many repositories have them.
    pub left_out: u64,
}

/// Finds the near-copies among all repositories, from the clusters of their files.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn repository_copies(catalogue: &Catalogue, config: &CopyConfig) -> Result<RepositoryCopies, Error> {
    let repositories = catalogue.ranked_repositories().await?;
    let files = ranked_files(catalogue, &repositories).await?;
    let report = dedup::repository_copies(config, files);
    let named = |found: &Containment| {
        let (inner, outer) = (&repositories[found.inner as usize], &repositories[found.outer as usize]);
        NamedContainment {
            inner: inner.name.clone(),
            inner_is_fork: inner.fork,
            outer: outer.name.clone(),
            shared: found.shared,
            files: found.files,
            share: found.shared as f64 / found.files as f64,
        }
    };
    Ok(RepositoryCopies {
        contained: report.contained.iter().map(named).collect(),
        copies: report.copies.iter().map(named).collect(),
        left_out: report.left_out,
    })
}

/// The clusters all of whose files are in near-copies: what only copies have.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn only_in_copies(catalogue: &Catalogue, config: &CopyConfig) -> Result<HashSet<i64>, Error> {
    let repositories = catalogue.ranked_repositories().await?;
    let files = ranked_files(catalogue, &repositories).await?;
    let report = dedup::repository_copies(config, files.iter().copied());
    let copies: HashSet<u32> = report.copies.iter().map(|copy| copy.inner).collect();
    Ok(files
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|cluster| cluster.iter().all(|(_, repository)| copies.contains(repository)))
        .map(|cluster| cluster[0].0)
        .collect())
}

/// Every file that processing kept, as its cluster and the rank of its repository, by cluster.
async fn ranked_files(catalogue: &Catalogue, repositories: &[RankedRepository]) -> Result<Vec<(i64, u32)>, Error> {
    let ranks: HashMap<i64, u32> = (0..).zip(repositories).map(|(rank, row)| (row.id, rank)).collect();
    let files = catalogue.clustered_files().await?.into_iter();
    Ok(files
        .filter_map(|file| Some((file.cluster, *ranks.get(&file.repository)?)))
        .collect())
}
