//! The queue: a list of its jobs, and everything about one.

use codelupe_catalogue::{Catalogue, JobFilter, JobRow};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Error;
use crate::json::{parsed_or_text, serialize_changed};

/// Some jobs, and how many there are.
#[derive(Debug, Clone, Serialize)]
pub struct JobList {
    /// The jobs that were asked for, newest first.
    pub jobs: Vec<ListedJob>,
    /// All jobs by kind and state.
    pub counts: Vec<JobCount>,
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCount {
    /// The kind.
    pub name: String,
    /// The state.
    pub state: String,
    /// The jobs.
    pub count: i64,
}

/// A job as it is listed; serialized without its payload, which may have a megabyte.
#[derive(Debug, Clone)]
pub struct ListedJob(pub JobRow);

impl Serialize for ListedJob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_changed(&self.0, serializer, |fields| {
            fields.remove("payload");
        })
    }
}

/// A job with everything that is known of it; payload and result are serialized as the values that they are.
#[derive(Debug, Clone)]
pub struct ShownJob(pub JobRow);

impl Serialize for ShownJob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_changed(&self.0, serializer, |fields| {
            let result = self.0.result.as_deref().map_or(Value::Null, parsed_or_text);
            fields.insert("payload".to_owned(), parsed_or_text(&self.0.payload));
            fields.insert("result".to_owned(), result);
        })
    }
}

/// The jobs that pass a filter, and how many jobs of each kind there are.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn jobs(catalogue: &Catalogue, filter: &JobFilter) -> Result<JobList, Error> {
    let jobs = catalogue.jobs(filter).await?;
    let counts = catalogue.job_counts().await?.into_iter();
    Ok(JobList {
        jobs: jobs.into_iter().map(ListedJob).collect(),
        counts: counts
            .map(|(name, state, count)| JobCount { name, state, count })
            .collect(),
    })
}

/// A job by its number; none when there is no such job.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn job(catalogue: &Catalogue, id: i64) -> Result<Option<ShownJob>, Error> {
    Ok(catalogue.jobs_by_id(&[id]).await?.pop().map(ShownJob))
}
