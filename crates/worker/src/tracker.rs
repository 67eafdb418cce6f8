//! Tracking errors: occurrences are folded by fingerprint and stored once a second, and alerts are raised. It never blocks
//! the work and never fails it: when the catalogue is away they wait, and when too many wait the newest are dropped and
//! counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use codelupe_catalogue::Catalogue;
use codelupe_core::error::ErrorOccurrence;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::alert::{Alerter, Alerts, Seen};
use crate::folded::Folded;

/// Occurrences that wait to be folded.
const WAITING: usize = 1024;

/// How often errors are stored and rules are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How long closing waits for the last ones to be stored.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long closing waits for the last alerts to be sent: a webhook answers within a second, and one that hangs must not hold
/// up the end of a run.
const ALERT_TIMEOUT: Duration = Duration::from_secs(3);

/// Collects errors, stores them, and raises alerts.
pub(crate) struct Tracker {
    reporter: Reporter,
    task: JoinHandle<()>,
    delivery: Option<JoinHandle<()>>,
}

/// Takes errors to be tracked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter {
    sender: Sender<ErrorOccurrence>,
    dropped: Arc<AtomicU64>,
}

impl Reporter {
    /// Records an occurrence without blocking.
    pub fn report(&self, occurrence: ErrorOccurrence) {
        if self.sender.try_send(occurrence).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Tracker {
    pub(crate) fn start(catalogue: Catalogue, alerts: Option<Alerts>) -> Self {
        let (sender, receiver) = channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let (alerter, delivery) = alerts.map(Alerter::start).unzip();
        let desk = Desk {
            catalogue,
            alerter,
            dropped: Arc::clone(&dropped),
            met: Folded::default(),
            new: Folded::default(),
            waiting: Folded::default(),
            storing: JoinSet::new(),
        };
        Self {
            reporter: Reporter { sender, dropped },
            task: tokio::spawn(desk.track(receiver)),
            delivery,
        }
    }

    pub(crate) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Stores and sends what waits, and ends.
    pub(crate) async fn close(self) {
        drop(self.reporter);
        end(self.task, STORE_TIMEOUT, "the last errors could not be stored").await;
        if let Some(delivery) = self.delivery {
            end(delivery, ALERT_TIMEOUT, "the last alerts could not be sent").await;
        }
    }
}

/// Waits for a task that is about to end, and stops it when that takes too long.
async fn end(mut task: JoinHandle<()>, limit: Duration, otherwise: &str) {
    if timeout(limit, &mut task).await.is_err() {
        task.abort();
        tracing::warn!("{otherwise}");
    }
}

/// The result of an attempt to store: the errors, and which of them were new to the catalogue.
type Stored = (Folded, Result<Vec<String>, codelupe_catalogue::Error>);

/// The state of the tracking task.
struct Desk {
    catalogue: Catalogue,
    alerter: Option<Alerter>,
    dropped: Arc<AtomicU64>,
    /// Met since the last tick.
    met: Folded,
    /// Stored since the last tick, and not known before.
    new: Folded,
    /// To be stored.
    waiting: Folded,
    /// One attempt to store, at most. It runs beside this task, so that errors are taken in while the catalogue is away.
    storing: JoinSet<Stored>,
}

impl Desk {
    async fn track(mut self, mut occurrences: Receiver<ErrorOccurrence>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                occurrence = occurrences.recv() => match occurrence {
                    Some(occurrence) => {
                        let lost = self.met.add(occurrence, 1);
                        self.lose(lost);
                    }
                    None => break,
                },
                Some(stored) = self.storing.join_next() => self.note(stored),
                _ = tick.tick() => self.tick(),
            }
        }
        // What is being stored, then what has waited meanwhile.
        self.settle().await;
        self.tick();
        self.settle().await;
        self.look();
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "more errors than could be tracked");
        }
    }

    fn tick(&mut self) {
        self.look();
        let met = std::mem::take(&mut self.met);
        let lost = self.waiting.append(met);
        self.lose(lost);
        if self.storing.is_empty() && !self.waiting.is_empty() {
            let (catalogue, batch) = (self.catalogue.clone(), std::mem::take(&mut self.waiting));
            self.storing.spawn(async move {
                let stored = catalogue.record_errors(&batch.occurrences()).await;
                (batch, stored)
            });
        }
    }

    fn look(&mut self) {
        if let Some(alerter) = &mut self.alerter {
            alerter.look(&Seen {
                met: &self.met,
                new: &self.new,
                breaker: self.catalogue.breaker_state(),
            });
        }
        self.new = Folded::default();
    }

    /// Waits for the attempt to store that is under way.
    async fn settle(&mut self) {
        if let Some(stored) = self.storing.join_next().await {
            self.note(stored);
        }
    }

    /// Takes in the result of an attempt to store; what was not stored waits for the next.
    fn note(&mut self, stored: Result<Stored, JoinError>) {
        match stored {
            Ok((batch, Ok(new))) => self.new = batch.only(&new),
            Ok((mut batch, Err(error))) => {
                tracing::debug!(%error, "errors could not be stored yet");
                let later = std::mem::take(&mut self.waiting);
                let lost = batch.append(later);
                self.waiting = batch;
                self.lose(lost);
            }
            Err(error) => tracing::warn!(%error, "errors were lost"),
        }
    }

    fn lose(&self, lost: u64) {
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
