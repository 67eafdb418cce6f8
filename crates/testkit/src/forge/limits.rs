//! Limits on requests, by windows of fixed length.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Asked, Reply};

/// So many requests in so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The requests.
    pub requests: u64,
    /// The length of a window; windows begin where the clock is a multiple of it.
    pub window: Duration,
}

/// The limits of all resources; none at the start.
#[derive(Debug, Default)]
pub struct Limits {
    by_resource: BTreeMap<&'static str, Limit>,
    /// The window's number, and the requests in it.
    used: BTreeMap<&'static str, (u64, u64)>,
    refused: u64,
}

/// The resource that a request is booked on.
pub(super) fn resource(asked: &Asked) -> &'static str {
    if asked.path.contains("/search/") {
        "search"
    } else if asked.path.ends_with("/graphql") {
        "graphql"
    } else {
        "core"
    }
}

impl Limits {
    /// Limits `core`, `search` or `graphql`.
    pub fn set(&mut self, resource: &'static str, limit: Limit) {
        self.by_resource.insert(resource, limit);
    }

    /// How many requests were refused for a limit.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Counts a request; the answer that refuses it when it is one too many.
    pub(super) fn take(&mut self, resource: &'static str) -> Result<(), Reply> {
        let Some(limit) = self.by_resource.get(resource) else {
            return Ok(());
        };
        let window = now() / limit.window.as_secs();
        let used = self.used.entry(resource).or_default();
        if used.0 != window {
            *used = (window, 0);
        }
        used.1 += 1;
        if used.1 <= limit.requests {
            return Ok(());
        }
        self.refused += 1;
        let mut reply = Reply::error(403, "API rate limit exceeded");
        reply.headers.extend(self.headers(resource));
        Err(reply)
    }

    /// The headers that say how much is left.
    pub(super) fn headers(&self, resource: &'static str) -> Vec<(&'static str, String)> {
        let (Some(limit), Some((window, used))) = (self.by_resource.get(resource), self.used.get(resource)) else {
            return Vec::new();
        };
        vec![
            ("x-ratelimit-limit", limit.requests.to_string()),
            (
                "x-ratelimit-remaining",
                limit.requests.saturating_sub(*used).to_string(),
            ),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-reset", ((window + 1) * limit.window.as_secs()).to_string()),
            ("x-ratelimit-resource", resource.to_owned()),
        ]
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}
