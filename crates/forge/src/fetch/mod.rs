//! Fetching repositories by git's protocol over HTTP: the newest commit, its files, nothing else; no checkout, no git.
//!
//! Three requests bring all: what the server can do, where `HEAD` is, a pack of that one commit. A repository whose `HEAD`
//! is known costs two small ones. Hooks, filters, attributes, submodules and LFS play no part, since nothing is checked
//! out: the bytes are those of `git cat-file`.

mod remote;
mod settings;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use codelupe_core::Repository;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use url::{Origin, Url};

use crate::error::{Error, ErrorKind};
use crate::git::{GitSnapshot, UNBORN};
use crate::http::{Http, HttpSettings, Request, Response, Token, parse_url, shown};
use crate::limits::Limits;
use crate::pack::{Broken, Pack, PackLimits};
use crate::snapshot::Snapshot;
use crate::wire::{self, Capabilities, Head, IdHash, PackRequest, Refusal};
pub use remote::Remote;
pub use settings::FetchSettings;

/// Fetches repositories from any number of threads.
pub struct Fetcher {
    http: Http,
    tokens: Vec<Token>,
    settings: FetchSettings,
    spool_folder: PathBuf,
    runtime: Handle,
    hosts: Mutex<HashMap<Origin, Arc<Semaphore>>>,
}

/// What fetching found.
pub enum Fetched {
    /// `HEAD` is where it was.
    Unchanged,
    /// The repository at its newest commit, in memory.
    Snapshot(Box<dyn Snapshot>),
}

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
        Ok(Self {
            http: Http::new(http)?,
            tokens,
            settings: settings.clone(),
            spool_folder,
            runtime,
            hosts: Mutex::default(),
        })
    }

    /// How many repositories may be fetched at the same time.
    pub fn parallel(&self) -> usize {
        self.settings.parallel
    }

    /// Fetches a repository, unless its `HEAD` is still `known`. Must not run on a thread of the runtime.
    ///
    /// # Errors
    /// `Gone`, `TakenDown`, `Auth` and `Refused` by the server's will; `Network`, `Timeout`, `Server` and `RateLimited` for
    /// now; `Unsupported` when it speaks an older protocol or has SHA-256 ids; `TooLarge`, `TooManyEntries`, `Protocol` and
    /// `Corrupt` for what it sends; `Io` when the spool fails.
    pub fn fetch(&self, remote: &Remote, limits: &Limits, known: Option<&str>) -> Result<Fetched, Error> {
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
        let (address, capabilities) = visit.capabilities()?;
        let visit = Visit { url: address, ..visit };
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
        Ok(Fetched::Snapshot(Box::new(match head {
            Head::Unborn => GitSnapshot::unborn(repository, limits),
            Head::At(id) => visit.snapshot(repository, id, &capabilities, limits)?,
        })))
    }

    fn host(&self, url: &Url) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts
            .entry(url.origin())
            .or_insert_with(|| Arc::new(Semaphore::new(self.settings.per_host)));
        Arc::clone(host)
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

/// One visit to one repository.
struct Visit<'a> {
    fetcher: &'a Fetcher,
    /// Ends with `/`.
    url: Url,
    deadline: Instant,
}

