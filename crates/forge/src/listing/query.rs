//! Which repositories of which forge.

use std::fmt;
use std::str::FromStr;

use codelupe_core::text::display_name;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::bounds;
use crate::error::{Error, ErrorKind};
use crate::site::{Site, SiteKind, is_full_name, is_segment};

/// The longest query in bytes.
const MAX_QUERY_BYTES: usize = 2048;

/// The longest value of a qualifier in bytes; GitHub's search takes no longer text.
const MAX_VALUE_BYTES: usize = 256;

/// Repositories of a forge, as a user names them.
///
/// - `github:owner/name`, `gitlab:group/project`, `gitea:HOST/owner/name`: one repository;
/// - `github:owner`, `gitlab:group`, `forgejo:HOST/owner`: those of an owner;
/// - `github?language=rust&stars=>500`, `gitea:HOST?topic=x`: a search.
///
/// `github` and `gitlab` mean the public instance unless the first part after the colon is a host: has a dot or a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Query {
    kind: SiteKind,
    host: String,
    target: Target,
}

/// What a [`Query`] is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// One repository by its full name.
    Repository(String),
    /// All of an owner; on GitLab a group and those within.
    Owner(String),
    /// What a search finds; no qualifier twice but `topic`.
    Search(Vec<(Qualifier, String)>),
}

/// What a search can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Qualifier {
    /// The main language.
    Language,
    /// The number of stars: `>500`, `10..20`.
    Stars,
    /// A topic; may be given more than once.
    Topic,
    /// The license, as the forge calls it.
    License,
    /// When it was made: `2020-01-01`, `>=2020-01-01`, `2019-01-01..2020-01-01`.
    Created,
    /// When something was last pushed.
    Pushed,
    /// The size in KiB.
    Size,
    /// The number of forks.
    Forks,
    /// `true` or `false`.
    Archived,
    /// `true`: forks too, `false`: none, `only`.
    Fork,
    /// Free text, in the forge's own syntax.
    Q,
}

use Qualifier::{Archived, Created, Fork, Forks, Language, License, Pushed, Q, Size, Stars, Topic};

impl Qualifier {
    /// Its name in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Language => "language",
            Stars => "stars",
            Topic => "topic",
            License => "license",
            Created => "created",
            Pushed => "pushed",
            Size => "size",
            Forks => "forks",
            Archived => "archived",
            Fork => "fork",
            Q => "q",
        }
    }

    /// The qualifiers that a forge knows.
    pub const fn known(kind: SiteKind) -> &'static [Self] {
        match kind {
            SiteKind::GitHub => &[
                Language, Stars, Topic, License, Created, Pushed, Size, Forks, Archived, Fork, Q,
            ],
            SiteKind::GitLab => &[Language, Topic, Archived, Q],
            SiteKind::Gitea => &[Topic, Archived, Fork, Q],
        }
    }

    /// Why `value` is not valid for it.
    fn fault(self, value: &str) -> Option<&'static str> {
        let any_number = |text| bounds::numbers(text, u64::MAX - 1).is_some();
        let any_second = |text| bounds::seconds(text, (i64::MIN, i64::MAX)).is_some();
        match self {
            _ if value.is_empty() || value.len() > MAX_VALUE_BYTES => Some("is empty or too long"),
            _ if value.chars().any(char::is_control) => Some("holds a control character"),
            Q => None,
            _ if value.contains('"') => Some("holds a quotation mark"),
            Stars | Size | Forks if !any_number(value) => Some("is not a number such as `>500` or `10..20`"),
            Created | Pushed if !any_second(value) => Some("is not a date such as `>=2020-01-31`"),
            Archived if !matches!(value, "true" | "false") => Some("is not true or false"),
            Fork if !matches!(value, "true" | "false" | "only") => Some("is not true, false or only"),
            _ => None,
        }
    }
}

