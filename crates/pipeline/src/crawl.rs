//! The crawl stage: what forges list goes into the catalogue, slice by slice, so that nothing is left out unnoticed.
//!
//! A forge ends a listing after a fixed number of results. Hence a listing is cut by the time of creation, which never changes, until
//! the forge lists all of each slice. Where each slice stands is in the catalogue: a crawl that was stopped or killed goes on
//! there. At the end what was found is held against what the forge stated.

mod forges;
mod hosted;
mod listing;
mod refresh;
mod whole;

use std::ops::AddAssign;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codelupe_catalogue::{AfterPage, Catalogue, CrawlId, CrawlReport, CrawledPage, OpenSlice, Upserted};
use codelupe_core::{Candidate, HostedRepository, Score, error::ErrorCode};
use codelupe_forge::Listing as Listed;
use codelupe_inspect::license_class;
use serde::Serialize;

pub use forges::Forges;
pub use hosted::{HostedForge, HostedQuery};
pub use listing::{Listing, Refreshed, Refresher};
pub use refresh::{RefreshOptions, refresh};
pub use whole::{crawl_queries, estimate, find_hosted, refresh_forges};

use crate::error::{Error, ErrorKind};
use codelupe_worker::{Progress, Step, raise};

/// How often a wait looks whether it is to stop: a person does not notice a quarter of a second.
const STOP_POLL: Duration = Duration::from_millis(250);

/// Stands between a query and its lower bound, where a crawl is named.
const SINCE: &str = " since ";

/// How far a crawl goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct CrawlOptions {
    /// Stops after about this many repositories (it ends with a page); the crawl stays open and can be resumed.
    pub limit: Option<u64>,
    /// Only repositories made since, in seconds since the Unix epoch.
    pub since: Option<i64>,
}

/// What a crawl or a refresh did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Crawled {
    /// Repositories by the result of storing them.
    pub upserted: Upserted,
    /// Repositories that are gone.
    pub gone: u64,
    /// Questions that the forge was asked.
    pub requests: u64,
    /// Slices that were worked on.
    pub slices: u64,
    /// Repositories that were listed, counted each time.
    pub listed: u64,
    /// Of each query, what the catalogue says of it: stated and found, and every slice that lacks something.
    pub reports: Vec<CrawlReport>,
}

impl AddAssign for Crawled {
    fn add_assign(&mut self, other: Self) {
        self.upserted += other.upserted;
        self.gone += other.gone;
        self.requests += other.requests;
        self.slices += other.slices;
        self.listed += other.listed;
        self.reports.extend(other.reports);
    }
}

/// Lists what the queries ask for, and stores it. Whatever a forge did not list in full is in the reports.
///
/// # Errors
/// `Canceled` after a stop; `Config` for a lower bound on a query that is not listed by time; `Source` when a forge fails in
/// a way that trying again does not mend; `Store` when the catalogue fails. What was stored stays, and the next call goes on from there.
pub async fn crawl(
    catalogue: &Catalogue,
    listings: &[&dyn Listing],
    options: CrawlOptions,
    progress: &Progress,
) -> Result<Crawled, Error> {
    progress.begin(Step::Discover, 0);
    let mut crawled = Crawled::default();
    for listing in listings {
        let mut crawl = Crawl {
            catalogue,
            listing: *listing,
            progress,
            crawled: &mut crawled,
        };
        crawl.run(options).await?;
    }
    Ok(crawled)
}

/// One query under way.
struct Crawl<'a> {
    catalogue: &'a Catalogue,
    listing: &'a dyn Listing,
    progress: &'a Progress,
    crawled: &'a mut Crawled,
}

