//! Where an error was met.

use serde::{Deserialize, Deserializer, Serialize};

use crate::text::display_bounded;

/// The longest text of a context in bytes. Paths of up to 4,096 bytes exist; their first part tells where to look.
const MAX_TEXT_BYTES: usize = 512;

/// Where an error was met, as far as it is known.
///
/// Its texts are safe to print and at most 512 bytes long: escaped and cut where they come in, by serde too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorContext {
    /// The repository's name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe")]
    pub repository: Option<String>,
    /// The path of a file, for display only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "safe")]
    pub path: Option<String>,
    /// The id of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<i64>,
    /// Which attempt it was; the first is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

impl ErrorContext {
    /// An empty context.
    pub const fn new() -> Self {
        Self {
            repository: None,
            path: None,
            job: None,
            attempt: None,
        }
    }

    /// With the name of a repository.
    #[must_use]
    pub fn with_repository(mut self, name: &str) -> Self {
        self.repository = Some(display_bounded(name.as_bytes(), MAX_TEXT_BYTES));
        self
    }

    /// With the path of a file, whatever its bytes are.
    #[must_use]
    pub fn with_path(mut self, path: &[u8]) -> Self {
        self.path = Some(display_bounded(path, MAX_TEXT_BYTES));
        self
    }

    /// With a job and its attempt; the first is 1.
    #[must_use]
    pub const fn with_job(mut self, job: i64, attempt: u32) -> Self {
        self.job = Some(job);
        self.attempt = Some(attempt);
        self
    }
}

fn safe<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| display_bounded(text.as_bytes(), MAX_TEXT_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_written() {
        let check = |context: ErrorContext, expected: &str| {
            assert_eq!(serde_json::to_string(&context).unwrap(), expected);
            assert_eq!(serde_json::from_str::<ErrorContext>(expected).unwrap(), context);
        };
        check(ErrorContext::new(), "{}");
        check(ErrorContext::new().with_job(7, 2), r#"{"job":7,"attempt":2}"#);
        check(
            ErrorContext::new().with_repository("a/b").with_path(b"src/\xff.rs"),
            r#"{"repository":"a/b","path":"src/\\xff.rs"}"#,
        );
    }

    #[test]
    fn foreign_text_is_made_safe_whichever_way_it_comes_in() {
        let foreign = format!("\u{1b}[31m{}", "a".repeat(600));
        let built = ErrorContext::new()
            .with_repository(&foreign)
            .with_path(foreign.as_bytes());
        let json = serde_json::json!({ "repository": foreign, "path": foreign });
        let read: ErrorContext = serde_json::from_value(json).unwrap();
        assert_eq!(read, built);
        for text in [built.repository.unwrap(), built.path.unwrap()] {
            assert!(text.starts_with("\\u{1b}[31maaa") && text.ends_with("a…"), "{text}");
            assert_eq!(text.len(), 512);
        }
    }
}
