//! What a forge has, and what goes wrong with it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use super::limits::Limits;
use super::{Limit, Reply};

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// Its number.
    pub id: u64,
    /// `owner/name`.
    pub full_name: String,
    /// When it was made, in seconds since the Unix epoch.
    pub created: i64,
    /// Stars.
    pub stars: u64,
    /// The main language.
    pub language: Option<&'static str>,
    /// The license, an SPDX id.
    pub license: Option<&'static str>,
    /// Topics.
    pub topics: Vec<&'static str>,
    /// The id of what it was forked from.
    pub parent: Option<u64>,
    /// Whether it is archived.
    pub archived: bool,
    /// What it says about itself.
    pub description: String,
}

impl Hosted {
    /// What stands before the last slash of the name.
    pub fn owner(&self) -> &str {
        self.full_name.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// The id of GitHub's GraphQL.
    pub fn node_id(&self) -> String {
        format!("R_{:08x}", self.id)
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Status 403 and the words of a secondary limit, nothing else.
    Secondary,
    /// Status 429 with `Retry-After` in seconds.
    RetryAfter(u64),
    /// A status and nothing else.
    Status(u16),
    /// Status 200 with a page for people.
    Html,
    /// GraphQL's limit: status 200 with an error.
    GraphqlLimited,
    /// The body ends in the middle.
    Truncated,
    /// The first entry of the list is null, and a broken one comes after it.
    Malformed,
    /// `incomplete_results`.
    Incomplete,
    /// The link to the next page leads to another host.
    ForeignLink,
    /// The link to the next page leads to this page.
    LoopedLink,
}

impl Fault {
    /// The answer that comes instead of the real one.
    pub(super) fn instead(self) -> Option<Reply> {
        match self {
            Self::Secondary => Some(Reply::error(
                403,
                "You have exceeded a secondary rate limit. Please wait.",
            )),
            Self::RetryAfter(seconds) => {
                Some(Reply::error(429, "Too many requests").with("retry-after", seconds.to_string()))
            }
            Self::Status(status) => Some(Reply::error(status, "Fault")),
            Self::Html => Some(Reply {
                status: 200,
                headers: vec![("content-type", "text/html".to_owned())],
                body: b"<!DOCTYPE html><title>Maintenance</title>".to_vec(),
            }),
            Self::GraphqlLimited => Some(Reply {
                status: 200,
                ..Reply::error(200, "")
                    .with("x-ratelimit-remaining", "0")
                    .with_body(r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#)
            }),
            Self::Truncated | Self::Malformed | Self::Incomplete | Self::ForeignLink | Self::LoopedLink => None,
        }
    }
}

/// All that a forge has.
#[derive(Debug, Default)]
pub struct World {
    /// By id.
    pub repositories: BTreeMap<u64, Hosted>,
    /// Those that are not there any more, and the status that says why.
    pub gone: BTreeMap<u64, u16>,
    /// Names of before, which lead to the new one.
    pub renamed: BTreeMap<String, u64>,
    /// What goes wrong with the next requests, one each; `None`: nothing.
    pub faults: VecDeque<Option<Fault>>,
    /// What changes after every answer.
    pub drift: Option<fn(&mut World)>,
    /// Limits on requests.
    pub limits: Limits,
    /// The folder of bare repositories `owner/name.git` that git's own server gives out.
    pub git: Option<PathBuf>,
}

impl World {
    pub(super) fn new(repositories: Vec<Hosted>) -> Self {
        Self {
            repositories: repositories.into_iter().map(|hosted| (hosted.id, hosted)).collect(),
            ..Self::default()
        }
    }

    /// Renames or transfers a repository; the old name leads to it.
    pub fn rename(&mut self, id: u64, full_name: &str) {
        let hosted = self.repositories.get_mut(&id).expect("a repository of that id");
        let before = std::mem::replace(&mut hosted.full_name, full_name.to_owned());
        self.renamed.insert(before, id);
    }

    /// Takes a repository away; `status` 404, 403 or 451 says why.
    pub fn remove(&mut self, id: u64, status: u16) {
        self.repositories.remove(&id).expect("a repository of that id");
        self.gone.insert(id, status);
    }

    /// Limits `core`, `search` or `graphql`.
    pub fn limit(&mut self, resource: &'static str, limit: Limit) {
        self.limits.set(resource, limit);
    }

    /// Makes the next requests go wrong, in this order.
    pub fn fail(&mut self, faults: &[Fault]) {
        self.faults.extend(faults.iter().copied().map(Some));
    }

    pub(super) fn named(&self, full_name: &str) -> Option<&Hosted> {
        self.repositories.values().find(|hosted| hosted.full_name == full_name)
    }
}

/// `count` repositories, the same every time: ids from 1, seven owners, one made every `spacing` seconds since 2015.
pub fn generate(count: u64, spacing: i64) -> Vec<Hosted> {
    const LANGUAGES: [Option<&str>; 4] = [Some("Rust"), Some("Go"), Some("Jupyter Notebook"), None];
    const LICENSES: [Option<&str>; 3] = [Some("MIT"), Some("NOASSERTION"), None];
    const TOPICS: [&[&str]; 3] = [&["parser"], &[], &["web", "parser"]];
    let pick = |id: u64, of: usize| usize::try_from(id).expect("a small id") % of;
    (1..=count)
        .map(|id| Hosted {
            id,
            full_name: format!("owner{}/repo{id}", id % 7),
            created: 1_420_070_400 + spacing * i64::try_from(id).expect("a small id"),
            // Few have many, most have few.
            stars: 10_000 / (id * 7919 % 997 + 1),
            language: LANGUAGES[pick(id, 4)],
            license: LICENSES[pick(id, 3)],
            topics: TOPICS[pick(id, 3)].to_vec(),
            parent: (id % 10 == 0).then_some(id / 10),
            archived: id % 13 == 0,
            description: format!("repository number {id}"),
        })
        .collect()
}
