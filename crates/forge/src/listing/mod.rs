//! Listing what forges have: searches cut into slices, owners, single repositories, and the state of known ones.

mod api;
mod bounds;
mod decode;
mod gitea;
mod github;
mod gitlab;
mod graphql;
mod links;
mod pages;
mod query;
mod refresh;

use codelupe_core::{HostedRepository, Slice};

use crate::budget::Budget;
use crate::error::{Error, ErrorKind};
use crate::http::{HttpSettings, Token};
use crate::site::{Site, SiteKind};
use api::Api;
pub use query::{Qualifier, Query, Target};
pub use refresh::{GoneReason, Known, Refreshed};

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// The forge does not list the whole slice: it has to be cut.
    TooMany {
        /// How many it has.
        total: u64,
    },
    /// A page.
    Page {
        /// What is on it.
        repositories: Vec<HostedRepository>,
        /// Entries that were not understood: null, or without id or name.
        skipped: u64,
        /// How many the slice has, where the forge tells. A slice that turns out to have fewer different ones has moved
        /// while its pages were turned, and is to be listed again.
        total: Option<u64>,
        /// Whether the forge says that it did not look at everything, or the slice cannot be cut and has more than is
        /// listed.
        incomplete: bool,
        /// The cursor of the next page; `None`: this was the last one.
        next: Option<String>,
    },
}

/// What a listing would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How many repositories there are, where the forge tells.
    pub repositories: Option<u64>,
    /// How many requests listing them takes at least, where that is known.
    pub requests: Option<u64>,
}

/// Lists one forge as one identity. Clones share the budget.
#[derive(Debug, Clone)]
pub struct Lister {
    api: Api,
}

impl Lister {
    /// A lister for `site`. The token, if any, has to belong to [`Site::api`].
    ///
    /// # Errors
    /// `Invalid` when a setting is not usable, or the token belongs elsewhere.
    pub fn new(site: Site, token: Option<Token>, settings: &HttpSettings, budget: Budget) -> Result<Self, Error> {
        Api::new(site, token, settings, budget).map(|api| Self { api })
    }

    /// The forge.
    pub fn site(&self) -> &Site {
        self.api.site()
    }

    /// The slice that covers all of `query` for a listing that begins at `now`, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// `Invalid` when the query is for another forge.
    pub fn first_slice(&self, query: &Query, now: i64) -> Result<Slice, Error> {
        self.check(query)?;
        match (query.target(), query.kind()) {
            (Target::Search(qualifiers), SiteKind::GitHub) => github::first_slice(qualifiers, now),
            _ => Ok(Slice::default()),
        }
    }

    /// The page of `slice` at `cursor`, the first one without.
    ///
    /// # Errors
    /// `Invalid` when the query is for another forge or the cursor does not belong to it; `RateLimited`, `Network`, `Timeout`,
    /// `Server` and, once, `Protocol` are worth another try; anything else is permanent.
    pub async fn page(&self, query: &Query, slice: Slice, cursor: Option<&str>) -> Result<Listing, Error> {
        self.check(query)?;
        match self.site().kind() {
            SiteKind::GitHub => github::page(&self.api, query.target(), slice, cursor).await,
            SiteKind::GitLab => gitlab::page(&self.api, query.target(), cursor).await,
            SiteKind::Gitea => gitea::page(&self.api, query.target(), cursor).await,
        }
    }

    /// The present state of known repositories, each by its id.
    ///
    /// # Errors
    /// As [`Self::page`], for the first request that fails as a whole.
    pub async fn refresh(&self, known: &[Known]) -> Result<Vec<(u64, Refreshed)>, Error> {
        refresh::refresh(&self.api, known).await
    }

    /// What listing `query` would cost; takes one request.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn estimate(&self, query: &Query, now: i64) -> Result<Estimate, Error> {
        let slice = self.first_slice(query, now)?;
        let (total, listed, is_last) = match self.page(query, slice, None).await? {
            Listing::TooMany { total } => (Some(total), 0, false),
            Listing::Page {
                repositories,
                total,
                next,
                ..
            } => (total, repositories.len() as u64, next.is_none()),
        };
        let repositories = total.or(is_last.then_some(listed));
        let per_page = if self.site().kind() == SiteKind::Gitea { 50 } else { 100 };
        let requests = repositories.map(|total| total.div_ceil(per_page).max(1));
        Ok(Estimate { repositories, requests })
    }

    fn check(&self, query: &Query) -> Result<(), Error> {
        if query.kind() == self.site().kind() && query.host() == self.site().host() {
            return Ok(());
        }
        let why = format!("`{query}` is not for {}", self.site().host());
        Err(Error::new(ErrorKind::Invalid, why))
    }
}

/// Reads bytes as a page of each forge, and forgets them.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_any(bytes: &[u8]) {
    let Ok(page) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return;
    };
    for kind in [SiteKind::GitHub, SiteKind::GitLab, SiteKind::Gitea] {
        let Ok(site) = Site::new(kind, "https://example.org") else {
            continue;
        };
        for entry in page.as_array().into_iter().flatten().chain([&page]) {
            let _ = decode::repository(&site, entry);
            let _ = decode::node(&site, entry);
        }
    }
}
