//! HTTP to forges: one client for listing and fetching, bound to the origin that it was given.
//!
//! Redirects are followed within one origin only, so that neither a token nor a request reaches a host that the operator
//! did not name. What comes back is bounded in bytes and in time. Proxies are not taken from the environment.

mod body;
mod origin;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use codelupe_core::text::display_name;
use codelupe_telemetry::{
    self as telemetry, Answer, FORGE_REQUEST_DURATION, FORGE_REQUESTS, Forge, ForgeLabels, RequestLabels,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, redirect};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
pub(crate) use body::Body;
pub(crate) use origin::{parse_url, shown};
pub use token::Token;
use url::Origin;
pub use url::Url;

/// The most redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// Settings for HTTP to a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// A contact for this crawler, an e-mail address or a URL; forges and owners see it in the user agent.
    pub contact: Option<String>,
    /// The most seconds that connecting may take. Default 20.
    pub connect_seconds: u64,
    /// Seconds that the other side may be silent. Default 60.
    pub silent_seconds: u64,
    /// Certificates in PEM form that are trusted beside those of the system, for a forge with its own authority.
    pub ca_file: Option<PathBuf>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            contact: None,
            connect_seconds: 20,
            silent_seconds: 60,
            ca_file: None,
        }
    }
}

/// A client.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: Option<Bytes>,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
    /// Which forge is asked, for the metrics.
    pub(crate) forge: Forge,
    /// Another origin that a redirect may lead to. The authorization does not go there.
    pub(crate) also: Option<Origin>,
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub(crate) fn get(url: Url, headers: &'a [(&'static str, &'a str)]) -> Self {
        Self {
            method: Method::GET,
            url,
            headers,
            body: None,
            authorization: None,
            forge: Forge::Other,
            also: None,
        }
    }

    /// A request with a body.
    pub(crate) fn post(url: Url, headers: &'a [(&'static str, &'a str)], body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            body: Some(body.into()),
            ..Self::get(url, headers)
        }
    }

    fn labels(&self, sent: &reqwest::Result<reqwest::Response>) -> RequestLabels {
        let method = if self.method == Method::POST {
            telemetry::Method::Post
        } else {
            telemetry::Method::Get
        };
        let status = sent
            .as_ref()
            .map_or(Answer::Missing, |answer| Answer::of_status(answer.status().as_u16()));
        RequestLabels {
            forge: self.forge,
            method,
            status,
        }
    }
}

/// An answer; its body is still on the way.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    /// Whether a redirect on the way was permanent.
    pub(crate) moved: bool,
    pub(crate) body: Body,
}

impl Response {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// `Invalid` when a setting is not usable.
    pub(crate) fn new(settings: &HttpSettings) -> Result<Self, Error> {
        // Whoever comes first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let invalid = |why: String| Error::new(ErrorKind::Invalid, format!("http: {why}"));
        let mut builder = Client::builder()
            .user_agent(user_agent(settings)?)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(settings.connect_seconds))
            .read_timeout(Duration::from_secs(settings.silent_seconds));
        if let Some(path) = &settings.ca_file {
            let shown = display_name(path.as_os_str().as_encoded_bytes());
            let pem = std::fs::read(path).map_err(|error| invalid(format!("ca_file {shown}")).with_source(error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| invalid(format!("ca_file {shown}")).with_source(error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder
            .build()
            .map_err(|error| invalid("no client".to_owned()).with_source(error))?;
        Ok(Self { client })
    }

    /// Sends a request and follows redirects within its origin, and to the other one that it names.
    ///
    /// # Errors
    /// `Network` or `Timeout` when there is no answer; `Redirect` when it leads to another origin, or in a circle.
    pub(crate) async fn send(&self, mut request: Request<'_>) -> Result<Response, Error> {
        let mut moved = false;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&request).await?;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return Ok(Response {
                    status,
                    url: request.url,
                    moved,
                    headers: response.headers().clone(),
                    body: Body::new(response, request.forge),
                });
            }
            let location = response.headers().get(LOCATION);
            let location = location.map_or(&b""[..], HeaderValue::as_bytes);
            let next = origin::redirect(&request.url, location, request.also.as_ref())?;
            if request.method != Method::GET && matches!(status, 301..=303) {
                let why = format!("{}: status {status} to another method", shown(&request.url));
                return Err(Error::new(ErrorKind::Redirect, why));
            }
            moved |= matches!(status, 301 | 308);
            if request.also == Some(next.origin()) {
                request.authorization = None;
            }
            request.url = next;
        }
        let why = format!("{}: more than {MAX_REDIRECTS} redirects", shown(&request.url));
        Err(Error::new(ErrorKind::Redirect, why))
    }

