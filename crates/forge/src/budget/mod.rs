//! What one identity may ask of one forge, and when: the account that all its requests are booked on.
//!
//! There is one identity per forge. Several tokens of one user share one limit, and pooling those of several users to get
//! past a limit is what the terms of GitHub (section H) forbid: nothing here does it.
//!
//! Requests go out one after another. Each waits for its turn: the spacing of its resource, the end of a window that is
//! used up, whatever the forge last asked for. What a forge says in its headers replaces what was assumed.

mod account;
mod allowance;
mod ruling;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, ErrorKind};
use crate::site::Site;
use account::Account;
pub(crate) use ruling::Ruling;
use ruling::{Answer, Scope, judge};

/// What a forge counts apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Everything else.
    Core,
    /// GitHub's search for anything but code.
    Search,
    /// GitHub's search for code.
    CodeSearch,
    /// GitHub's GraphQL.
    Graphql,
}

impl Resource {
    /// The resource that `x-ratelimit-resource` names.
    fn named(name: &str) -> Option<Self> {
        match name {
            "core" => Some(Self::Core),
            "search" => Some(Self::Search),
            "code_search" => Some(Self::CodeSearch),
            "graphql" => Some(Self::Graphql),
            _ => None,
        }
    }
}

/// How quickly requests follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// At the pace that the forge asks for, or slower.
    #[default]
    Polite,
    /// As quickly as answers come, until the forge states a limit: for a private instance.
    Unspaced,
}

/// The account of one identity at one forge. Clones share it.
#[derive(Clone)]
pub struct Budget {
    turn: Arc<Semaphore>,
    account: Arc<Mutex<Account>>,
    patience: Duration,
}

impl Budget {
    /// The account of a new identity at `site`: the limits that the forge's documentation states hold until it states
    /// others. At the public instances `pace` is always polite.
    pub fn new(site: &Site, authenticated: bool, pace: Pace) -> Self {
        let is_public = site.kind().usual_host() == Some(&*site.host());
        let pace = if is_public { Pace::Polite } else { pace };
        Self {
            turn: Arc::new(Semaphore::new(1)),
            account: Arc::new(Mutex::new(Account::new(site.kind(), authenticated, pace))),
            patience: Duration::MAX,
        }
    }

    /// The same account for a caller that waits at most `patience` for a request, and otherwise gets an error of the kind
    /// `RateLimited`.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// How long a request for `resource` would have to wait now, not counting those before it.
    pub fn wait(&self, resource: Resource) -> Duration {
        let now = Instant::now();
        self.lock().not_before(resource, now).saturating_duration_since(now)
    }

    /// Waits until a request may go out, and books it.
    ///
    /// # Errors
    /// `RateLimited` when that is further away than the patience; the error says how far.
    pub(crate) async fn acquire(&self, resource: Resource) -> Result<Turn, Error> {
        let deadline = Instant::now().checked_add(self.patience);
        loop {
            let Ok(permit) = Arc::clone(&self.turn).acquire_owned().await else {
                return Err(Error::new(ErrorKind::RateLimited, "the budget is closed"));
            };
            let now = Instant::now();
            let not_before = self.lock().not_before(resource, now);
            if not_before <= now {
                self.lock().book(resource, now);
                return Ok(Turn {
                    resource,
                    budget: self.clone(),
                    _permit: permit,
                });
            }
            // Who waits for one resource does not keep others from theirs.
            drop(permit);
            let wait = not_before - now;
            if deadline.is_some_and(|deadline| not_before > deadline) {
                return Err(Error::new(ErrorKind::RateLimited, format!("{resource:?}")).with_retry_after(wait));
            }
            if wait > Duration::from_secs(10) {
                tracing::info!(?resource, seconds = wait.as_secs(), "waiting for the forge's limit");
            }
            sleep_until(not_before).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// The right to one request. The next one waits until it is settled or dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    resource: Resource,
    budget: Budget,
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Books what the answer says, and tells whether it is an answer at all or a limit.
    ///
    /// # Errors
    /// `RateLimited` when a limit is reached; the error says for how long.
    pub(crate) fn settle(self, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let mut account = self.budget.lock();
        let now = Instant::now();
        let answer = Answer { status, headers, body };
        let resource = account.learn(self.resource, &answer, now);
        match judge(account.kind(), &answer, account.wall(now), account.strikes()) {
            Ruling::Fine => account.forgive(),
            Ruling::Refused => {}
            Ruling::Wait { scope, wait } => {
                account.hold((scope == Scope::Resource).then_some(resource), now + wait);
                let context = format!("status {status}, {resource:?}");
                return Err(Error::new(ErrorKind::RateLimited, context).with_retry_after(wait));
            }
        }
        Ok(())
    }
}
