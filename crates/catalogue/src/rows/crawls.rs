//! Listings of a forge that survive a restart: which slices are open, where each stands, what was found.
//!
//! ```text
//!   open_crawl ─▶ slice: open ── record_page ──▶ open, at the next page
//!                          │  └── the last page ─▶ done
//!                          └──── split_slice ────▶ split, and two open halves
//! ```
//!
//! A page's repositories and the place after it are stored by one transaction. Done twice, it changes nothing.

use async_trait::async_trait;
use codelupe_core::{HostedRepository, Slice};
use serde::Serialize;

use super::Upserted;
use super::crawl_id::CrawlId;
use crate::error::Error;

/// A slice that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSlice {
    /// The slice.
    pub slice: Slice,
    /// The page to ask for; none is the first.
    pub cursor: Option<String>,
    /// The total that the forge stated last.
    pub total: Option<u64>,
    /// How often it was begun again.
    pub passes: u64,
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterPage {
    /// Another page.
    Next(String),
    /// The slice from its first page, since it changed on the way.
    Again,
    /// Nothing: the slice is done.
    Done,
}

/// A page of a slice.
#[derive(Debug, Clone)]
pub struct CrawledPage<'a> {
    /// What the forge listed.
    pub repositories: &'a [HostedRepository],
    /// What comes next.
    pub after: AfterPage,
    /// How many the forge says there are in the slice.
    pub total: Option<u64>,
    /// Whether the forge says that its answer is incomplete.
    pub incomplete: bool,
    /// Items that could not be read.
    pub skipped: u64,
}

/// The progress of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrawlReport {
    /// Its number.
    pub id: i64,
    /// When it began, milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it last went on.
    pub updated_at: i64,
    /// Whether it is over.
    pub done: bool,
    /// Different repositories found.
    pub found: u64,
    /// The sum of what the forge stated for slices that are done; those without a statement count what was found.
    pub stated: u64,
    /// Items that could not be read.
    pub skipped: u64,
    /// Slices that are done.
    pub slices_done: u64,
    /// Slices that are not.
    pub slices_open: u64,
    /// Slices that are done and yet lack something: the forge said so, or fewer were found than it stated. At most 1000.
    pub incomplete: Vec<IncompleteSlice>,
}

/// A slice of which something is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncompleteSlice {
    /// The slice, as text.
    pub slice: String,
    /// What the forge stated.
    pub total: Option<u64>,
    /// What was found.
    pub found: u64,
    /// What could not be read.
    pub skipped: u64,
}

/// Listings.
#[async_trait]
pub trait Crawls {
    /// Resumes the listing of a forge by a query, or begins it with these slices if none is under way.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn open_crawl(&self, forge: &str, query: &str, slices: &[Slice]) -> Result<CrawlId, Error>;

    /// A slice to work on: one that was begun first. With none left the listing is over, and says so from then on.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn next_slice(&self, crawl: CrawlId) -> Result<Option<OpenSlice>, Error>;

    /// Stores a page: its repositories, and where the slice goes on, in one transaction.
    ///
    /// # Errors
    /// `NotFound` when the listing has no such slice; `DiskFull`, `Permission`, `Conflict` or `Database`. Nothing is stored
    /// then.
    async fn record_page(&self, crawl: CrawlId, slice: Slice, page: &CrawledPage<'_>) -> Result<Upserted, Error>;

    /// Replaces a slice by its parts.
    ///
    /// # Errors
    /// `NotFound` when the listing has no such slice; `Database` and the connection's own errors.
    async fn split_slice(&self, crawl: CrawlId, slice: Slice, parts: &[Slice]) -> Result<(), Error>;

    /// Ends a slice as it is: with what the forge stated last, and whether something is missing.
    ///
    /// # Errors
    /// `NotFound` when the listing has no such slice; `Database` and the connection's own errors.
    async fn finish_slice(
        &self,
        crawl: CrawlId,
        slice: Slice,
        total: Option<u64>,
        incomplete: bool,
    ) -> Result<(), Error>;

    /// The progress of the listing of a forge by a query; `None` when there was no such listing.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn crawl(&self, forge: &str, query: &str) -> Result<Option<CrawlReport>, Error>;

    /// Every forge that was listed, with one query of it, by forge.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn crawled_forges(&self) -> Result<Vec<(String, String)>, Error>;
}
