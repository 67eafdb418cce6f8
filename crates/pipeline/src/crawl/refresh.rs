//! Asking forges again for what is known: what changed, what was renamed, what is gone.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use codelupe_catalogue::{Catalogue, DueRepository, Seen};
use codelupe_core::HostedRepository;

use super::{Crawled, Refreshed, Refresher, store_scores, until_stopped, wait};
use crate::error::Error;
use codelupe_worker::{Progress, Step, raise};

/// Repositories in one question: what GitHub's GraphQL takes in one list of ids.
const BATCH: u32 = 100;

/// How far a refresh goes.
#[derive(Debug, Clone, Copy)]
pub struct RefreshOptions {
    /// Only repositories of which the forge has not spoken for so long.
    pub older_than: Duration,
    /// The most repositories to ask for.
    pub limit: u64,
}

/// Asks a forge for repositories that it has not spoken of for a while, the most urgent first. One that it leaves out of its
/// answer stays as it is, and waits for its next turn.
///
/// # Errors
/// Those of [`super::crawl`].
pub async fn refresh(
    catalogue: &Catalogue,
    forge: &dyn Refresher,
    options: RefreshOptions,
    progress: &Progress,
) -> Result<Crawled, Error> {
    progress.begin(Step::Discover, 0);
    let mut crawled = Crawled::default();
    let mut asked = HashSet::new();
    let begun = Instant::now();
    while (asked.len() as u64) < options.limit {
        let left = options.limit - asked.len() as u64;
        let batch = u32::try_from(left).unwrap_or(BATCH).min(BATCH);
        // What was asked for since the beginning is younger than this.
        let age = options.older_than.saturating_add(begun.elapsed());
        let mut due = catalogue.due_for_refresh(forge.forge(), age, batch).await?;
        due.retain(|due| asked.insert(due.id));
        if due.is_empty() {
            break;
        }
        let answers = ask(forge, &due, &mut crawled, progress).await?;
        store(catalogue, forge.forge(), &due, answers, &mut crawled).await?;
        raise(&progress.done, due.len() as u64);
    }
    Ok(crawled)
}

async fn ask(
    forge: &dyn Refresher,
    due: &[DueRepository],
    crawled: &mut Crawled,
    progress: &Progress,
) -> Result<Vec<(u64, Refreshed)>, Error> {
    let mut attempt = 1;
    loop {
        progress.check()?;
        crawled.requests += 1;
        let error = match until_stopped(progress, forge.refresh(due)).await? {
            Ok(answers) => return Ok(answers),
            Err(error) => error,
        };
        if !wait(error.code(), attempt, error.retry_after(), progress).await? {
            return Err(error);
        }
        attempt += 1;
    }
}

async fn store(
    catalogue: &Catalogue,
    forge: &str,
    due: &[DueRepository],
    answers: Vec<(u64, Refreshed)>,
    crawled: &mut Crawled,
) -> Result<(), Error> {
    let mut answers: HashMap<u64, Refreshed> = answers.into_iter().collect();
    let mut changed: Vec<HostedRepository> = Vec::new();
    let mut tags = Vec::new();
    for due in due {
        match answers.remove(&due.id) {
            Some(Refreshed::Gone(state)) => {
                catalogue.mark_gone(forge, due.id, state).await?;
                crawled.gone += 1;
            }
            Some(Refreshed::Changed(repository, tag)) => {
                tags.push((repository.id, tag));
                changed.push(*repository);
            }
            Some(Refreshed::Unchanged) => {
                crawled.upserted.unchanged += 1;
                tags.push((due.id, None));
            }
            None => {
                tracing::warn!(
                    id = due.id,
                    "the forge says nothing of a repository that it was asked for"
                );
                tags.push((due.id, None));
            }
        }
    }
    crawled.listed += due.len() as u64;
    crawled.upserted += catalogue.upsert_repositories(&changed, Seen::Refreshed).await?;
    catalogue.mark_refreshed(forge, &tags).await?;
    store_scores(catalogue, forge, &changed).await
}
