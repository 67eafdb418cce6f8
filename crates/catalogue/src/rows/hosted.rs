//! Repositories as their forges describe them: what the listings found, under which names, and which are gone.

mod row;

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::HostedRepository;
use serde::Serialize;
use sqlx::FromRow;

pub(crate) use row::{COLUMNS, HostedRecord, keep_untold, key_of, stored_id};

use super::crawl_id::CrawlId;
use crate::error::Error;

/// A raw answer that is longer is not kept, in bytes: half a listing's answer of a hundred repositories.
pub const MAX_RAW_BYTES: usize = 256 << 10;

/// Whether a forge still has a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostedState {
    /// It does, as far as we know.
    Listed,
    /// It is not there: deleted, or private now.
    GoneNotFound,
    /// It was taken down for legal reasons (status 451).
    GoneDmca,
    /// The forge has blocked it.
    GoneBlocked,
}

impl HostedState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Listed, Self::GoneNotFound, Self::GoneDmca, Self::GoneBlocked];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::GoneNotFound => "gone_not_found",
            Self::GoneDmca => "gone_dmca",
            Self::GoneBlocked => "gone_blocked",
        }
    }
}

impl fmt::Display for HostedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no state of a hosted repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a repository on a forge: listed, gone_not_found, gone_dmca, gone_blocked")]
pub struct ParseHostedStateError(String);

impl FromStr for HostedState {
    type Err = ParseHostedStateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| ParseHostedStateError(text.to_owned()))
    }
}

/// How a forge's description was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// By a listing.
    Listed,
    /// By asking for the repository itself.
    Refreshed,
}

/// The result of storing repositories. Each counts once, under the first field that applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Upserted {
    /// Not known before.
    pub new: u64,
    /// Known under another name; other things may have changed too.
    pub renamed: u64,
    /// Known, and described differently.
    pub changed: u64,
    /// Known, and unchanged.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Upserted {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.renamed += other.renamed;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
    }
}

/// A repository: the forge's description, and what we know of it. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostedRow {
    /// The forge's description.
    pub repository: HostedRepository,
    /// The tag of the forge's latest answer, for asking whether it still holds.
    pub etag: Option<String>,
    /// When it was first found.
    pub first_seen: i64,
    /// When a listing last had it.
    pub last_listed: Option<i64>,
    /// When it was last asked for by itself.
    pub last_refreshed: Option<i64>,
    /// When the forge last spoke of it.
    pub checked_at: i64,
    /// Whether the forge still has it.
    pub state: HostedState,
    /// When it was found to be gone.
    pub gone_at: Option<i64>,
    /// How well it suits a corpus, 0 to 100, as it was judged last.
    pub score: Option<f64>,
    /// Why it must not be used, if so.
    pub opt_out: Option<String>,
}

/// A name that a repository has or had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct NameRow {
    /// The name.
    pub full_name: String,
    /// When it was first seen under this name, milliseconds since the Unix epoch.
    pub seen_from: i64,
    /// When it was first seen without; none while it has the name.
    pub seen_to: Option<i64>,
}

/// In which order repositories are listed; equal ones by forge and number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostedOrder {
    /// Highest score first.
    Score,
    /// Most stars first.
    Stars,
    /// Latest push first.
    Pushed,
    /// By forge and number.
    #[default]
    Id,
}

/// Where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPosition {
    /// What the order looks at.
    pub value: i64,
    /// The forge.
    pub forge: String,
    /// The forge's number.
    pub id: u64,
}

/// Which repositories to list.
#[derive(Debug, Clone, Default)]
pub struct HostedFilter {
    /// Only what this listing has found.
    pub crawl: Option<CrawlId>,
    /// Only of this forge.
    pub forge: Option<String>,
    /// Only of this main language, in any case.
    pub language: Option<String>,
    /// Only of this license, an SPDX id in any case.
    pub license: Option<String>,
    /// The fewest and the most stars; repositories with an unknown number are left out.
    pub stars: Option<(u64, u64)>,
    /// The smallest and the largest size in KiB; those of unknown size are left out.
    pub size_kib: Option<(u64, u64)>,
    /// Only forks, or only others.
    pub fork: Option<bool>,
    /// Only archived ones, or only others.
    pub archived: Option<bool>,
    /// Only in this state.
    pub state: Option<HostedState>,
    /// Only those whose name contains this, in any case.
    pub text: Option<String>,
    /// In which order.
    pub order: HostedOrder,
    /// The most rows.
    pub limit: u32,
    /// After this one.
    pub after: Option<HostedPosition>,
}

