//! Requests as they were made.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::http::request::Parts;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// When it came.
    pub at: Instant,
}

impl Asked {
    pub(super) fn new(parts: &Parts, body: &[u8]) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let header = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), header(value)))
                .collect(),
            body: String::from_utf8_lossy(body).into_owned(),
            at: Instant::now(),
        }
    }

    /// A number of the query.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.query.get(name)?.parse().ok()
    }

    /// The page that is asked for, and how many entries it may have.
    pub(super) fn page(&self, size: &str, usual: u64, most: u64) -> (usize, usize) {
        let page = self.number("page").unwrap_or(1).max(1);
        let size = self.number(size).unwrap_or(usual).clamp(1, most);
        (
            usize::try_from(page).expect("a page"),
            usize::try_from(size).expect("a size"),
        )
    }

    /// The link to another page of the same listing.
    pub(super) fn link(&self, base: &str, name: &str, value: u64) -> String {
        let mut query = self.query.clone();
        query.insert(name.to_owned(), value.to_string());
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        format!("<{base}{}?{query}>; rel=\"next\"", self.path)
    }
}
