//! Instances of forges: what software, where.

use std::fmt;

use codelupe_core::text::display_name;
use codelupe_telemetry::Forge;
use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use crate::error::{Error, ErrorKind};
use crate::http::parse_url;

/// The software of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteKind {
    /// GitHub, GitHub Enterprise Server.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea, and Forgejo, whose listing is the same.
    #[serde(alias = "forgejo")]
    Gitea,
}

impl SiteKind {
    /// The host that is meant where none is named.
    pub(crate) const fn usual_host(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("github.com"),
            Self::GitLab => Some("gitlab.com"),
            Self::Gitea => None,
        }
    }
}

impl From<SiteKind> for Forge {
    fn from(kind: SiteKind) -> Self {
        match kind {
            SiteKind::GitHub => Self::GitHub,
            SiteKind::GitLab => Self::GitLab,
            SiteKind::Gitea => Self::Gitea,
        }
    }
}

impl fmt::Display for SiteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
        })
    }
}

/// An instance of a forge; in settings `{ kind = "gitea", url = "https://git.example.org" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stated", into = "Stated")]
pub struct Site {
    kind: SiteKind,
    base: Url,
}

/// A [`Site`] as settings state it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    kind: SiteKind,
    url: String,
}

impl TryFrom<Stated> for Site {
    type Error = Error;

    fn try_from(stated: Stated) -> Result<Self, Error> {
        Self::new(stated.kind, &stated.url)
    }
}

impl From<Site> for Stated {
    fn from(site: Site) -> Self {
        Self {
            kind: site.kind,
            url: site.base.into(),
        }
    }
}

