//! The places of repositories that a user names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use codelupe_core::{text::display_name, text::display_path};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::listing::Query;
use crate::remote::Remote;

/// A place with repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// `PATH`: detected from what is there, see [`discover`](crate::discover()).
    Auto(PathBuf),
    /// `repos:PATH`: every child folder is one repository.
    Repositories(PathBuf),
    /// `repo:PATH`: the folder is one repository.
    Repository(PathBuf),
    /// `https://…` or `http://…`: the repository at that address.
    Remote(Remote),
    /// `github:…`, `gitlab?…`: what a forge lists.
    Hosted(Query),
}

/// How queries of a forge begin.
const FORGES: [&str; 4] = ["github", "gitlab", "gitea", "forgejo"];

/// Prefixes of what is neither a folder nor an address that is fetched.
const OTHERS: [&str; 4] = ["git@", "ssh:", "git:", "file:"];

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: &str| {
            let shown = display_name(text.as_bytes());
            Err(Error::new(ErrorKind::Invalid, format!("source `{shown}`: {why}")))
        };
        if text.starts_with("https://") || text.starts_with("http://") {
            return Remote::at(text).map(Self::Remote);
        }
        if FORGES.iter().any(|forge| {
            text.strip_prefix(forge)
                .is_some_and(|rest| rest.starts_with([':', '?']))
        }) {
            return text.parse().map(Self::Hosted);
        }
        let (make, path): (fn(PathBuf) -> Self, &str) = if let Some(path) = text.strip_prefix("repos:") {
            (Self::Repositories, path)
        } else if let Some(path) = text.strip_prefix("repo:") {
            (Self::Repository, path)
        } else {
            (Self::Auto, text)
        };
        if path.is_empty() {
            invalid("the path is empty")
        } else if path.contains('\0') {
            invalid("the path holds a NUL byte")
        } else if path.contains("://") || OTHERS.iter().any(|prefix| path.starts_with(prefix)) {
            invalid("only https:// and http:// are fetched")
        } else {
            Ok(make(PathBuf::from(path)))
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto(path) => f.write_str(&display_path(path)),
            Self::Repositories(path) => write!(f, "repos:{}", display_path(path)),
            Self::Repository(path) => write!(f, "repo:{}", display_path(path)),
            Self::Remote(remote) => f.write_str(&remote.url),
            Self::Hosted(query) => write!(f, "{query}"),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Source> for String {
    /// The text that parses back, where the path is UTF-8.
    fn from(source: Source) -> Self {
        match source {
            Source::Auto(path) => path.to_string_lossy().into_owned(),
            Source::Repositories(path) => format!("repos:{}", path.to_string_lossy()),
            Source::Repository(path) => format!("repo:{}", path.to_string_lossy()),
            Source::Remote(remote) => remote.url,
            Source::Hosted(query) => query.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_choose_and_print_back() {
        let check = |text: &str, expected: Source| {
            let source: Source = text.parse().unwrap();
            assert_eq!(source, expected);
            assert_eq!(source.to_string(), text);
        };
        check("a/b", Source::Auto("a/b".into()));
        check("repos:a/b", Source::Repositories("a/b".into()));
        check("repo:.", Source::Repository(".".into()));
        check("odd:name", Source::Auto("odd:name".into()));
        let remote = Remote::at("https://example.org/a/b.git").unwrap();
        check("https://example.org/a/b.git", Source::Remote(remote));
        check("github:a/b", Source::Hosted("github:a/b".parse().unwrap()));
        check("github", Source::Auto("github".into()));
    }

    #[test]
    fn addresses_and_nothing_are_refused_with_the_text_in_the_message() {
        for bad in [
            "",
            "repo:",
            "https://example.org",
            "ssh://example.org/a/b",
            "git@example.org:a/b",
            "file:///a",
            "repo:https://example.org/a/b",
            "a\0",
        ] {
            let error = bad.parse::<Source>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(
                bad.starts_with("https") || error.to_string().starts_with("source `"),
                "{error}"
            );
        }
    }
}
