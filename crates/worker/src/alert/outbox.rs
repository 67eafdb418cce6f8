//! Delivery of alerts: a bounded queue and a task of its own, so that nobody waits for a sink.

use std::error::Error as StdError;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Alert, AlertSink, SendError};

/// How long one attempt to send may take.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// No attempt begins later than this after the first one, whatever the receiver asks for: other alerts wait behind it.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(2);

/// Alerts that wait.
const WAITING: usize = 64;

/// How often it is logged that alerts are lost.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Where alerts are put for delivery.
pub(super) struct Outbox {
    sender: Sender<Alert>,
    /// Alerts that found the queue full, and were not logged yet.
    refused: Arc<AtomicU64>,
}

impl Outbox {
    /// Starts delivery; its task ends after the outbox is dropped, when what waits is sent or lost.
    pub(super) fn start(sink: Arc<dyn AlertSink>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = channel(WAITING);
        let refused = Arc::new(AtomicU64::new(0));
        let delivery = tokio::spawn(deliver(sink, receiver, Arc::clone(&refused)));
        (Self { sender, refused }, delivery)
    }

    /// Takes an alert without blocking. When too many are waiting, it is lost.
    pub(super) fn put(&self, alert: Alert) {
        if self.sender.try_send(alert).is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn deliver(sink: Arc<dyn AlertSink>, mut alerts: Receiver<Alert>, refused: Arc<AtomicU64>) {
    let mut losses = Losses::default();
    while let Some(alert) = alerts.recv().await {
        match send(sink.as_ref(), &alert).await {
            Ok(()) => tracing::debug!(rule = ?alert.rule, "alert sent"),
            Err(error) => losses.add(&error),
        }
        losses.count += refused.swap(0, Ordering::Relaxed);
        losses.log_now_and_then(Instant::now());
    }
    losses.log(Instant::now());
}

/// Sends an alert, again as the policy of its error says.
async fn send(sink: &dyn AlertSink, alert: &Alert) -> Result<(), SendError> {
    let (begun, seed) = (Instant::now(), RandomState::new().hash_one(0));
    let mut attempt = 1;
    loop {
        let error = match timeout(SEND_TIMEOUT, sink.send(alert)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => {
                let context = format!("no answer within {} s", SEND_TIMEOUT.as_secs());
                SendError::new(ErrorCode::Timeout, context)
            }
        };
        let Some(delay) = delay(&error, attempt, begun.elapsed(), seed) else {
            return Err(error);
        };
        tracing::debug!(
            error = chain(&error),
            attempt,
            ?delay,
            "an alert did not arrive, will be sent again"
        );
        sleep(delay).await;
        attempt += 1;
    }
}

/// How long to wait before the next attempt; `None` when this was the last one, `elapsed` after the first began.
fn delay(error: &SendError, attempt: u32, elapsed: Duration, seed: u64) -> Option<Duration> {
    let delay = error.delay_after(attempt, seed)?;
    (elapsed.saturating_add(delay) <= DELIVERY_TIMEOUT).then_some(delay)
}

/// The error with its causes, bounded and safe to print.
fn chain(error: &(dyn StdError + 'static)) -> String {
    ErrorOccurrence::from_chain("alerts", ErrorCode::Network, error, ErrorContext::new()).message
}

/// Alerts that did not arrive.
#[derive(Default)]
struct Losses {
    count: u64,
    latest: String,
    logged: Option<Instant>,
}

impl Losses {
    fn add(&mut self, error: &SendError) {
        self.count += 1;
        self.latest = chain(error);
    }

    fn log_now_and_then(&mut self, now: Instant) {
        if self
            .logged
            .is_none_or(|at| now.saturating_duration_since(at) >= LOG_EVERY)
        {
            self.log(now);
        }
    }

    fn log(&mut self, now: Instant) {
        if self.count > 0 {
            tracing::warn!(lost = self.count, error = self.latest, "alerts could not be sent");
            self.count = 0;
            self.logged = Some(now);
        }
    }
}

#[cfg(test)]
mod tests;
