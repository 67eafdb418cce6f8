//! Repositories: where code comes from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::display_name;

/// The longest repository name in bytes: two forge path segments of 255 and some room for a forge prefix.
pub const MAX_REPO_NAME_BYTES: usize = 1024;

/// The name that a user calls a repository by, unique in one catalogue: `owner/name`, or a folder's name.
///
/// It never starts or ends with `/`, never holds an empty, `.` or `..` segment, and holds no control character,
/// so that `REPO/PATH` can be told apart again and printing it is safe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RepoName(String);

impl RepoName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot name a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a repository name: {why}")]
pub struct ParseRepoNameError {
    name: String,
    why: &'static str,
}

impl FromStr for RepoName {
    type Err = ParseRepoNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let why = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_REPO_NAME_BYTES {
            "it is longer than 1024 bytes"
        } else if text.chars().any(char::is_control) {
            "it holds a control character"
        } else if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            "it holds an empty, `.` or `..` segment"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(ParseRepoNameError {
            name: display_name(text.as_bytes()),
            why,
        })
    }
}

impl<'de> Deserialize<'de> for RepoName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Prefix of the revision of a repository that was read from its forge's archive.
pub const ARCHIVE_REVISION: &str = "archive:";

/// One repository at one revision, as discovery describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Its name.
    pub name: RepoName,
    /// Where it comes from: `git` (an object database on disk), `folder` (plain files) or `crate` (an unpacked crate).
    pub forge: String,
    /// The address it was found at: a path or a URL, without credentials.
    pub origin: String,
    /// The family that it shares with its versions and copies: repositories of one family never cross a split.
    pub family: String,
    /// The commit in hexadecimal where there is one.
    pub commit: Option<String>,
    /// What tells one state of it from another: the commit, or a hash over names, sizes and times of its files. After
    /// [`ARCHIVE_REVISION`] the files are not faithful: a forge packed them up, and attributes of the repository may have
    /// left some out and changed others.
    pub revision: String,
    /// Stars on its forge, where known.
    pub stars: Option<u64>,
    /// Whether its forge calls it a fork.
    pub fork: bool,
    /// When the commit was made, in seconds since the Unix epoch, where known.
    pub committed_at: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_confuse_a_path_or_a_terminal_are_refused() {
        for good in ["ripgrep", "BurntSushi/ripgrep", "serde-1.0.229", "a b"] {
            assert_eq!(good.parse::<RepoName>().unwrap().as_str(), good);
        }
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "a\nb", "\u{1b}[0m"] {
            assert!(bad.parse::<RepoName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_prints_no_control_character() {
        let error = "a\u{1b}b".parse::<RepoName>().unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