impl Visit<'_> {
    /// What the server can do, and where the repository is now.
    fn capabilities(&self) -> Result<(Url, Capabilities), Error> {
        let url = self.join(wire::CAPABILITIES_PATH)?;
        let response = self.send(Request::get(url, &[wire::VERSION_HEADER]))?;
        let address = moved_to(&self.url, &response);
        if response.moved {
            tracing::info!(from = %shown(&self.url), to = %shown(&address), "the repository has moved");
        }
        let answer = self.answer(response)?;
        let capabilities = Capabilities::read(&answer).map_err(|error| self.wire(error))?;
        let Some(capabilities) = capabilities else {
            return Err(self.error(
                ErrorKind::Unsupported,
                "the server does not speak version 2 of git's protocol",
            ));
        };
        if capabilities.hash != IdHash::Sha1 {
            return Err(self.error(ErrorKind::Unsupported, "SHA-256 object ids"));
        }
        if !capabilities.shallow {
            return Err(self.error(ErrorKind::Unsupported, "the server gives no commit without its history"));
        }
        Ok((address, capabilities))
    }

    fn head(&self, capabilities: &Capabilities) -> Result<Head, Error> {
        let response = self.post(wire::head_request(capabilities))?;
        let answer = self.answer(response)?;
        wire::read_head(&answer).map_err(|error| self.wire(error))
    }

    fn snapshot(
        &self,
        repository: Repository,
        head: [u8; 20],
        capabilities: &Capabilities,
        limits: &Limits,
    ) -> Result<GitSnapshot, Error> {
        let request = PackRequest {
            want: head,
            have: None,
            blob_limit: capabilities
                .filter
                .then_some(limits.max_blob_bytes)
                .filter(|_| self.fetcher.settings.filter),
        };
        let response = self.post(request.to_bytes())?;
        let body = response.body.reader(self.fetcher.runtime.clone(), self.deadline);
        let pack = wire::read_to_pack(body).map_err(|error| self.wire(error))?;
        let pack = Pack::receive(pack, &self.pack_limits(limits)).map_err(|error| self.pack(error))?;
        GitSnapshot::of(repository, head, Box::new(pack), limits)
    }

    fn pack_limits(&self, limits: &Limits) -> PackLimits {
        let settings = &self.fetcher.settings;
        PackLimits {
            pack_bytes: settings.max_pack_bytes,
            inflated_bytes: settings.max_inflated_bytes,
            object_bytes: limits.max_decode_bytes / 2,
            // A folder has a tree; one commit, and some tags that may lead to it.
            objects: limits.max_entries.saturating_mul(2).saturating_add(16),
            delta_chain: limits.max_delta_chain as usize,
            keep_bytes: settings.keep_bytes,
            spool_folder: self.fetcher.spool_folder.clone(),
        }
    }

    fn post(&self, body: Vec<u8>) -> Result<Response, Error> {
        let headers = [wire::VERSION_HEADER, ("content-type", wire::REQUEST_TYPE)];
        self.send(Request::post(self.join(wire::REQUEST_PATH)?, &headers, body))
    }

    /// Sends a request; an answer that is none of success is an error.
    fn send(&self, mut request: Request<'_>) -> Result<Response, Error> {
        request.authorization = self.fetcher.tokens.iter().find_map(|token| token.basic(&request.url));
        let response = self.fetcher.runtime.block_on(self.fetcher.http.send(request))?;
        if response.status == 200 {
            Ok(response)
        } else {
            Err(self.refused(&response))
        }
    }

    fn answer(&self, response: Response) -> Result<Vec<u8>, Error> {
        self.fetcher
            .runtime
            .block_on(response.body.bytes(wire::MAX_ANSWER_BYTES))
    }

    fn join(&self, path: &str) -> Result<Url, Error> {
        self.url
            .join(path)
            .map_err(|error| self.error(ErrorKind::Invalid, "no such address").with_source(error))
    }

    fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("{}: {why}", shown(&self.url)))
    }

    fn refused(&self, response: &Response) -> Error {
        let status = response.status;
        let wait = response.header("retry-after").and_then(|text| text.trim().parse().ok());
        let kind = match status {
            401 => ErrorKind::Auth,
            404 | 410 => ErrorKind::Gone,
            451 => ErrorKind::TakenDown,
            403 if wait.is_none() => ErrorKind::Refused,
            403 | 429 => ErrorKind::RateLimited,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Protocol,
        };
        let error = self.error(kind, &format!("status {status}"));
        match wait {
            Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
            None => error,
        }
    }

    /// An error from reading an answer: one of this crate that travelled in it, the server's own, or of the protocol.
    fn wire(&self, error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) if Refusal::is_in(&error) => self
                .error(ErrorKind::Refused, "asking for the newest commit")
                .with_source(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.error(ErrorKind::Network, "the answer did not come in whole")
            }
            Err(error) => self.error(ErrorKind::Protocol, "reading the answer").with_source(error),
        }
    }

    fn pack(&self, error: Broken) -> Error {
        let kind = match error {
            Broken::Stream(error) => return self.wire(error),
            Broken::Malformed(_) => ErrorKind::Corrupt,
            Broken::PackTooLarge(_) | Broken::InflatesTooMuch(_) | Broken::TooLarge(_) => ErrorKind::TooLarge,
            Broken::TooManyObjects(_) => ErrorKind::TooManyEntries,
            Broken::Spool(_) => ErrorKind::Io,
        };
        self.error(kind, "the pack").with_source(error)
    }
}

/// Where a repository is after the redirects of its first answer.
fn moved_to(url: &Url, response: &Response) -> Url {
    let mut address = response.url.clone();
    address.set_query(None);
    match address.path().strip_suffix("info/refs").map(str::to_owned) {
        Some(path) => {
            address.set_path(&path);
            address
        }
        None => url.clone(),
    }
}
