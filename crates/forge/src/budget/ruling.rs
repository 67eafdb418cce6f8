//! Whether a response is an answer, a limit or a refusal.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

use crate::site::SiteKind;

/// The longest wait that a forge can impose; no documented window is longer, and a header may hold any number.
pub(super) const MAX_WAIT: Duration = Duration::from_hours(24);

/// The first wait where the forge names none; GitHub's documentation asks for at least one minute, then more each time.
const FIRST_WAIT: Duration = Duration::from_mins(1);

/// The longest wait where the forge names none.
const LAST_WAIT: Duration = Duration::from_mins(15);

/// How much of a body is searched for the words of a limit, in bytes.
const SEARCHED_BYTES: usize = 64 * 1024;

/// What came back, as far as limits go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// A number of the limit's headers: `x-ratelimit-*` as GitHub writes it, else `ratelimit-*` as GitLab does.
    pub(super) fn limit(&self, name: &str) -> Option<u64> {
        ["x-ratelimit-", "ratelimit-"]
            .iter()
            .find_map(|prefix| self.text(&format!("{prefix}{name}"))?.parse().ok())
    }

    fn says(&self, words: &str) -> bool {
        let searched = &self.body[..self.body.len().min(SEARCHED_BYTES)];
        String::from_utf8_lossy(searched).to_lowercase().contains(words)
    }
}

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The resource that was asked for.
    Resource,
    /// The identity as a whole.
    Identity,
}

/// What an answer means for the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It is an answer.
    Fine,
    /// It is a refusal that waiting does not change.
    Refused,
    /// It is a limit.
    Wait { scope: Scope, wait: Duration },
}

/// Judges an answer that came when this machine's clock showed `now`, after `strikes` limits in a row.
pub(super) fn judge(kind: SiteKind, answer: &Answer<'_>, now: i64, strikes: u32) -> Ruling {
    let hit = match answer.status {
        429 => true,
        403 => kind == SiteKind::GitHub,
        // GraphQL reports its limit in an answer that is otherwise fine.
        200 => kind == SiteKind::GitHub && answer.body.len() < 4096 && answer.says("\"rate_limited\""),
        503 => answer.text("retry-after").is_some(),
        _ => return Ruling::Fine,
    };
    if !hit {
        return if answer.status == 403 {
            Ruling::Refused
        } else {
            Ruling::Fine
        };
    }
    let server = server_time(answer.headers).unwrap_or(now);
    let whole = |wait| Ruling::Wait {
        scope: Scope::Identity,
        wait,
    };
    if let Some(wait) = answer.text("retry-after").and_then(|text| retry_after(text, server)) {
        return whole(wait);
    }
    let remaining = answer.limit("remaining");
    if remaining == Some(0) {
        let left = answer
            .limit("reset")
            .and_then(|reset| i64::try_from(reset).ok())
            .map(|reset| reset.saturating_sub(server));
        // A reset that is past says nothing: clocks differ, or the forge is confused.
        let wait = left
            .and_then(|left| u64::try_from(left).ok())
            .map(|left| Duration::from_secs(left.saturating_add(1)));
        return Ruling::Wait {
            scope: Scope::Resource,
            wait: wait.unwrap_or_else(|| backoff(strikes)).min(MAX_WAIT),
        };
    }
    let unexplained = remaining.is_none() || answer.says("secondary rate") || answer.status != 403;
    if unexplained {
        whole(backoff(strikes))
    } else {
        Ruling::Refused
    }
}

/// A minute, doubled with each limit in a row, a quarter of an hour at most.
fn backoff(strikes: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << strikes.min(4)).min(LAST_WAIT)
}

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3); at least a second, at most a day.
fn retry_after(text: &str, server: i64) -> Option<Duration> {
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => u64::try_from(http_date(text)?.saturating_sub(server)).unwrap_or(0),
    };
    Some(Duration::from_secs(seconds).clamp(Duration::from_secs(1), MAX_WAIT))
}

/// The server's clock by its `Date`, in seconds since the Unix epoch.
pub(super) fn server_time(headers: &HeaderMap) -> Option<i64> {
    http_date(headers.get("date")?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<i64> {
    rfc2822::parse(text.trim())
        .ok()
        .map(|time| time.timestamp().as_second())
}
