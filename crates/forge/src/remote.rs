//! A repository on a server.

use codelupe_core::{HostedRepository, RepoName, Repository, text::display_name};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::http::{parse_url, shown};

/// A repository that is fetched from an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Its name: host and path, `github.com/owner/name`.
    pub name: RepoName,
    /// The address that it is fetched from, without credentials.
    pub url: String,
    /// What it has in common with its forks.
    pub family: String,
    /// Stars on its forge, where known.
    pub stars: Option<u64>,
    /// Whether its forge calls it a fork.
    pub fork: bool,
}

impl Remote {
    /// The repository at an address of which nothing else is known.
    ///
    /// # Errors
    /// `Invalid` when such an address is not fetched, or could not name a repository.
    pub fn at(address: &str) -> Result<Self, Error> {
        let url = parse_url(address)?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let path = url.path().trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        let name: RepoName = format!("{host}{port}/{}", display_name(path.as_bytes()))
            .parse()
            .map_err(|error| {
                Error::new(ErrorKind::Invalid, format!("{} names no repository", shown(&url))).with_source(error)
            })?;
        Ok(Self {
            family: name.to_string(),
            name,
            url: shown(&url),
            stars: None,
            fork: false,
        })
    }

    /// The repository that a forge listed.
    ///
    /// # Errors
    /// As [`Self::at`], of its address.
    pub fn of(hosted: &HostedRepository) -> Result<Self, Error> {
        let family = match hosted.parent {
            Some(parent) => format!("{}#{parent}", hosted.forge),
            None => format!("{}#{}", hosted.forge, hosted.id),
        };
        Ok(Self {
            family,
            stars: hosted.stars,
            fork: hosted.fork,
            ..Self::at(&hosted.clone_url)?
        })
    }

    /// What is known of it before its files are read.
    pub fn describe(&self, revision: String) -> Repository {
        let host = self.name.as_str().split('/').next().unwrap_or_default();
        Repository {
            name: self.name.clone(),
            forge: host.to_owned(),
            origin: self.url.clone(),
            family: self.family.clone(),
            commit: None,
            revision,
            stars: self.stars,
            fork: self.fork,
            committed_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_host_and_path() {
        let check = |address: &str, expected: &str| assert_eq!(Remote::at(address).unwrap().name.as_str(), expected);
        check("https://github.com/BurntSushi/ripgrep", "github.com/BurntSushi/ripgrep");
        check("https://GitHub.com/a/b.git/", "github.com/a/b");
        check("http://127.0.0.1:8080/x.git?service=y#z", "127.0.0.1:8080/x");
        check("http://example.org/work/tree/.git", "example.org/work/tree");
        for bad in [
            "https://github.com",
            "https://github.com/a//b",
            "https://u:p@github.com/a/b",
            "git@github.com:a/b",
        ] {
            assert_eq!(Remote::at(bad).unwrap_err().kind(), ErrorKind::Invalid, "{bad}");
        }
        assert_eq!(
            Remote::at("https://example.org/a/../b").unwrap().name.as_str(),
            "example.org/b"
        );
    }
}
