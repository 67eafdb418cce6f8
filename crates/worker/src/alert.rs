//! Alerts: which errors people are notified of, in which form, and how the notification is delivered.
//!
//! They never hold up the work and never fail it: rules are looked at once a second by the tracker, and delivery runs in a
//! task of its own behind a bounded queue. What cannot be sent is dropped, counted and logged.

mod form;
mod json;
mod outbox;
mod rules;
mod sink;
mod slack;
mod watch;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence};
use serde::Serialize;
use tokio::task::JoinHandle;

pub use form::AlertForm;
pub use outbox::SEND_TIMEOUT;
pub use rules::AlertRules;
pub use sink::{AlertSink, Alerts, SendError};
pub(crate) use watch::Seen;

use outbox::Outbox;
use watch::Watch;

/// Why an alert is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertRule {
    /// An error that is new to the catalogue.
    NewFingerprint,
    /// One error came too often within a minute.
    Rate,
    /// The circuit breaker around the catalogue opened.
    BreakerOpen,
    /// A test of whether alerts arrive.
    Test,
}

impl AlertRule {
    /// A description of the rule.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NewFingerprint => "New error",
            Self::Rate => "Frequent error",
            Self::BreakerOpen => "Circuit breaker open",
            Self::Test => "Test",
        }
    }
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Why.
    pub rule: AlertRule,
    /// The error; the latest occurrence of it.
    pub occurrence: ErrorOccurrence,
    /// How often it was met: since the last look, or within the last minute for [`AlertRule::Rate`].
    pub count: u64,
    /// When the alert was raised, milliseconds since the Unix epoch.
    pub at: i64,
}

impl Alert {
    /// An alert that says that nothing is wrong.
    pub fn test() -> Self {
        let message = "this is a test of alerts: nothing is wrong";
        Self {
            rule: AlertRule::Test,
            occurrence: ErrorOccurrence::new("alerts", ErrorCode::Internal, message, ErrorContext::new()),
            count: 1,
            at: Moment::now().at,
        }
    }
}

/// A time by both clocks: the monotonic one and the wall clock.
#[derive(Debug, Clone, Copy)]
struct Moment {
    instant: Instant,
    /// Milliseconds since the Unix epoch.
    at: i64,
}

impl Moment {
    fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            instant: Instant::now(),
            at: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// Raises alerts and hands them to delivery.
pub(crate) struct Alerter {
    watch: Watch,
    outbox: Outbox,
}

impl Alerter {
    /// Gives the task of delivery too; it ends after the alerter is dropped, when what waits is sent or lost.
    pub(crate) fn start(alerts: Alerts) -> (Self, JoinHandle<()>) {
        let (outbox, delivery) = Outbox::start(alerts.sink);
        let watch = Watch::new(alerts.rules);
        (Self { watch, outbox }, delivery)
    }

    /// Raises the alerts that the rules call for, without blocking.
    pub(crate) fn look(&mut self, seen: &Seen<'_>) {
        for alert in self.watch.look(seen, Moment::now()) {
            self.outbox.put(alert);
        }
    }
}
