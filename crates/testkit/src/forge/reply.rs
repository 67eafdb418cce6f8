//! Answers.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::Asked;

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with JSON, and the `ETag` of it.
    pub(super) fn json(value: &Value) -> Self {
        let body = value.to_string();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self {
            status: 200,
            headers: vec![
                ("content-type", "application/json; charset=utf-8".to_owned()),
                ("etag", format!("W/\"{:016x}\"", hasher.finish())),
            ],
            body: body.into_bytes(),
        }
    }

    /// An error with a message.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body: json!({ "message": message }).to_string().into_bytes(),
        }
    }

    /// A redirect for good.
    pub(super) fn moved(to: String) -> Self {
        Self::error(301, "Moved Permanently").with("location", to)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Status 304 where the client has this answer already.
    pub(super) fn not_modified_if(self, asked: &Asked) -> Self {
        let etag = self
            .headers
            .iter()
            .find(|(name, _)| *name == "etag")
            .map(|(_, etag)| etag);
        if self.status != 200 || etag.is_none() || asked.headers.get("if-none-match") != etag {
            return self;
        }
        Self {
            status: 304,
            body: Vec::new(),
            ..self
        }
    }
}

impl Reply {
    pub(super) fn with_body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }
}
