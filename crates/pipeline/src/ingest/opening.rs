//! Opening repositories: those here one after another, those elsewhere several at a time.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use codelupe_core::error::Class;
use codelupe_forge::{Error as ForgeError, Fetched, Fetcher, Found, Remote, Snapshot, open, revision};

use super::reader::Halt;
use crate::context::Context;
use crate::error::Error;

/// How long a wait for another try goes without a look whether to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// A repository, looked at.
pub(super) enum Opened {
    /// It is as it was when it was processed.
    Unchanged,
    /// It can be read.
    Snapshot(Box<dyn Snapshot>),
}

/// What opening a repository came to.
pub(super) type Opening = (Found, Result<Opened, ForgeError>);

/// Opens each repository and hands it to `take`; ends early when that ends. `finished` has the revisions that need not be
/// processed again.
pub(super) fn open_each(
    context: &Context,
    repositories: Vec<Found>,
    finished: &HashMap<String, String>,
    mut take: impl FnMut(Opening) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let mut remotes = Vec::new();
    for found in repositories {
        match found {
            Found::Remote(remote) => remotes.push(remote),
            Found::Local(located) => {
                let limits = &context.config.limits;
                let known = finished.get(located.name.as_str());
                let unchanged = known.is_some_and(|known| revision(&located, limits).is_ok_and(|now| now == *known));
                let opened = if unchanged {
                    Ok(Opened::Unchanged)
                } else {
                    open(&located, limits).map(Opened::Snapshot)
                };
                take((Found::Local(located), opened))?;
            }
        }
    }
    if remotes.is_empty() {
        return Ok(());
    }
    fetch_each(context, remotes, finished, take)
}

/// As [`open_each`], in the order in which they arrive. Each thread holds one repository.
fn fetch_each(
    context: &Context,
    remotes: Vec<Remote>,
    finished: &HashMap<String, String>,
    mut take: impl FnMut(Opening) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let config = &context.config;
    let tokens = context.tokens.clone();
    let folder = context.folder.tmp();
    let fetcher =
        Fetcher::new(&config.http, &config.fetch, tokens, folder, context.runtime.clone()).map_err(Error::from)?;
    let threads = config.fetch.parallel.min(remotes.len());
    let queue = Mutex::new(remotes.into_iter());
    let (sender, receiver) = sync_channel(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (fetcher, queue) = (&fetcher, &queue);
            scope.spawn(move || fetch_from(context, fetcher, queue, finished, &sender));
        }
        drop(sender);
        // When `take` ends, the receiver goes, and every thread ends at its next repository.
        receiver.into_iter().try_for_each(&mut take)
    })
}

fn fetch_from(
    context: &Context,
    fetcher: &Fetcher,
    queue: &Mutex<impl Iterator<Item = Remote>>,
    finished: &HashMap<String, String>,
    sender: &SyncSender<Opening>,
) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some(remote) = next() {
        if context.progress.is_stopping() {
            return;
        }
        context.progress.set_current(remote.name.as_str());
        let known = finished.get(remote.name.as_str()).map(String::as_str);
        let opened = fetch(context, fetcher, &remote, known);
        if sender.send((Found::Remote(remote), opened)).is_err() {
            return;
        }
    }
}

/// Fetches a repository, and tries again by the policy of what went wrong.
fn fetch(context: &Context, fetcher: &Fetcher, remote: &Remote, known: Option<&str>) -> Result<Opened, ForgeError> {
    let mut tries = 1;
    loop {
        let error = match fetcher.fetch(remote, &context.config.limits, known) {
            Ok(Fetched::Unchanged) => return Ok(Opened::Unchanged),
            Ok(Fetched::Snapshot(snapshot)) => return Ok(Opened::Snapshot(snapshot)),
            Err(error) => error,
        };
        let code = error.code();
        let wait = (code.class() == Class::Transient && tries < context.config.fetch.tries)
            .then(|| code.policy().delay_after(tries, error.retry_after(), u64::from(tries)))
            .flatten();
        let Some(wait) = wait else { return Err(error) };
        tracing::debug!(repository = %remote.name, %error, ?wait, "fetching again");
        let end = Instant::now() + wait;
        while Instant::now() < end {
            if context.progress.is_stopping() {
                return Err(error);
            }
            thread::sleep(STOP_CHECK.min(end.saturating_duration_since(Instant::now())));
        }
        tries += 1;
    }
}
