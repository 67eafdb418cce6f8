//! One visit to one repository: its requests and the errors of their answers.

use std::io;
use std::time::{Duration, Instant};

use codelupe_telemetry::Forge;
use url::Url;

use super::Fetcher;
use crate::error::{Error, ErrorKind};
use crate::http::{Request, Response, shown};
use crate::site::Site;
use crate::wire::{self, Capabilities, Head, IdHash, Refusal};

/// One visit to one repository.
pub(super) struct Visit<'a> {
    pub(super) fetcher: &'a Fetcher,
    /// Ends with `/`.
    pub(super) url: Url,
    pub(super) deadline: Instant,
}

impl Visit<'_> {
    /// What the server can do, and where the repository is now.
    pub(super) fn capabilities(&self) -> Result<(Url, Capabilities), Error> {
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

    /// Where `HEAD` is.
    pub(super) fn head(&self, capabilities: &Capabilities) -> Result<Head, Error> {
        let response = self.post(wire::head_request(capabilities))?;
        let answer = self.answer(response)?;
        wire::read_head(&answer).map_err(|error| self.wire(error))
    }

    /// Sends a request of the protocol.
    pub(super) fn post(&self, body: Vec<u8>) -> Result<Response, Error> {
        let headers = [wire::VERSION_HEADER, ("content-type", wire::REQUEST_TYPE)];
        self.send(Request::post(self.join(wire::REQUEST_PATH)?, &headers, body))
    }

    /// Sends a request; an answer that does not report success is an error.
    pub(super) fn send(&self, mut request: Request<'_>) -> Result<Response, Error> {
        request.authorization = self.fetcher.tokens.iter().find_map(|token| token.basic(&request.url));
        request.forge = self.forge();
        let response = self.fetcher.runtime.block_on(self.fetcher.http.send(request))?;
        if response.status == 200 {
            Ok(response)
        } else {
            Err(self.refused(&response))
        }
    }

    /// What software the repository is on.
    pub(super) fn forge(&self) -> Forge {
        self.site().map_or(Forge::Other, |(site, _)| site.kind().into())
    }

    /// The forge that the repository is on, where it is known, and its name there.
    pub(super) fn site(&self) -> Option<(&Site, String)> {
        let mut sites = self.fetcher.sites.iter();
        sites.find_map(|site| Some((site, site.full_name_of(&self.url)?)))
    }

    fn answer(&self, response: Response) -> Result<Vec<u8>, Error> {
        self.fetcher
            .runtime
            .block_on(response.body.bytes(wire::MAX_ANSWER_BYTES))
    }

    /// An address below that of the repository.
    pub(super) fn join(&self, path: &str) -> Result<Url, Error> {
        self.url
            .join(path)
            .map_err(|error| self.error(ErrorKind::Invalid, "no such address").with_source(error))
    }

    /// An error of this repository.
    pub(super) fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("{}: {why}", shown(&self.url)))
    }

    /// The error that an answer without success stands for.
    pub(super) fn refused(&self, response: &Response) -> Error {
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

    /// An error from reading an answer: one of this crate that traveled in it, the server's own, or of the protocol.
    pub(super) fn wire(&self, error: io::Error) -> Error {
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
}

/// Where a repository is after the redirects of its first answer.
pub(super) fn moved_to(url: &Url, response: &Response) -> Url {
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
