//! The results of deduplication: the figures that it leaves, and the report over all files.

use codelupe_catalogue::{Catalogue, ClusterSize, JobFilter, JobState, RemovedRow, lsh::LshFigures};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A cluster of more files than this is reported: it is boilerplate that everybody copies, or an election gone wrong (one
/// that follows chains once made a cluster of 859,091).
pub const GIANT_CLUSTER: u64 = 10_000;

/// The kind of the jobs that deduplicate.
const JOB: &str = "dedup";

/// Jobs that are looked through for one that had something to do.
const LOOKED_THROUGH: u32 = 100;

/// What deduplication did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduplicated {
    /// Files that processing kept.
    pub files: u64,
    /// Of these, exact duplicates.
    pub exact: u64,
    /// Of these, near-duplicates.
    pub near: u64,
    /// Pairs of contents that share a band and were compared, now or earlier.
    pub compared: u64,
    /// Of these, pairs whose comparison was remembered.
    pub remembered: u64,
    /// Of these, at or over the threshold.
    pub verified: u64,
    /// Of these, under it.
    pub false_candidates: u64,
    /// Contents that met the bound on candidates, so that pairs may have been left out.
    pub capped: u64,
    /// Contents in the largest group of those that share one band key.
    pub largest_group: u64,
    /// Files of the largest cluster, the kept one among them; 0 where there is none.
    pub largest_cluster: u64,
    /// The LSH index afterwards.
    pub lsh: LshFigures,
    /// Nothing had changed since the last time; the other figures are zero.
    pub was_current: bool,
}

/// What was removed, of which languages, and in which clusters.
#[derive(Debug, Clone, Serialize)]
pub struct DedupReport {
    /// By language, most files first.
    pub languages: Vec<RemovedRow>,
    /// Clusters by their number of files.
    pub cluster_sizes: Vec<ClusterSize>,
    /// Clusters of more files than is plausible.
    pub giant_clusters: i64,
    /// What the last run that had something to do counted.
    pub last_run: Option<Deduplicated>,
}

/// The report over all files.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn dedup_report(catalogue: &Catalogue) -> Result<DedupReport, Error> {
    let cluster_sizes = catalogue.cluster_sizes().await?;
    let giants = cluster_sizes
        .iter()
        .filter(|size| size.files.cast_unsigned() > GIANT_CLUSTER);
    Ok(DedupReport {
        languages: catalogue.removed_by_language().await?,
        giant_clusters: giants.map(|size| size.clusters).sum(),
        cluster_sizes,
        last_run: last_run(catalogue).await?,
    })
}

/// The newest outcome that is not "nothing has changed".
async fn last_run(catalogue: &Catalogue) -> Result<Option<Deduplicated>, Error> {
    let filter = JobFilter {
        state: Some(JobState::Done),
        name: Some(JOB.to_owned()),
        limit: LOOKED_THROUGH,
    };
    let jobs = catalogue.jobs(&filter).await?;
    let results = jobs.iter().filter_map(|job| job.result.as_deref());
    Ok(results
        .filter_map(|result| serde_json::from_str::<Deduplicated>(result).ok())
        .find(|done| !done.was_current))
}
