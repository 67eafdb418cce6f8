//! A repository that was found: where it is and how it is read.

use std::fmt;
use std::path::PathBuf;

use codelupe_core::{RepoName, text::display_path};
use serde::{Deserialize, Serialize};

use crate::remote::Remote;

/// A repository that was found, here or elsewhere, and not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// On this machine.
    Local(Located),
    /// At an address.
    Remote(Remote),
}

impl Found {
    /// Its name, unique in the source.
    pub fn name(&self) -> &RepoName {
        match self {
            Self::Local(located) => &located.name,
            Self::Remote(remote) => &remote.name,
        }
    }

    /// The repository, when it is on this machine.
    pub fn into_local(self) -> Option<Located> {
        match self {
            Self::Local(located) => Some(located),
            Self::Remote(_) => None,
        }
    }

    /// Its folder or its address, safe to store and print.
    pub fn place(&self) -> String {
        match self {
            Self::Local(located) => display_path(&located.path),
            Self::Remote(remote) => remote.url.clone(),
        }
    }
}

/// A repository on this machine that was found and not yet opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Its name, unique in the source.
    pub name: RepoName,
    /// Its folder, absolute and without links.
    pub path: PathBuf,
    /// How it is read.
    pub kind: Kind,
}

/// How a repository is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From the object database, at the commit of `HEAD`; the work tree is not looked at.
    Git,
    /// From the files of a folder, honoring `.gitignore` and `.ignore`.
    Folder,
    /// From the files of an unpacked crate, all of them.
    Crate,
}

impl Kind {
    /// The name that [`Repository::forge`](codelupe_core::Repository) carries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Folder => "folder",
            Self::Crate => "crate",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