impl Query {
    /// The forge's software.
    pub const fn kind(&self) -> SiteKind {
        self.kind
    }

    /// The forge's host, with a port where one was given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The forge, over https. One that is reached in another way has to be stated as a [`Site`].
    ///
    /// # Errors
    /// `Invalid` when the host cannot stand in an address.
    pub fn site(&self) -> Result<Site, Error> {
        Site::new(self.kind, &format!("https://{}", self.host))
    }

    /// What it is for.
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

impl FromStr for Query {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text).map_err(|why| {
            let shown = display_name(text.as_bytes());
            Error::new(ErrorKind::Invalid, format!("query `{shown}`: {why}"))
        })
    }
}

fn read(text: &str) -> Result<Query, String> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(format!("longer than {MAX_QUERY_BYTES} bytes"));
    }
    let (place, search) = text
        .split_once('?')
        .map_or((text, None), |(place, search)| (place, Some(search)));
    let (name, rest) = place.split_once(':').unwrap_or((place, ""));
    let kind = match name {
        "github" => SiteKind::GitHub,
        "gitlab" => SiteKind::GitLab,
        "gitea" | "forgejo" => SiteKind::Gitea,
        _ => return Err("it begins with none of github, gitlab, gitea, forgejo".to_owned()),
    };
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, path) = match kind.usual_host() {
        Some(usual) if !first.contains(['.', ':']) => (usual, rest),
        _ => (first, after),
    };
    if !is_host(host) {
        return Err("it names no host, such as gitea:git.example.org".to_owned());
    }
    let target = match search {
        Some(search) if path.is_empty() => Target::Search(qualifiers(kind, search)?),
        Some(_) => return Err("a search of one owner is not supported".to_owned()),
        None if is_segment(path) => Target::Owner(path.to_owned()),
        None if is_full_name(kind, path) => Target::Repository(path.to_owned()),
        None => return Err("neither owner nor owner/name".to_owned()),
    };
    Ok(Query {
        kind,
        host: host.to_ascii_lowercase(),
        target,
    })
}

