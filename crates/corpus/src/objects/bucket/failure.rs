//! What an answer of a store means. No text of a store is passed on: it may hold what a request was signed with.

use std::error::Error as StdError;
use std::fmt;

use object_store::Error as StoreError;

use super::StoreUrl;
use crate::error::{Error, ErrorKind};

/// How stores say that a bucket is not there.
const NO_BUCKET: [&str; 3] = [
    "NoSuchBucket",
    "ContainerNotFound",
    "The specified bucket does not exist",
];

/// What the client says of a variable that is missing, and its name.
const MISSING: [(&str, &str); 3] = [
    ("Missing AccessKeyId", "AWS_ACCESS_KEY_ID"),
    ("Missing SecretAccessKey", "AWS_SECRET_ACCESS_KEY"),
    ("Account must be specified", "AZURE_STORAGE_ACCOUNT_NAME"),
];

/// The error of variables that no client can be made of; `culprit` is the one that it fails for. What the client says is not
/// passed on: it may repeat the value.
pub(super) fn of_settings(url: &StoreUrl, error: &StoreError, culprit: Option<&str>) -> Error {
    let said = error.to_string();
    let missing = MISSING.iter().find(|(words, _)| said.contains(words));
    let context = match (missing, culprit) {
        (Some((_, name)), _) => format!("the store `{url}` needs the environment variable {name}"),
        (None, Some(name)) => {
            format!("the environment variable {name} for the store `{url}` has a value that cannot be")
        }
        (None, None) => {
            let variables = url.provider().variables();
            format!("no client of the store `{url}` can be made of the environment variables {variables}…")
        }
    };
    Error::new(ErrorKind::Invalid, context)
}

/// The error of a request that was not answered, or not as it should be.
pub(super) fn of_request(url: &StoreUrl, doing: &str, place: &str, error: &StoreError) -> Error {
    let text = error.to_string();
    if NO_BUCKET.iter().any(|words| text.contains(words)) {
        let context = format!("there is no bucket `{}` for the store `{url}`", url.bucket());
        return Error::new(ErrorKind::NoBucket, context);
    }
    let kind = match error {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => ErrorKind::Auth,
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } | StoreError::InvalidPath { .. } => {
            ErrorKind::Invalid
        }
        // Not every provider's client says so by a kind of its own.
        _ if matches!(status(&text), Some(401 | 403)) => ErrorKind::Auth,
        _ if status(&text).is_some() => ErrorKind::Unavailable,
        _ if root(error).contains("timed out") => ErrorKind::Timeout,
        _ => ErrorKind::Network,
    };
    Error::new(kind, format!("cannot {doing} `{place}`")).with_source(Answer::of(&text, error))
}

/// What a store answered, without anything secret.
#[derive(Debug)]
struct Answer(String);

impl Answer {
    fn of(text: &str, error: &StoreError) -> Self {
        let between = |begin: &str, end: &str| Some(text.split_once(begin)?.1.split_once(end)?.0);
        let code = between("<Code>", "</Code>").filter(|code| code.chars().all(|c| c.is_ascii_alphanumeric()));
        match (status(text), code) {
            (Some(status), Some(code)) => Self(format!("it answered {status}, {code}")),
            (Some(status), None) => Self(format!("it answered {status}")),
            (None, Some(code)) => Self(format!("it answered {code}")),
            (None, None) => Self(root(error)),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Answer {}

/// The HTTP status that the client tells of.
fn status(text: &str) -> Option<u16> {
    let after = text.split_once("status code: ")?.1;
    after.get(..3)?.parse().ok()
}

/// The words of the first cause, which are those of the operating system or of the HTTP library.
fn root(error: &StoreError) -> String {
    /// An error may be its own source.
    const MAX_CHAIN: usize = 32;
    let chain = std::iter::successors(Some(error as &dyn StdError), |error| (*error).source());
    chain
        .take(MAX_CHAIN)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    #[test]
    fn a_failure_has_its_kind_and_tells_no_secret() {
        let url: StoreUrl = "s3://corpus/a".parse().unwrap();
        let denied = |text: &str| StoreError::PermissionDenied {
            path: "a/b".to_owned(),
            source: text.to_owned().into(),
        };
        let body = "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
                    <AWSAccessKeyId>hush</AWSAccessKeyId></Error>";
        for (error, kind, word) in [
            (denied(body), ErrorKind::Auth, "it answered 403, SignatureDoesNotMatch"),
            (
                generic("non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code>hush"),
                ErrorKind::NoBucket,
                "no bucket `corpus`",
            ),
            (
                generic("non-2xx status code: 503 Slow: <Code>SlowDown</Code> hush"),
                ErrorKind::Unavailable,
                "it answered 503, SlowDown",
            ),
            (
                generic("non-2xx status code: 403 Forbidden: hush"),
                ErrorKind::Auth,
                "it answered 403",
            ),
            (generic("operation timed out"), ErrorKind::Timeout, "cannot read"),
            (generic("connection reset"), ErrorKind::Network, "connection reset"),
        ] {
            let error = of_request(&url, "read", "s3://corpus/a/b", &error);
            let shown = format!(
                "{error}: {}",
                error.source().map(ToString::to_string).unwrap_or_default()
            );
            assert_eq!(error.kind(), kind, "{shown}");
            assert!(shown.contains(word) && !shown.contains("hush"), "{shown}");
            assert!(!format!("{error:?}").contains("hush"));
        }
    }
}
