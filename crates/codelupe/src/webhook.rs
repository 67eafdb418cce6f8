//! Alerts by HTTP: each is one POST of JSON to a webhook.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::error::ErrorCode;
use codelupe_worker::{Alert, AlertForm, AlertSink, SEND_TIMEOUT, SendError};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use rustls::crypto::ring;

use crate::failure::Failure;

/// How long connecting may take, of the time for the whole call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address of a webhook. It is a secret: whoever has that of Slack may write to the channel. No part of it is printed.
#[derive(Clone)]
pub(crate) struct WebhookUrl(Url);

impl FromStr for WebhookUrl {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |what: &str| {
            Failure::new(
                ErrorCode::Validation,
                format!("the webhook's address is not valid: {what}"),
            )
        };
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        match url.scheme() {
            "https" | "http" => Ok(Self(url)),
            _ => Err(invalid("it begins with neither https:// nor http://")),
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl")
    }
}

/// Sends alerts to a webhook.
#[derive(Debug)]
pub(crate) struct Webhook {
    client: Client,
    url: WebhookUrl,
    form: AlertForm,
}

impl Webhook {
    /// A client that trusts the certificates that the system trusts. The usual variables for proxies count.
    pub(crate) fn new(url: WebhookUrl, form: AlertForm) -> Result<Self, SendError> {
        // Whoever comes first has installed the same.
        let _ = ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("codelupe/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(SEND_TIMEOUT)
            .build()
            .map_err(|error| failed(error, "cannot be called"))?;
        Ok(Self { client, url, form })
    }
}

#[async_trait]
impl AlertSink for Webhook {
    async fn send(&self, alert: &Alert) -> Result<(), SendError> {
        let request = self
            .client
            .post(self.url.0.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(self.form.body(alert));
        let response = request.send().await.map_err(|error| failed(error, "was not reached"))?;
        // What it says beside the status is not read: a server may repeat the address that it was called by.
        if response.status().is_success() {
            Ok(())
        } else {
            Err(refused(&response))
        }
    }
}

/// An error of the client, which would show the address.
fn failed(error: reqwest::Error, what: &str) -> SendError {
    let (code, what) = match (error.is_timeout(), error.is_builder()) {
        (true, _) => (ErrorCode::Timeout, "did not answer in time"),
        (_, true) => (ErrorCode::Validation, what),
        _ => (ErrorCode::Network, what),
    };
    SendError::new(code, format!("the webhook {what}")).with_source(error.without_url())
}

fn refused(response: &Response) -> SendError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let hint = if status.is_redirection() {
        "; redirects are not followed"
    } else {
        ""
    };
    SendError::new(code(status), format!("the webhook answered {status}{hint}"))
        .with_retry_after(retry_after.map(Duration::from_secs))
}

/// What a status means (RFC 9110); a server that fails may do better a moment later, as may one that was not reached.
fn code(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        401 | 403 | 407 => ErrorCode::Auth,
        404 | 410 => ErrorCode::NotFound,
        408 | 504 => ErrorCode::Timeout,
        413 => ErrorCode::PayloadTooLarge,
        429 => ErrorCode::RateLimited,
        500.. => ErrorCode::Network,
        _ => ErrorCode::Validation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_shown() {
        let url: WebhookUrl = "https://user:hush@hooks.example/hush?hush".parse().unwrap();
        let webhook = Webhook::new(url.clone(), AlertForm::Json).unwrap();
        assert!(!format!("{url:?} {webhook:?}").contains("hush"));
        for bad in [
            "",
            "hush",
            "hush hush",
            "/hush",
            "ftp://hush",
            "file:///hush",
            "https://",
            "https://hush:99999/",
            "http://[hush",
        ] {
            let error = bad.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(error.contains("not valid") && !error.contains("hush"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let check = |status: u16, expected: ErrorCode, again: bool| {
            let code = code(StatusCode::from_u16(status).unwrap());
            assert_eq!((code, code.policy().retries()), (expected, again), "{status}");
        };
        check(302, ErrorCode::Validation, false);
        check(400, ErrorCode::Validation, false);
        check(403, ErrorCode::Auth, false);
        check(404, ErrorCode::NotFound, false);
        check(410, ErrorCode::NotFound, false);
        check(429, ErrorCode::RateLimited, true);
        check(500, ErrorCode::Network, true);
        check(503, ErrorCode::Network, true);
        check(504, ErrorCode::Timeout, true);
    }
}