impl Site {
    /// The instance whose pages are below `url`, `https://git.example.org`.
    ///
    /// # Errors
    /// `Invalid` when the address is not `http` or `https`, or holds a user, a query or a fragment.
    pub fn new(kind: SiteKind, url: &str) -> Result<Self, Error> {
        let mut base = parse_url(url)?;
        if base.query().is_some() || base.fragment().is_some() {
            let why = format!("forge `{}`: an address with a query", display_name(url.as_bytes()));
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(Self { kind, base })
    }

    /// Its software.
    pub const fn kind(&self) -> SiteKind {
        self.kind
    }

    /// Its host, with the port when it is not the usual one: the name that repositories are stored under.
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Where its API is, with a slash at the end: `https://api.github.com/`, or a folder of the instance. Tokens for listing
    /// belong here.
    pub fn api(&self) -> Url {
        let path = match self.kind {
            SiteKind::GitHub if self.host() == "github.com" => {
                let mut api = self.base.clone();
                // The host of an https address can be set.
                let _ = api.set_host(Some("api.github.com"));
                return api;
            }
            SiteKind::GitHub => "api/v3/",
            SiteKind::GitLab => "api/v4/",
            SiteKind::Gitea => "api/v1/",
        };
        self.below(path)
    }

    /// Where GitHub's GraphQL is.
    pub(crate) fn graphql(&self) -> Url {
        let api = self.api();
        match api.host_str() {
            Some("api.github.com") => {
                let mut url = api;
                url.set_path("/graphql");
                url
            }
            _ => self.below("api/graphql"),
        }
    }

    /// Where git fetches a repository; `full_name` has been checked.
    pub(crate) fn clone_url(&self, full_name: &str) -> String {
        self.below(&format!("{full_name}.git")).into()
    }

    /// The forges that everybody knows.
    pub(crate) fn public() -> Vec<Self> {
        let known = [
            (SiteKind::GitHub, "https://github.com"),
            (SiteKind::GitLab, "https://gitlab.com"),
            (SiteKind::Gitea, "https://codeberg.org"),
        ];
        known
            .into_iter()
            .filter_map(|(kind, url)| Self::new(kind, url).ok())
            .collect()
    }

    /// The name of the repository that is fetched from `url`, if it is one of this instance.
    pub(crate) fn full_name_of(&self, url: &Url) -> Option<String> {
        let path = url.path().strip_prefix(self.base.path())?.trim_end_matches('/');
        let name = path.strip_suffix(".git").unwrap_or(path);
        (url.origin() == self.base.origin() && is_full_name(self.kind, name)).then(|| name.to_owned())
    }

    /// Where it sends those who ask its API for an archive, when that is another origin: GitHub names
    /// `https://codeload.github.com` in its documentation, "Download a repository archive".
    pub(crate) fn download(&self) -> Option<Origin> {
        if self.kind != SiteKind::GitHub {
            return None;
        }
        let mut url = self.base.clone();
        let host = format!("codeload.{}", url.host_str()?);
        url.set_host(Some(&host)).ok()?;
        Some(url.origin())
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

/// Whether `text` can be `owner/name`, or `group/…/project` where there are groups within groups.
pub(crate) fn is_full_name(kind: SiteKind, text: &str) -> bool {
    let segments = text.split('/').count();
    let most = if kind == SiteKind::GitLab { 21 } else { 2 };
    text.len() <= 512 && (2..=most).contains(&segments) && text.split('/').all(is_segment)
}

/// Whether `text` can be one part of a name.
pub(crate) fn is_segment(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(good) && !text.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_apis() {
        let check = |kind, url: &str, host: &str, api: &str| {
            let site = Site::new(kind, url).unwrap();
            assert_eq!((site.host().as_str(), site.api().as_str()), (host, api));
        };
        check(
            SiteKind::GitHub,
            "https://github.com",
            "github.com",
            "https://api.github.com/",
        );
        check(
            SiteKind::GitHub,
            "http://127.0.0.1:81",
            "127.0.0.1:81",
            "http://127.0.0.1:81/api/v3/",
        );
        check(
            SiteKind::GitLab,
            "https://x.org/git/",
            "x.org",
            "https://x.org/git/api/v4/",
        );
        check(SiteKind::Gitea, "https://x.org:443", "x.org", "https://x.org/api/v1/");
        let github = Site::new(SiteKind::GitHub, "https://github.com").unwrap();
        assert_eq!(github.graphql().as_str(), "https://api.github.com/graphql");
        assert_eq!(github.clone_url("a/b"), "https://github.com/a/b.git");
        for bad in ["file:///x", "https://u:p@x.org", "https://x.org/?a", "x.org"] {
            assert_eq!(Site::new(SiteKind::GitLab, bad).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_repository_is_known_by_its_address() {
        let check = |kind, site: &str, url: &str, expected: Option<&str>| {
            let found = Site::new(kind, site).unwrap().full_name_of(&Url::parse(url).unwrap());
            assert_eq!(found.as_deref(), expected, "{url}");
        };
        let github = "https://github.com";
        check(SiteKind::GitHub, github, "https://github.com/a/b.git", Some("a/b"));
        check(SiteKind::GitHub, github, "https://github.com/a/b/", Some("a/b"));
        check(
            SiteKind::GitLab,
            "https://x.org/git",
            "https://x.org/git/a/b/c",
            Some("a/b/c"),
        );
        check(SiteKind::GitLab, "https://x.org/git", "https://x.org/a/b", None);
        check(SiteKind::GitHub, github, "https://github.com/a/b/c", None);
        check(SiteKind::GitHub, github, "http://github.com/a/b", None);
        check(SiteKind::GitHub, github, "https://github.com:444/a/b", None);
        let download = |kind, url: &str| {
            let origin = Site::new(kind, url).unwrap().download();
            origin.map(|origin| origin.ascii_serialization())
        };
        assert_eq!(
            download(SiteKind::GitHub, github).unwrap(),
            "https://codeload.github.com"
        );
        assert_eq!(download(SiteKind::GitLab, "https://gitlab.com"), None);
        assert_eq!(Site::public().len(), 3);
    }

    #[test]
    fn settings_state_what_and_where() {
        let site: Site = toml::from_str("kind = 'forgejo'\nurl = 'http://127.0.0.1:3000'").unwrap();
        assert_eq!((site.kind(), site.host().as_str()), (SiteKind::Gitea, "127.0.0.1:3000"));
        assert_eq!(
            toml::to_string(&site).unwrap(),
            "kind = \"gitea\"\nurl = \"http://127.0.0.1:3000/\"\n"
        );
        for bad in [
            "kind = 'gitea'",
            "kind = 'svn'\nurl = 'https://x.org'",
            "kind = 'gitea'\nurl = 'ftp://x.org'",
        ] {
            assert!(toml::from_str::<Site>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_plain() {
        assert!(is_full_name(SiteKind::GitHub, "a/b.c_d-9") && is_full_name(SiteKind::GitLab, "a/b/c"));
        for bad in ["a", "a/", "/b", "a/..", "a/b/c", "a/b?c", "a/b c", "a/%2e", "a/ü"] {
            assert!(!is_full_name(SiteKind::GitHub, bad), "{bad}");
        }
    }
}