impl HostedRow {
    /// Where a listing in this order goes on after this row.
    pub fn position(&self, order: HostedOrder) -> HostedPosition {
        let repository = &self.repository;
        let stars = || repository.stars.map_or(-1, super::storable_size);
        HostedPosition {
            value: match order {
                HostedOrder::Score => self.score.map_or(-1, whole),
                HostedOrder::Stars => stars(),
                HostedOrder::Pushed => repository.pushed_at.unwrap_or(i64::MIN),
                HostedOrder::Id => 0,
            },
            forge: repository.forge.clone(),
            id: repository.id,
        }
    }
}

/// A score as a whole number of thousandths.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a score is 0 to 100, and a cast saturates"
)]
fn whole(score: f64) -> i64 {
    (score * 1000.0).round() as i64
}

/// A repository to ask its forge for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRepository {
    /// The forge's number.
    pub id: u64,
    /// The id that GitHub's GraphQL asks by.
    pub node_id: Option<String>,
    /// The name it had last.
    pub full_name: String,
    /// The tag of the latest answer.
    pub etag: Option<String>,
}

/// How many repositories there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HostedCounts {
    /// Those that must not be used.
    pub opted_out: u64,
    /// By forge, the most first.
    pub by_forge: Vec<(String, u64)>,
    /// By state, the most first.
    pub by_state: Vec<(String, u64)>,
}

impl HostedCounts {
    /// All.
    pub fn total(&self) -> u64 {
        self.by_forge.iter().map(|(_, count)| count).sum()
    }
}

/// Repositories on forges.
#[async_trait]
pub trait HostedRepositories {
    /// Stores what a forge says of repositories, in one transaction; of several of one identity the last counts. A gone
    /// repository is back by that. What the forge did not tell this time, but earlier (languages, parent, watchers), stays.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; nothing is stored then.
    async fn upsert_repositories(&self, repositories: &[HostedRepository], seen: Seen) -> Result<Upserted, Error>;

    /// The repository with this number.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn hosted_repository(&self, forge: &str, id: u64) -> Result<Option<HostedRow>, Error>;

    /// The repository that has the name, or else the one that had it last; names are alike in any case of letters.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn hosted_by_name(&self, forge: &str, full_name: &str) -> Result<Option<HostedRow>, Error>;

    /// The names that a repository has and had, the present one last.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn hosted_names(&self, forge: &str, id: u64) -> Result<Vec<NameRow>, Error>;

    /// The repositories that pass the filter.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn hosted_repositories(&self, filter: &HostedFilter) -> Result<Vec<HostedRow>, Error>;

    /// Notes that a repository is gone; false when it is not known. It keeps the time when it was first found gone.
    ///
    /// # Errors
    /// `Invalid` for the state `Listed`; `Database` and the connection's own errors.
    async fn mark_gone(&self, forge: &str, id: u64, state: HostedState) -> Result<bool, Error>;

    /// Notes that the forge was asked for repositories, and with which tag it answered; without a tag the old one stays.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn mark_refreshed(&self, forge: &str, answers: &[(u64, Option<String>)]) -> Result<(), Error>;

    /// Repositories of which the forge has not spoken for so long, the most urgent first: by age times popularity.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn due_for_refresh(&self, forge: &str, age: Duration, limit: u32) -> Result<Vec<DueRepository>, Error>;

    /// Notes how well repositories suit a corpus; those that are not known are left out.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn set_scores(&self, forge: &str, scores: &[(u64, u8)]) -> Result<(), Error>;

    /// Says why a repository must not be used, and removes what was fetched of it under any of its names; or with none, that
    /// it may be used again. Returns how many repositories were removed; none when it is not known.
    ///
    /// # Errors
    /// `Database` and the connection's own errors; nothing is changed then.
    async fn set_opt_out(&self, forge: &str, id: u64, reason: Option<&str>) -> Result<Option<u64>, Error>;

    /// Every name, `host/owner/name` in lower case, of the repositories that must not be used.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn opted_out(&self) -> Result<HashSet<String>, Error>;

    /// How many there are.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn hosted_counts(&self) -> Result<HostedCounts, Error>;
}
