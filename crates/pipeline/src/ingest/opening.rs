//! Opening repositories: those here one after another, those elsewhere several at a time.
//!
//! Of a repository that was fetched before, and of a fork, only the contents that the catalogue does not know are fetched.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use codelupe_catalogue::ContentKey;
use codelupe_core::{Verdict, error::Class};
use codelupe_forge::{
    Entry, Error as ForgeError, Fetched, Fetcher, Found, Remote, Site, Snapshot, Wanted, open, revision,
};

use super::{Halt, content_key, tells_license};
use crate::context::Context;
use crate::error::Error;

/// Files looked up in the catalogue at a time.
pub(super) const LOOKUP_FILES: usize = 256;

/// How often a wait for another attempt checks whether to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// A repository after opening.
pub(super) enum Opened {
    /// It is unchanged since it was processed.
    Unchanged,
    /// It can be read.
    Snapshot(Box<dyn Snapshot>),
}

/// The result of opening a repository.
pub(super) type Opening = (Found, Result<Opened, ForgeError>);

/// What need not be processed again.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The rules under which contents are known.
    pub(super) recipe: &'a str,
    /// The revisions of whole repositories, by name.
    pub(super) finished: &'a HashMap<String, String>,
}

/// Opens each repository and hands it to `take`; ends early when that ends.
pub(super) fn open_each(
    context: &Context,
    repositories: Vec<Found>,
    known: Known<'_>,
    mut take: impl FnMut(Opening) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let mut remotes = Vec::new();
    for found in repositories {
        match found {
            Found::Remote(remote) => remotes.push(remote),
            Found::Local(located) => {
                let limits = &context.config.limits;
                let finished = known.finished.get(located.name.as_str());
                let unchanged = finished.is_some_and(|then| revision(&located, limits).is_ok_and(|now| now == *then));
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
    fetch_each(context, remotes, known, take)
}

/// As [`open_each`], in the order in which they arrive. Each thread holds one repository.
fn fetch_each(
    context: &Context,
    remotes: Vec<Remote>,
    known: Known<'_>,
    mut take: impl FnMut(Opening) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let config = &context.config;
    let tokens = context.tokens.clone();
    let folder = context.folder.tmp();
    let sites: Result<Vec<Site>, ForgeError> = config
        .forges
        .values()
        .map(|forge| Site::new(forge.kind, &forge.url))
        .collect();
    let fetcher = Fetcher::new(&config.http, &config.fetch, tokens, folder, context.runtime.clone())
        .map_err(Error::from)?
        .with_sites(sites.map_err(Error::from)?)
        .counting(Arc::clone(&context.progress.received));
    let threads = config.fetch.parallel.min(remotes.len());
    let queue = Mutex::new(remotes.into_iter());
    let (sender, receiver) = sync_channel(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (fetcher, queue) = (&fetcher, &queue);
            scope.spawn(move || fetch_from(context, fetcher, queue, known, &sender));
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
    known: Known<'_>,
    sender: &SyncSender<Opening>,
) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some(remote) = next() {
        if context.progress.is_stopping() {
            return;
        }
        context.progress.set_current(remote.name.as_str());
        let opened = fetch(context, fetcher, &remote, known);
        if sender.send((Found::Remote(remote), opened)).is_err() {
            return;
        }
    }
}

/// Fetches a repository, and tries again by the policy of what went wrong.
fn fetch(context: &Context, fetcher: &Fetcher, remote: &Remote, known: Known<'_>) -> Result<Opened, ForgeError> {
    let limits = &context.config.limits;
    let revision = known.finished.get(remote.name.as_str()).map(String::as_str);
    let wanted = |entries: &[Entry]| wanted(context, known.recipe, entries);
    let wanted = (revision.is_some() || remote.fork).then_some(&wanted as &Wanted<'_>);
    let mut tries = 1;
    loop {
        let error = match fetcher.fetch(remote, limits, revision, wanted) {
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

/// The entries whose contents must be fetched: the catalogue does not know them, or they tell the repository's license.
/// `None` when the catalogue does not answer; the next question to it reports why.
fn wanted(context: &Context, recipe: &str, entries: &[Entry]) -> Option<Vec<usize>> {
    let key = |entry: &Entry| entry.blob.map(|blob| content_key(blob, &entry.path));
    let read = |entry: &Entry| {
        entry.verdict == Verdict::Kept && context.tools.processor.path_verdict(&entry.path) == Verdict::Kept
    };
    let mut wanted = Vec::new();
    for (number, stretch) in entries.chunks(LOOKUP_FILES).enumerate() {
        let keys: Vec<ContentKey> = stretch.iter().filter(|entry| read(entry)).filter_map(key).collect();
        let known = context.wait(context.catalogue.known_contents(&keys, recipe)).ok()?;
        for (index, entry) in stretch.iter().enumerate() {
            let new = read(entry) && key(entry).is_some_and(|key| !known.contains(&key));
            if new || tells_license(entry) {
                wanted.push(number * LOOKUP_FILES + index);
            }
        }
    }
    Some(wanted)
}
