//! A circuit breaker: a server that keeps failing is left alone for a while, then tried by one call (M. Nygard,
//! "Release It!", 2007, chapter 5.2).
//!
//! The caller tells it the time and the outcome of each call; it makes no calls itself, so it serves blocking and async
//! callers alike.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// How many failures in a row open it; 0 counts as 1.
    pub failures: u32,
    /// How long no call passes before one is let through as a probe.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    /// Five failures in a row, as failsafe's policy of consecutive failures has it; Sony's gobreaker takes six. A healthy
    /// server shows one or two, from lost connections and races.
    ///
    /// Then 10 s. Others wait longer and let more through (60 s and ten calls in resilience4j, 60 s in gobreaker). Since
    /// here only one probe passes, a short time costs a struggling server six calls a minute, and its restart of a few
    /// seconds makes for an outage of some 10 s.
    fn default() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(10),
        }
    }
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All pass.
    Closed,
    /// None passes.
    Open,
    /// One passes at a time; its outcome decides.
    HalfOpen,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];
}

/// The call must not be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open")]
pub struct Open {
    /// How long until a probe passes; zero while one is under way, which may close the breaker any moment.
    pub retry_after: Duration,
}

/// A circuit breaker for one server. Shared by reference between all threads that call it.
pub struct Breaker {
    config: BreakerConfig,
    /// Held for a few instructions, never while a call runs.
    inner: Mutex<Inner>,
}

struct Inner {
    phase: Phase,
    /// Goes up with each change of state: what a call of an earlier generation reports is ignored.
    generation: u64,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { since: Instant },
    HalfOpen { probing: bool },
}

impl Phase {
    const fn state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
        }
    }
}

impl Inner {
    fn enter(&mut self, phase: Phase) {
        self.generation += u64::from(self.phase.state() != phase.state());
        self.phase = phase;
    }
}

impl Breaker {
    /// A closed breaker.
    pub const fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            inner: Mutex::new(Inner {
                phase: Phase::Closed { failures: 0 },
                generation: 0,
            }),
        }
    }

    /// The present state. An open breaker whose time is over is half-open only when the next call comes.
    pub fn state(&self) -> State {
        self.lock().phase.state()
    }

    /// Asks whether a call may be made now. Its outcome must be reported to the permit. The call needs its own
    /// time limit: while a probe runs, no other call passes.
    ///
    /// # Errors
    /// [`Open`] if the call must not be made.
    pub fn try_acquire(&self, now: Instant) -> Result<Permit<'_>, Open> {
        let mut inner = self.lock();
        let phase = match inner.phase {
            Phase::Closed { failures } => Phase::Closed { failures },
            Phase::Open { since } => {
                let retry_after = self
                    .config
                    .open_for
                    .saturating_sub(now.saturating_duration_since(since));
                if !retry_after.is_zero() {
                    return Err(Open { retry_after });
                }
                Phase::HalfOpen { probing: true }
            }
            Phase::HalfOpen { probing: false } => Phase::HalfOpen { probing: true },
            Phase::HalfOpen { probing: true } => {
                let retry_after = Duration::ZERO;
                return Err(Open { retry_after });
            }
        };
        inner.enter(phase);
        Ok(Permit {
            breaker: self,
            generation: inner.generation,
        })
    }

    /// Notes the outcome of a call; `failed` says when it failed, if it did.
    fn report(&self, generation: u64, failed: Option<Instant>) {
        let mut inner = self.lock();
        if generation != inner.generation {
            return;
        }
        let phase = match (inner.phase, failed) {
            (Phase::Closed { failures }, Some(_)) if failures + 1 < self.config.failures => {
                Phase::Closed { failures: failures + 1 }
            }
            (Phase::Closed { .. } | Phase::HalfOpen { .. }, Some(since)) => Phase::Open { since },
            (Phase::Closed { .. } | Phase::HalfOpen { .. }, None) => Phase::Closed { failures: 0 },
            // No permit is given while it is open.
            (Phase::Open { .. }, _) => return,
        };
        inner.enter(phase);
    }

    /// Takes back a permit whose call has no outcome.
    fn release(&self, generation: u64) {
        let mut inner = self.lock();
        if generation == inner.generation && matches!(inner.phase, Phase::HalfOpen { .. }) {
            inner.enter(Phase::HalfOpen { probing: false });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held, so the state is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("config", &self.config)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Permission to make one call. Dropped without an outcome, as by a caller that was canceled, it counts for nothing: a probe's
/// place is free again.
#[derive(Debug)]
#[must_use = "the outcome of the call must be told"]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    generation: u64,
}

impl Permit<'_> {
    /// The call was answered, even if with an error that does not speak against the server.
    pub fn success(self) {
        self.breaker.report(self.generation, None);
    }

    /// The server failed.
    pub fn failure(self, now: Instant) {
        self.breaker.report(self.generation, Some(now));
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // After a report this does nothing: that of a probe began another generation.
        self.breaker.release(self.generation);
    }
}

#[cfg(test)]
mod tests;
