//! Fetching repositories by git's protocol over HTTP: the newest commit, its files, nothing else; no checkout, no git.
//!
//! Three requests bring all: what the server can do, where `HEAD` is, a pack of that one commit. A repository whose `HEAD`
//! is known costs two small ones. One of which much is known already costs four: a pack of its folders, without files, says
//! what the files are, and a second pack has those that are not known (docs/adr/0007).
//!
//! Hooks, filters, attributes, submodules and LFS play no part, since nothing is checked out: the bytes are those of
//! `git cat-file`.
//!
//! Servers that do not speak version 2 are left to the git program, and, if that is set, those that are closed to git to the
//! archives of their forge ([`FetchSettings`]).

mod archive;
mod fallback;
mod packs;
mod settings;
mod visit;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use url::{Origin, Url};

use crate::error::Error;
use crate::git::{GitSnapshot, UNBORN};
use crate::git_command::GitCommand;
use crate::http::{Http, HttpSettings, Token, parse_url};
use crate::limits::Limits;
use crate::remote::Remote;
use crate::site::Site;
use crate::snapshot::{Entry, Snapshot};
use crate::wire::Head;
pub use settings::FetchSettings;
use visit::Visit;

/// Fetches repositories from any number of threads.
pub struct Fetcher {
    http: Http,
    tokens: Vec<Token>,
    settings: FetchSettings,
    spool_folder: PathBuf,
    runtime: Handle,
    sites: Vec<Site>,
    git: GitCommand,
    hosts: Mutex<HashMap<Origin, Arc<Semaphore>>>,
    received: Arc<AtomicU64>,
}

/// What fetching found.
pub enum Fetched {
    /// `HEAD` has not moved.
    Unchanged,
    /// The repository at its newest commit.
    Snapshot(Box<dyn Snapshot>),
}

/// Says which entries of a repository must be fetched, by their numbers; `None` for all. The others cannot be read.
pub type Wanted<'a> = dyn Fn(&[Entry]) -> Option<Vec<usize>> + 'a;

impl Fetcher {
    /// A fetcher that waits on `runtime`, and puts what does not fit into memory into files without a name in
    /// `spool_folder`.
    ///
    /// # Errors
    /// `Invalid` when a setting is not usable.
    pub fn new(
        http: &HttpSettings,
        settings: &FetchSettings,
        tokens: Vec<Token>,
        spool_folder: PathBuf,
        runtime: Handle,
    ) -> Result<Self, Error> {
        settings.validate()?;
        let git = GitCommand::new(http, spool_folder.clone())?;
        Ok(Self {
            http: Http::new(http)?,
            tokens,
            settings: settings.clone(),
            spool_folder,
            runtime,
            sites: Site::public(),
            git,
            hosts: Mutex::default(),
            received: Arc::default(),
        })
    }

    /// How many repositories may be fetched at the same time.
    pub fn parallel(&self) -> usize {
        self.settings.parallel
    }

    /// The same, adding the bytes that it receives of packs to `received` as they come in.
    #[must_use]
    pub fn counting(self, received: Arc<AtomicU64>) -> Self {
        Self { received, ..self }
    }

    /// The same, knowing of these forges too, beside the public ones; see [`FetchSettings::archive`].
    #[must_use]
    pub fn with_sites(mut self, sites: impl IntoIterator<Item = Site>) -> Self {
        self.sites.extend(sites);
        self
    }

    /// Fetches a repository, unless its `HEAD` is still `known`. Must not run on a thread of the runtime.
    ///
    /// With `wanted`, of which much should be known already, only what that wants is fetched, where the server can do so.
    ///
    /// # Errors
    /// `Gone`, `TakenDown`, `Auth` and `Refused` by the server's will; `Network`, `Timeout`, `Server` and `RateLimited` for
    /// now; `Unsupported` when nobody here speaks its protocol or it has SHA-256 ids; `TooLarge`, `TooManyEntries`, `Protocol` and
    /// `Corrupt` for what it sends; `Machine` when the spool fails.
    pub fn fetch(
        &self,
        remote: &Remote,
        limits: &Limits,
        known: Option<&str>,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Fetched, Error> {
        limits.validate()?;
        let url = parse_url(&remote.url)?;
        let host = self.host(&url);
        let _turn = self.runtime.block_on(host.acquire_owned());
        let deadline = Instant::now() + Duration::from_secs(self.settings.max_seconds);
        let visit = Visit {
            fetcher: self,
            url: folder_url(&url),
            deadline,
        };
        visit
            .fetch(remote, limits, known, wanted)
            .or_else(|error| visit.otherwise(error, remote, limits, known))
    }

    fn host(&self, url: &Url) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts
            .entry(url.origin())
            .or_insert_with(|| Arc::new(Semaphore::new(self.settings.per_host)));
        Arc::clone(host)
    }
}

impl Visit<'_> {
    /// Fetches by version 2 of git's protocol.
    fn fetch(
        &self,
        remote: &Remote,
        limits: &Limits,
        known: Option<&str>,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Fetched, Error> {
        let (url, capabilities) = self.capabilities()?;
        let visit = Visit { url, ..*self };
        let head = visit.head(&capabilities)?;
        let revision = match &head {
            Head::At(id) => hex::encode(id),
            Head::Unborn => UNBORN.to_owned(),
        };
        if known == Some(&revision) {
            return Ok(Fetched::Unchanged);
        }
        let repository = remote.describe(revision);
        tracing::debug!(repository = %remote.name, revision = repository.revision, "fetch");
        let Head::At(id) = head else {
            return Ok(Fetched::Snapshot(Box::new(GitSnapshot::unborn(repository, limits))));
        };
        let part = match wanted.filter(|_| capabilities.filter) {
            Some(wanted) => visit.part(repository.clone(), id, limits, wanted)?,
            None => None,
        };
        Ok(Fetched::Snapshot(Box::new(match part {
            Some(part) => part,
            None => visit.whole(repository, id, &capabilities, limits)?,
        })))
    }
}

/// The address of a repository, so that paths below it can be joined.
fn folder_url(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned() + "/";
    url.set_path(&path);
    url
}