impl Crawl<'_> {
    async fn run(&mut self, options: CrawlOptions) -> Result<(), Error> {
        let (forge, mut query) = (self.listing.forge(), self.listing.query());
        let first = self.listing.first_slice(options.since, now());
        if options.since.is_some() && first.created.is_none() {
            let context = format!("`{query}` is not listed by time, so that a lower bound would do nothing");
            return Err(Error::new(ErrorKind::Config, context));
        }
        if let Some(since) = options.since {
            query = format!("{query}{SINCE}{since}");
        }
        let id = self.catalogue.open_crawl(forge, &query, &[first]).await?;
        let is_enough = |listed: u64| options.limit.is_some_and(|limit| listed >= limit);
        while !is_enough(self.crawled.listed) {
            let Some(mut open) = self.catalogue.next_slice(id).await? else {
                break;
            };
            self.crawled.slices += 1;
            self.progress.set_current(&format!("{forge} {}", open.slice));
            while !is_enough(self.crawled.listed) {
                match self.step(id, open).await? {
                    Some(next) => open = next,
                    None => break,
                }
            }
        }
        let report = self.catalogue.crawl(forge, &query).await?;
        self.crawled.reports.extend(report);
        Ok(())
    }

    /// Asks for a page and stores it; returns where the slice stands, if it is not done.
    async fn step(&mut self, id: CrawlId, open: OpenSlice) -> Result<Option<OpenSlice>, Error> {
        match self.ask(&open).await? {
            Listed::TooMany { total } => self.cut(id, &open, total).await.map(|()| None),
            Listed::Page {
                repositories,
                skipped,
                total,
                incomplete,
                next,
            } => {
                let after = what_next(&open, total, next)?;
                let page = CrawledPage {
                    repositories: &repositories,
                    after: after.clone(),
                    total,
                    incomplete,
                    skipped,
                };
                self.crawled.upserted += self.catalogue.record_page(id, open.slice, &page).await?;
                let listed = repositories.len() as u64;
                self.crawled.listed += listed;
                raise(&self.progress.done, listed);
                store_scores(self.catalogue, self.listing.forge(), &repositories).await?;
                Ok(match after {
                    AfterPage::Next(cursor) => Some(OpenSlice {
                        cursor: Some(cursor),
                        total: total.or(open.total),
                        ..open
                    }),
                    // The catalogue knows how often it was begun.
                    AfterPage::Again | AfterPage::Done => None,
                })
            }
        }
    }

    /// Cuts a slice of which the forge does not list all; one that cannot be cut is done, and known to lack something.
    async fn cut(&self, id: CrawlId, open: &OpenSlice, total: u64) -> Result<(), Error> {
        let slice = open.slice;
        if let Some(parts) = slice.halves() {
            self.catalogue.split_slice(id, slice, &parts).await?;
        } else {
            tracing::warn!(%slice, total, "a slice that cannot be cut has more than the forge lists");
            self.catalogue.finish_slice(id, slice, Some(total), true).await?;
        }
        Ok(())
    }

    /// Asks for a page, again after what may pass: errors by their policy, and an answer that the forge calls incomplete as
    /// often as a call that took too long.
    async fn ask(&mut self, open: &OpenSlice) -> Result<Listed, Error> {
        let mut attempt = 1;
        loop {
            self.progress.check()?;
            self.crawled.requests += 1;
            let page = self.listing.page(open.slice, open.cursor.as_deref());
            let answer = until_stopped(self.progress, page).await?;
            let (code, told) = match &answer {
                Ok(Listed::Page { incomplete: true, .. }) => (ErrorCode::Timeout, None),
                Ok(_) => return answer,
                Err(error) => (error.code(), error.retry_after()),
            };
            if !wait(code, attempt, told, self.progress).await? {
                return answer;
            }
            attempt += 1;
        }
    }
}

/// Waits as long as the forge told, or as the code's policy says; false when there is no further attempt.
async fn wait(code: ErrorCode, attempt: u32, told: Option<Duration>, progress: &Progress) -> Result<bool, Error> {
    let Some(delay) = code.policy().delay_after(attempt, told, seed()) else {
        return Ok(false);
    };
    tracing::debug!(code = code.code(), attempt, ?delay, "asking the forge again");
    until_stopped(progress, tokio::time::sleep(delay)).await?;
    Ok(true)
}

/// Does `work`, and leaves it when the crawl is to stop: a forge may ask for a wait of hours.
async fn until_stopped<T>(progress: &Progress, work: impl Future<Output = T>) -> Result<T, Error> {
    let stopped = async {
        while !progress.is_stopping() {
            tokio::time::sleep(STOP_POLL).await;
        }
    };
    tokio::select! {
        biased;
        () = stopped => Err(Error::canceled()),
        done = work => Ok(done),
    }
}

/// What comes after a page. A total that changes on the way means that pages have shifted: the slice is read again, once.
fn what_next(open: &OpenSlice, total: Option<u64>, next: Option<String>) -> Result<AfterPage, Error> {
    if next.is_some() && next == open.cursor {
        let context = format!("the forge's list of `{}` goes round in a circle", open.slice);
        return Err(Error::forge(ErrorCode::CorruptInput, context));
    }
    let shifted = open.cursor.is_some() && open.total.is_some() && total.is_some() && total != open.total;
    Ok(match next {
        _ if shifted && open.passes == 0 => AfterPage::Again,
        Some(cursor) => AfterPage::Next(cursor),
        None => AfterPage::Done,
    })
}

/// Stores how well repositories suit a corpus.
async fn store_scores(catalogue: &Catalogue, forge: &str, repositories: &[HostedRepository]) -> Result<(), Error> {
    let now = now();
    let score = |repository: &HostedRepository| {
        let candidate = Candidate {
            repository,
            license_class: license_class(repository),
            opt_out: None,
        };
        (repository.id, Score::of(&candidate, now).value)
    };
    let scores: Vec<_> = repositories.iter().map(score).collect();
    Ok(catalogue.set_scores(forge, &scores).await?)
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// Differs from call to call, so that crawlers which failed together do not come back together.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
