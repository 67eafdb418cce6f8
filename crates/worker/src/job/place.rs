//! Where a repository is, in a form that JSON can hold.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use codelupe_core::RepoName;
use serde::{Deserialize, Serialize};

/// A repository that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RepositoryPlace {
    /// On this machine, or on a disk that all workers see.
    Local {
        /// Its name.
        name: RepoName,
        /// How it is read.
        kind: LocalKind,
        /// Where it is.
        path: PlacePath,
    },
    /// Elsewhere.
    Remote {
        /// Its name: host and path.
        name: RepoName,
        /// The address that it is fetched from, without credentials.
        url: String,
        /// What it has in common with its forks.
        family: String,
        /// Stars on its forge, where known.
        stars: Option<u64>,
        /// Whether its forge calls it a fork.
        fork: bool,
    },
}

/// How a repository of this machine is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalKind {
    /// From the object database, at the commit of `HEAD`.
    Git,
    /// From the files of a folder.
    Folder,
    /// From the files of an unpacked crate.
    Crate,
}

/// A path, as text where it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PlacePath {
    /// A path that is text.
    Text(String),
    /// An invalid path.
    Bytes(Vec<u8>),
}

impl From<&Path> for PlacePath {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }
}

impl From<PlacePath> for PathBuf {
    fn from(path: PlacePath) -> Self {
        match path {
            PlacePath::Text(text) => Self::from(text),
            PlacePath::Bytes(bytes) => Self::from(OsStr::from_bytes(&bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_survives_the_payload() {
        let check = |path: &[u8]| {
            let path = Path::new(OsStr::from_bytes(path));
            let text = serde_json::to_string(&PlacePath::from(path)).unwrap();
            let place: PlacePath = serde_json::from_str(&text).unwrap();
            assert_eq!(PathBuf::from(place), path);
        };
        check(b"/plain/path");
        check(b"/not \xff utf-8\n");
        check("/größe".as_bytes());
    }
}