/// A host name or an IPv4 address, with or without a port.
fn is_host(text: &str) -> bool {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    is_segment(host) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn qualifiers(kind: SiteKind, text: &str) -> Result<Vec<(Qualifier, String)>, String> {
    // A plus is one: `c++`.
    let text = text.replace('+', "%2B");
    let mut found: Vec<(Qualifier, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let Some(qualifier) = Qualifier::known(kind)
            .iter()
            .copied()
            .find(|known| known.name() == name)
        else {
            let known: Vec<_> = Qualifier::known(kind).iter().map(|known| known.name()).collect();
            let shown = display_name(name.as_bytes());
            return Err(format!(
                "{kind} has no qualifier `{shown}`; it knows {}",
                known.join(", ")
            ));
        };
        if let Some(fault) = qualifier.fault(&value) {
            return Err(format!("the value of `{name}` {fault}"));
        }
        if qualifier != Topic && found.iter().any(|(other, _)| *other == qualifier) {
            return Err(format!("`{name}` stands twice"));
        }
        found.push((qualifier, value.into_owned()));
    }
    if found.is_empty() {
        Err("a search without a qualifier".to_owned())
    } else {
        Ok(found)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let is_usual = self.kind.usual_host() == Some(&self.host);
        if !is_usual {
            write!(f, ":{}", self.host)?;
        }
        match &self.target {
            Target::Repository(path) | Target::Owner(path) => {
                write!(f, "{}{path}", if is_usual { ':' } else { '/' })
            }
            Target::Search(qualifiers) => {
                for (position, (qualifier, value)) in qualifiers.iter().enumerate() {
                    let sign = if position == 0 { '?' } else { '&' };
                    write!(f, "{sign}{}={}", qualifier.name(), escaped(value))?;
                }
                Ok(())
            }
        }
    }
}

/// A value with the few characters escaped that mean something in a query.
fn escaped(value: &str) -> String {
    value.replace('%', "%25").replace('&', "%26").replace('#', "%23")
}

impl TryFrom<String> for Query {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Query> for String {
    fn from(query: Query) -> Self {
        query.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_users_write() {
        let check = |text: &str, kind, host: &str, target| {
            let query: Query = text.parse().unwrap();
            assert_eq!(
                (query.kind(), query.host(), query.target()),
                (kind, host, &target),
                "{text}"
            );
            assert_eq!(query.to_string(), text.replace("forgejo", "gitea"));
        };
        let repository = |name: &str| Target::Repository(name.to_owned());
        check("github:a/b", SiteKind::GitHub, "github.com", repository("a/b"));
        check(
            "github:a",
            SiteKind::GitHub,
            "github.com",
            Target::Owner("a".to_owned()),
        );
        check(
            "github:127.0.0.1:81/a/b",
            SiteKind::GitHub,
            "127.0.0.1:81",
            repository("a/b"),
        );
        check("gitlab:a/b/c", SiteKind::GitLab, "gitlab.com", repository("a/b/c"));
        check("gitlab:x.org/a/b", SiteKind::GitLab, "x.org", repository("a/b"));
        check(
            "forgejo:x.org:3000/a/b",
            SiteKind::Gitea,
            "x.org:3000",
            repository("a/b"),
        );
        check(
            "gitea:localhost/a",
            SiteKind::Gitea,
            "localhost",
            Target::Owner("a".to_owned()),
        );
        let search = |pairs: &[(Qualifier, &str)]| {
            Target::Search(
                pairs
                    .iter()
                    .map(|(qualifier, value)| (*qualifier, (*value).to_owned()))
                    .collect(),
            )
        };
        let text = "github?language=c++&stars=>500&topic=a&topic=b&q=free text";
        let pairs = [
            (Language, "c++"),
            (Stars, ">500"),
            (Topic, "a"),
            (Topic, "b"),
            (Q, "free text"),
        ];
        check(text, SiteKind::GitHub, "github.com", search(&pairs));
        check("gitea:x.org?topic=x", SiteKind::Gitea, "x.org", search(&[(Topic, "x")]));
    }

    #[test]
    fn the_forge_of_a_query() {
        for (text, api) in [
            ("github:a/b", "https://api.github.com/"),
            ("gitlab?q=x", "https://gitlab.com/api/v4/"),
            ("forgejo:Codeberg.org/a", "https://codeberg.org/api/v1/"),
        ] {
            let query: Query = text.parse().unwrap();
            let site = query.site().unwrap();
            assert_eq!((site.api().as_str(), site.host().as_str()), (api, query.host()));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |text: &str, words: &str| {
            let error = text.parse::<Query>().unwrap_err();
            assert!(error.to_string().contains(words), "{text}: {error}");
        };
        check("github?color=red", "no qualifier `color`; it knows language, stars");
        check("gitlab?stars=1", "no qualifier `stars`; it knows language, topic");
        check("github?", "without a qualifier");
        check("github?stars=many", "the value of `stars` is not a number");
        check("github?created=soon", "is not a date");
        check("github?archived=maybe", "true or false");
        check("github?stars=1&stars=2", "stands twice");
        check("github?topic=a\" is:private", "quotation mark");
        check("github?language=a%0ab", "control character");
        check("bitbucket:a/b", "begins with none");
        check("gitea:/a/b", "no host");
        check("gitea:x.org:0/a/b", "no host");
        check("github:a/b/c", "neither owner nor");
        check("github:a/../b", "neither owner nor");
        check("github:", "neither owner nor");
        check("github:a?topic=x", "not supported");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_written(
            text in "(github|gitlab|gitea|forgejo)?[:?]?[a-z0-9:/?&=%+#.>* \"é]{0,40}",
        ) {
            if let Ok(query) = text.parse::<Query>() {
                prop_assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
            }
        }
    }
}
