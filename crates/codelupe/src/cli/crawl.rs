//! The commands about repositories on forges.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum};
use codelupe_forge::Query;

pub(super) const CRAWL: &str = "\
A QUERY is what a forge is asked for:
  github:owner/name, gitlab:group/project, gitea:HOST/owner/name     one repository
  github:owner, gitlab:group, forgejo:HOST/owner                     all of an owner
  'github?language=rust&stars=>500'                                  a search; qualifiers: language, stars, topic,
                                                                     license, created, pushed, size, forks, archived,
                                                                     fork, q
Nothing is fetched: the catalogue learns what there is. `codelupe run` with a query crawls, selects and fetches.
A crawl that was stopped goes on where it was. docs/crawling.md tells at what rates forges are asked.

Examples:
  codelupe crawl --dry-run 'github?language=rust&stars=>500'
  CODELUPE_GITHUB_TOKEN=… codelupe crawl 'github?topic=compiler&stars=>=50' --since 2015-01-01
  codelupe crawl --terms terms.txt --limit 10000";

pub(super) const REPOS: &str = "\
Examples:
  codelupe repos list --language Rust --order stars --limit 20
  codelupe repos why github.com/BurntSushi/ripgrep
  codelupe repos refresh --older-than 12h --limit 5000
  codelupe repos opt-out github.com/owner/name 'asked by mail, 2026-11-20'";

#[derive(Debug, Args)]
pub(crate) struct CrawlArguments {
    /// What to list.
    #[arg(value_name = "QUERY", required_unless_present = "terms")]
    pub(crate) queries: Vec<Query>,
    /// A file with a query, or a topic of GitHub, on each line; `default` is the list that comes with the program.
    #[arg(long, value_name = "FILE")]
    pub(crate) terms: Option<PathBuf>,
    /// Only repositories made since that day: 2015-01-31.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) since: Option<i64>,
    /// Stop after so many repositories; the crawl goes on another time.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Only say how many repositories and requests it would take: one request for each query.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) dry_run: bool,
}

/// The first second of a day, since the Unix epoch.
fn day(text: &str) -> Result<i64, String> {
    let time = humantime::parse_rfc3339_weak(&format!("{text} 00:00:00")).map_err(|error| error.to_string())?;
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| "it is before 1970".to_owned())?;
    i64::try_from(since.as_secs()).map_err(|error| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReposCommand {
    /// List the repositories that crawls have found.
    List(ListReposArguments),
    /// Show all that a forge says of one, and the names it had.
    Show {
        /// `HOST/owner/name`; an old name will do.
        name: String,
    },
    /// Tell why one is fetched or not: every rule with its outcome, and its score.
    Why {
        /// `HOST/owner/name`; an old name will do.
        name: String,
    },
    /// Ask the forges again for what they listed: what changed, moved, or is gone.
    Refresh(RefreshArguments),
    /// Remove what was fetched of one and never fetch it again, or with --undo let it be fetched.
    OptOut {
        /// `HOST/owner/name`; an old name will do.
        name: String,
        /// Who asked, and when.
        #[arg(required_unless_present = "undo")]
        reason: Option<String>,
        /// Take it back.
        #[arg(long, conflicts_with = "reason")]
        undo: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RefreshArguments {
    /// Only this forge: `github.com`.
    #[arg(long, value_name = "HOST")]
    pub(crate) forge: Option<String>,
    /// Only repositories of which their forge has not spoken for so long: `7d`, `12h`.
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Duration,
    /// The most to ask for, the most urgent first: age, weighed by stars.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ListReposArguments {
    /// Only of this forge: `github.com`.
    #[arg(long, value_name = "HOST")]
    pub(crate) forge: Option<String>,
    /// Only of this main language.
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// Only of this license, as the forge tells it: `MIT`.
    #[arg(long, value_name = "SPDX")]
    pub(crate) license: Option<String>,
    /// Only with at least so many stars.
    #[arg(long, value_name = "N")]
    pub(crate) min_stars: Option<u64>,
    /// Only with this in the name.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Only those that the rules select.
    #[arg(long)]
    pub(crate) selected: bool,
    /// What comes first.
    #[arg(long, value_enum, default_value_t = Order::Score)]
    pub(crate) order: Order,
    /// The most to list.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// What comes first in a list.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Order {
    /// The best score.
    Score,
    /// The most stars.
    Stars,
    /// The latest push.
    Pushed,
}
