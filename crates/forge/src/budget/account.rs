//! The account of one identity.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::allowance::Allowance;
use super::ruling::{Answer, MAX_WAIT, server_time};
use super::{Pace, Resource};
use crate::site::SiteKind;

/// The share of a limit below which the rest is spread evenly over the rest of the window: a tenth.
const LOW_SHARE: u64 = 10;

/// What is known of every resource.
#[derive(Debug)]
pub(super) struct Account {
    kind: SiteKind,
    authenticated: bool,
    pace: Pace,
    /// An instant and what the clock showed then, in seconds since the Unix epoch.
    epoch: (Instant, i64),
    /// No request may go out before.
    held: Option<Instant>,
    /// How many answers in a row were limits.
    strikes: u32,
    buckets: HashMap<Resource, Bucket>,
}

/// What is known of one resource.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    allowance: Allowance,
    remaining: u64,
    /// The end of the window; `None` before its first request.
    reset: Option<Instant>,
    last: Option<Instant>,
    held: Option<Instant>,
}

impl Account {
    pub(super) fn new(kind: SiteKind, authenticated: bool, pace: Pace) -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        Self {
            kind,
            authenticated,
            pace,
            epoch: (Instant::now(), i64::try_from(wall).unwrap_or(i64::MAX)),
            held: None,
            strikes: 0,
            buckets: HashMap::new(),
        }
    }

    pub(super) const fn kind(&self) -> SiteKind {
        self.kind
    }

    pub(super) const fn strikes(&self) -> u32 {
        self.strikes
    }

    pub(super) const fn forgive(&mut self) {
        self.strikes = 0;
    }

    /// This machine's clock in seconds since the Unix epoch, steady even if the clock is set.
    pub(super) fn wall(&self, now: Instant) -> i64 {
        let passed = now.saturating_duration_since(self.epoch.0).as_secs();
        self.epoch.1.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// When the next request for `resource` may go out.
    pub(super) fn not_before(&mut self, resource: Resource, now: Instant) -> Instant {
        let all = self.held;
        let bucket = self.bucket(resource);
        bucket.renew(now);
        [Some(now), all, bucket.held, bucket.turn(now)]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(now)
    }

    /// Takes one request out of its window.
    pub(super) fn book(&mut self, resource: Resource, now: Instant) {
        let bucket = self.bucket(resource);
        bucket.renew(now);
        bucket.remaining = bucket.remaining.saturating_sub(1);
        bucket.last = Some(now);
        bucket.reset.get_or_insert(now + bucket.allowance.window);
    }

    /// Takes over what the headers say; returns the resource that the forge booked the request on.
    pub(super) fn learn(&mut self, asked: Resource, answer: &Answer<'_>, now: Instant) -> Resource {
        let resource = answer
            .text("x-ratelimit-resource")
            .and_then(Resource::named)
            .unwrap_or(asked);
        let (limit, remaining) = (answer.limit("limit"), answer.limit("remaining"));
        let reset = answer.limit("reset").and_then(|reset| i64::try_from(reset).ok());
        let server = server_time(answer.headers).unwrap_or_else(|| self.wall(now));
        let bucket = self.bucket(resource);
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            bucket.allowance.limit = limit;
        }
        if let Some(remaining) = remaining {
            bucket.remaining = remaining;
        }
        let left = reset
            .map(|reset| reset.saturating_sub(server))
            .and_then(|left| u64::try_from(left).ok());
        if let Some(left) = left {
            // One second more, since the forge's seconds are cut off.
            bucket.reset = Some(now + Duration::from_secs(left.saturating_add(1)).min(MAX_WAIT));
        }
        resource
    }

    /// No request, or none for one resource, may go out before `until`.
    pub(super) fn hold(&mut self, resource: Option<Resource>, until: Instant) {
        self.strikes = self.strikes.saturating_add(1);
        let held = match resource {
            Some(resource) => &mut self.bucket(resource).held,
            None => &mut self.held,
        };
        *held = (*held).max(Some(until));
    }

    fn bucket(&mut self, resource: Resource) -> &mut Bucket {
        let allowance = Allowance::of(self.kind, resource, self.authenticated, self.pace);
        self.buckets.entry(resource).or_insert(Bucket {
            allowance,
            remaining: allowance.limit,
            reset: None,
            last: None,
            held: None,
        })
    }
}

impl Bucket {
    /// Begins a new window where the last one is over.
    fn renew(&mut self, now: Instant) {
        if self.reset.is_some_and(|reset| reset <= now) {
            self.reset = None;
            self.remaining = self.allowance.limit;
        }
    }

    /// When its own limit and spacing let the next request out.
    fn turn(&self, now: Instant) -> Option<Instant> {
        let left = self.reset.map(|reset| reset.saturating_duration_since(now));
        let spacing = match left {
            Some(left) if self.remaining > 0 && self.remaining < self.allowance.limit / LOW_SHARE => {
                let shares = u32::try_from(self.remaining.saturating_add(1)).unwrap_or(u32::MAX);
                self.allowance.spacing.max(left / shares)
            }
            _ => self.allowance.spacing,
        };
        let spaced = self.last.map(|last| last + spacing);
        let empty = if self.remaining == 0 { self.reset } else { None };
        spaced.max(empty)
    }
}