    async fn send_once(&self, request: &Request<'_>) -> Result<reqwest::Response, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|error| Error::new(ErrorKind::Invalid, format!("header {name}")).with_source(error))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(authorization) = &request.authorization {
            headers.insert(reqwest::header::AUTHORIZATION, authorization.clone());
        }
        let mut builder = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let started = FORGE_REQUEST_DURATION.start();
        let sent = builder.send().await;
        FORGE_REQUEST_DURATION.stop(started, ForgeLabels { forge: request.forge });
        FORGE_REQUESTS.add(request.labels(&sent), 1);
        sent.map_err(|error| failed(&request.url, error))
    }
}

/// `codelupe/0.1.0 (+contact)`.
pub(crate) fn user_agent(settings: &HttpSettings) -> Result<HeaderValue, Error> {
    let name = concat!("codelupe/", env!("CARGO_PKG_VERSION"));
    let text = settings
        .contact
        .as_ref()
        .map_or_else(|| name.to_owned(), |contact| format!("{name} (+{contact})"));
    HeaderValue::from_str(&text)
        .map_err(|error| Error::new(ErrorKind::Invalid, "http: contact cannot stand in a header").with_source(error))
}

/// An error of the connection. The address is shown without its query, and what carries it in full is left out.
fn failed(url: &Url, error: reqwest::Error) -> Error {
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Network
    };
    Error::new(kind, shown(url)).with_source(error.without_url())
}

#[cfg(test)]
mod tests {
    use codelupe_testkit::http::{Server, respond};

    use super::*;

    #[tokio::test]
    async fn a_redirect_to_the_other_origin_goes_without_the_token() {
        let third = Server::start(|_, stream| respond(stream, 200, &[], b"third"));
        let onwards = third.url("/x");
        let other = Server::start(move |request, stream| match request.path() {
            "/on" => respond(stream, 302, &[("location", &onwards)], b""),
            _ => respond(stream, 200, &[], b"other"),
        });
        let (to, on) = (other.url("/to"), other.url("/on"));
        let first = Server::start(move |request, stream| {
            let location = if request.path() == "/on" { &on } else { &to };
            respond(stream, 302, &[("location", location)], b"")
        });
        let send = async |path: &str, also: Option<&Server>| {
            let mut request = Request::get(Url::parse(&first.url(path)).unwrap(), &[]);
            request.authorization = Some(HeaderValue::from_static("Bearer SECRET"));
            request.also = also.map(|server| Url::parse(&server.url("/")).unwrap().origin());
            Http::new(&HttpSettings::default()).unwrap().send(request).await
        };
        let answer = send("/to", Some(&other)).await.unwrap();
        assert_eq!(answer.body.bytes(100).await.unwrap(), b"other");
        assert_eq!(send("/to", None).await.unwrap_err().kind(), ErrorKind::Redirect);
        assert_eq!(send("/on", Some(&other)).await.unwrap_err().kind(), ErrorKind::Redirect);
        assert!(third.requests().is_empty());
        let asked = other.requests();
        assert_eq!(asked.len(), 2);
        assert!(asked.iter().all(|request| request.header("authorization").is_none()));
        assert!(
            first
                .requests()
                .iter()
                .all(|request| request.header("authorization").is_some())
        );
    }
}
