//! What the rules find: a function of what was seen, of the time, and of what was raised before.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use codelupe_core::breaker::State;

use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence, Fingerprint};

use super::{Alert, AlertRule, AlertRules, Moment};
use crate::folded::Folded;

/// What a rate is counted over.
const MINUTE: Duration = Duration::from_mins(1);

/// The most errors whose rate is watched, and the most alerts that are remembered: a few MB. Beyond, no more are raised until
/// others are over; nobody reads ten thousand alerts.
const WATCHED: usize = 10_000;

/// What has happened since the last look.
pub(crate) struct Seen<'a> {
    /// Errors that were met.
    pub(crate) met: &'a Folded,
    /// Errors that were stored and that the catalogue had not known.
    pub(crate) new: &'a Folded,
    /// How the catalogue's breaker stands.
    pub(crate) breaker: State,
}

/// The rules with their memory.
pub(super) struct Watch {
    rules: AlertRules,
    breaker: State,
    /// When an alert was raised last, within the quiet time.
    raised: BTreeMap<(AlertRule, Fingerprint), Instant>,
    /// Occurrences of the last minute, by the look that saw them.
    met: BTreeMap<Fingerprint, VecDeque<(Instant, u64)>>,
}

impl Watch {
    pub(super) const fn new(rules: AlertRules) -> Self {
        Self {
            rules,
            breaker: State::Closed,
            raised: BTreeMap::new(),
            met: BTreeMap::new(),
        }
    }

    /// The alerts to raise now.
    pub(super) fn look(&mut self, seen: &Seen<'_>, now: Moment) -> Vec<Alert> {
        let mut found: Vec<(AlertRule, ErrorOccurrence, u64)> = Vec::new();
        if self.rules.new_fingerprint {
            let new = seen
                .new
                .iter()
                .map(|(_, occurrence, count)| (AlertRule::NewFingerprint, occurrence.clone(), count));
            found.extend(new);
        }
        if self.rules.rate_per_minute > 0 {
            found.extend(self.frequent(seen.met, now.instant));
        }
        let opened = seen.breaker == State::Open && self.breaker != State::Open;
        self.breaker = seen.breaker;
        if self.rules.breaker_open && opened {
            found.push((AlertRule::BreakerOpen, breaker_report(), 1));
        }
        self.forget_raised(now.instant);
        found.retain(|(rule, occurrence, _)| self.is_due(*rule, occurrence.fingerprint(), now.instant));
        let alert = |(rule, occurrence, count)| Alert {
            rule,
            occurrence,
            count,
            at: now.at,
        };
        found.into_iter().map(alert).collect()
    }

    /// Counts what was met; gives what was met too often within the last minute.
    fn frequent(&mut self, met: &Folded, now: Instant) -> Vec<(AlertRule, ErrorOccurrence, u64)> {
        self.met.retain(|_, window| {
            window.retain(|(at, _)| now.saturating_duration_since(*at) < MINUTE);
            !window.is_empty()
        });
        let mut frequent = Vec::new();
        for (fingerprint, occurrence, count) in met.iter() {
            if self.met.len() >= WATCHED && !self.met.contains_key(&fingerprint) {
                continue;
            }
            let window = self.met.entry(fingerprint).or_default();
            window.push_back((now, count));
            let sum = window.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
            if sum >= self.rules.rate_per_minute {
                frequent.push((AlertRule::Rate, occurrence.clone(), sum));
            }
        }
        frequent
    }

    fn forget_raised(&mut self, now: Instant) {
        let quiet = Duration::from_secs(self.rules.quiet_seconds);
        self.raised.retain(|_, at| now.saturating_duration_since(*at) < quiet);
    }

    fn is_due(&mut self, rule: AlertRule, fingerprint: Fingerprint, now: Instant) -> bool {
        let key = (rule, fingerprint);
        let due = self.raised.len() < WATCHED && !self.raised.contains_key(&key);
        if due {
            self.raised.insert(key, now);
        }
        due
    }
}

fn breaker_report() -> ErrorOccurrence {
    let message = "the catalogue keeps failing: its circuit breaker is open, and no call is made for a while";
    ErrorOccurrence::new("catalogue", ErrorCode::Unavailable, message, ErrorContext::new())
}

#[cfg(test)]
mod tests;
