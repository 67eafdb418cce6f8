//! Requests to the API of a forge: booked, bounded, judged.

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::budget::{Budget, Resource};
use crate::error::{Error, ErrorKind};
use crate::http::{Http, HttpSettings, Request, Token, shown};
use crate::site::{Site, SiteKind};

/// The largest answer in bytes, unpacked: a page of a hundred repositories has about one MiB.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// What GitHub's documentation asks for, and plain JSON for instances that know only that.
const GITHUB_ACCEPT: &str = "application/vnd.github+json, application/json;q=0.9";

/// The version of GitHub's REST API.
const GITHUB_VERSION: &str = "2022-11-28";

/// One identity at one forge.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Http,
    site: Site,
    token: Option<Token>,
    budget: Budget,
}

/// An answer that is not a limit.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    body: Vec<u8>,
}

impl Api {
    pub(super) fn new(
        site: Site,
        token: Option<Token>,
        settings: &HttpSettings,
        budget: Budget,
    ) -> Result<Self, Error> {
        if token.as_ref().is_some_and(|token| token.bearer(&site.api()).is_none()) {
            let why = format!("the token does not belong to {}", shown(&site.api()));
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        let http = Http::new(settings)?;
        Ok(Self {
            http,
            site,
            token,
            budget,
        })
    }

    pub(super) const fn site(&self) -> &Site {
        &self.site
    }

    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The address of a path of the API, with a query.
    pub(super) fn url(&self, path: &str, pairs: &[(&str, &str)]) -> Result<Url, Error> {
        let invalid = |error| Error::new(ErrorKind::Invalid, "a path of the API").with_source(error);
        let mut url = self.site.api().join(path).map_err(invalid)?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    /// Asks for `url`; with `etag`, the answer may be status 304.
    ///
    /// # Errors
    /// Those of the connection, and `RateLimited`. A status that is an error is not one here.
    pub(super) async fn get(&self, resource: Resource, url: Url, etag: Option<&str>) -> Result<Answer, Error> {
        let mut headers = self.headers();
        headers.extend(etag.map(|etag| ("if-none-match", etag)));
        self.send(resource, Request::get(url, &headers)).await
    }

    /// Asks for `url` and wants an answer of status 200.
    ///
    /// # Errors
    /// As [`Self::get`], and [`Answer::error`].
    pub(super) async fn ask(&self, resource: Resource, url: Url) -> Result<Answer, Error> {
        let answer = self.get(resource, url, None).await?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(answer.error())
        }
    }

    /// Sends a GraphQL query with variables.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn graphql(&self, body: &Value) -> Result<Answer, Error> {
        let mut headers = self.headers();
        headers.push(("content-type", "application/json"));
        let request = Request::post(self.site.graphql(), &headers, body.to_string());
        let answer = self.send(Resource::Graphql, request).await?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(answer.error())
        }
    }

    async fn send(&self, resource: Resource, mut request: Request<'_>) -> Result<Answer, Error> {
        request.authorization = self.token.as_ref().and_then(|token| token.bearer(&request.url));
        request.forge = self.site.kind().into();
        let turn = self.budget.acquire(resource).await?;
        let response = self.http.send(request).await?;
        let (status, headers, url) = (response.status, response.headers, response.url);
        let body = response.body.bytes(MAX_ANSWER_BYTES).await?;
        turn.settle(status, &headers, &body)?;
        Ok(Answer {
            status,
            headers,
            url,
            body,
        })
    }

    fn headers(&self) -> Vec<(&'static str, &str)> {
        match self.site.kind() {
            SiteKind::GitHub => vec![
                ("accept", GITHUB_ACCEPT),
                ("accept-encoding", "gzip"),
                ("x-github-api-version", GITHUB_VERSION),
            ],
            SiteKind::GitLab | SiteKind::Gitea => vec![("accept", "application/json"), ("accept-encoding", "gzip")],
        }
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// `Protocol` when it is not: HTML of a proxy, an answer that was cut off.
    pub(super) fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::new(ErrorKind::Protocol, shown(&self.url)).with_source(error))
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The error that its status is.
    pub(super) fn error(&self) -> Error {
        let kind = match self.status {
            401 => ErrorKind::Auth,
            404 | 410 => ErrorKind::Gone,
            451 => ErrorKind::TakenDown,
            500.. => ErrorKind::Server,
            400..=499 => ErrorKind::Refused,
            _ => ErrorKind::Protocol,
        };
        Error::new(kind, format!("{}: status {}", shown(&self.url), self.status))
    }

    /// The error of an answer that is JSON of another form.
    pub(super) fn misshapen(&self, wanted: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{}: no {wanted}", shown(&self.url)))
    }
}
