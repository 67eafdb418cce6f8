//! What forges allow by their documentation, until they say otherwise.

use std::time::Duration;

use super::{Pace, Resource};
use crate::site::SiteKind;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// How many requests may be made in a window of time, and the least time between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    pub(super) limit: u64,
    pub(super) window: Duration,
    pub(super) spacing: Duration,
}

impl Allowance {
    /// The allowance of an identity that has not asked yet.
    pub(super) fn of(kind: SiteKind, resource: Resource, authenticated: bool, pace: Pace) -> Self {
        let stated = match kind {
            SiteKind::GitHub => github(resource, authenticated),
            SiteKind::GitLab => gitlab(authenticated),
            SiteKind::Gitea => GITEA,
        };
        match pace {
            Pace::Polite => stated,
            // An instance of one's own has the limits that it states, and by default none (GitHub Enterprise Server,
            // "Configuring rate limits").
            Pace::Unspaced => Self {
                limit: u64::MAX,
                spacing: Duration::ZERO,
                ..stated
            },
        }
    }
}

/// GitHub's "Rate limits for the REST API", "Search" and "Rate limits for the GraphQL API". The spacing of the core is its
/// 900 points a minute; that of searches the window over the limit; that of GraphQL what Octokit's throttling keeps.
const fn github(resource: Resource, authenticated: bool) -> Allowance {
    let (limit, window, spacing_ms) = match (resource, authenticated) {
        (Resource::Core, true) => (5000, HOUR, 67),
        (Resource::Core, false) => (60, HOUR, 67),
        (Resource::Search, true) => (30, MINUTE, 2000),
        (Resource::Search, false) => (10, MINUTE, 6000),
        (Resource::CodeSearch, _) => (9, MINUTE, 6700),
        (Resource::Graphql, _) => (5000, HOUR, 1000),
    };
    Allowance {
        limit,
        window,
        spacing: Duration::from_millis(spacing_ms),
    }
}

/// GitLab.com's "Rate limit on Projects API": 2,000 requests in ten minutes with a token, 400 without.
const fn gitlab(authenticated: bool) -> Allowance {
    let (limit, spacing_ms) = if authenticated { (2000, 300) } else { (400, 1500) };
    Allowance {
        limit,
        window: Duration::from_mins(10),
        spacing: Duration::from_millis(spacing_ms),
    }
}

/// Gitea and Forgejo state no limit; two requests a second are a guess at what a small instance does not feel.
const GITEA: Allowance = Allowance {
    limit: 120,
    window: MINUTE,
    spacing: Duration::from_millis(500),
};
