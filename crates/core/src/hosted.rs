//! Repositories as a forge describes them, and the stretches that a listing of them is cut into.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A repository as its forge describes it: what a listing tells, nothing that was read from its files.
///
/// The identity is (`forge`, `id`). Names change: a renamed or transferred repository keeps its id. Whatever the forge
/// did not say, or said in a form that was not understood, is `None`, empty or false; `raw` has it all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a forge tells that many things that are so or not"
)]
pub struct HostedRepository {
    /// The forge instance: its host name, with the port when it is not the usual one; `github.com`.
    pub forge: String,
    /// The forge's own number for it.
    pub id: u64,
    /// The id that GitHub's GraphQL asks by.
    pub node_id: Option<String>,
    /// `owner/name`; GitLab has groups within groups, so there may be more segments.
    pub full_name: String,
    /// The address that it is fetched from, without credentials. It is made of the forge's address and `full_name`, never
    /// taken from an answer.
    pub clone_url: String,
    /// What it says about itself.
    pub description: Option<String>,
    /// Its home page.
    pub homepage: Option<String>,
    /// Its topics, sorted.
    pub topics: Vec<String>,
    /// The license that the forge detected, an SPDX id; `NOASSERTION` where it found one that it does not know.
    pub license: Option<String>,
    /// The main language, in linguist's spelling.
    pub language: Option<String>,
    /// Bytes of each language, where the forge tells.
    pub languages: BTreeMap<String, u64>,
    /// Stars.
    pub stars: Option<u64>,
    /// Forks of it.
    pub forks: Option<u64>,
    /// Users who are notified of its changes; not the stars, which GitHub's `watchers_count` repeats.
    pub watchers: Option<u64>,
    /// Open issues, where the forge counts them; GitHub counts pull requests in.
    pub open_issues: Option<u64>,
    /// Size in KiB of the bare repository on the server; old, and 0 for some.
    pub size_kib: Option<u64>,
    /// Whether it is a fork.
    pub fork: bool,
    /// The id of what it was forked from.
    pub parent: Option<u64>,
    /// Whether its owner has made it read-only.
    pub archived: bool,
    /// Whether the forge has locked it.
    pub disabled: bool,
    /// Whether it mirrors a repository elsewhere.
    pub mirror: bool,
    /// Whether it is a template for others.
    pub template: bool,
    /// Whether it is not public.
    pub private: bool,
    /// Whether the forge says that it has no commit.
    pub empty: bool,
    /// The branch that `HEAD` names.
    pub default_branch: Option<String>,
    /// When it was made, in seconds since the Unix epoch.
    pub created_at: Option<i64>,
    /// When something was last pushed.
    pub pushed_at: Option<i64>,
    /// When its description last changed.
    pub updated_at: Option<i64>,
    /// The forge's answer, as JSON.
    pub raw: String,
}

/// A stretch of a listing, cut so that the forge lists all of it: forges end a search after a fixed number of results.
///
/// Bounds are inclusive. Slices of one listing never overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slice {
    /// The first and the last second of creation, since the Unix epoch; `None`: any.
    pub created: Option<(i64, i64)>,
    /// The lowest and the highest number of stars, for a second that is too full; `None`: any.
    pub stars: Option<(u64, u64)>,
}

/// The highest number of stars that a slice asks for: more than any repository has.
const MAX_STARS: u64 = 10_000_000;

impl Slice {
    /// Two slices that make up this one; `None` when it cannot be cut: one second and one number of stars.
    ///
    /// Time is halved down to a second. Then stars are: at the geometric mean, since most repositories have few.
    pub fn halves(self) -> Option<[Self; 2]> {
        match (self.created, self.stars) {
            (Some((from, to)), _) if from < to => {
                let middle = from.midpoint(to);
                let with = |created| Self {
                    created: Some(created),
                    ..self
                };
                Some([with((from, middle)), with((middle + 1, to))])
            }
            (_, stars) => {
                let (low, high) = stars.unwrap_or((0, MAX_STARS));
                if low >= high {
                    return None;
                }
                let middle = ((low + 1) * (high + 1)).isqrt().saturating_sub(1).clamp(low, high - 1);
                let with = |stars| Self {
                    stars: Some(stars),
                    ..self
                };
                Some([with((low, middle)), with((middle + 1, high))])
            }
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = false;
        if let Some((from, to)) = self.created {
            write!(f, "created {from}..{to}")?;
            written = true;
        }
        if let Some((low, high)) = self.stars {
            let space = if written { " " } else { "" };
            write!(f, "{space}stars {low}..{high}")?;
            written = true;
        }
        if written { Ok(()) } else { f.write_str("all") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(created: (i64, i64), stars: Option<(u64, u64)>) -> Slice {
        Slice {
            created: Some(created),
            stars,
        }
    }

    #[test]
    fn halving_ends_in_single_seconds_and_stars_and_loses_nothing() {
        let mut open = vec![slice((100, 107), None)];
        let mut seconds = Vec::new();
        while let Some(next) = open.pop() {
            match next.created {
                Some((from, to)) if from == to => seconds.push(from),
                _ => open.extend(next.halves().unwrap()),
            }
        }
        seconds.sort_unstable();
        assert_eq!(seconds, (100..=107).collect::<Vec<_>>());

        let mut open = vec![slice((5, 5), Some((0, 40)))];
        let mut stars = Vec::new();
        while let Some(next) = open.pop() {
            match next.halves() {
                Some(halves) => open.extend(halves),
                None => stars.push(next.stars.unwrap()),
            }
        }
        stars.sort_unstable();
        assert_eq!(stars, (0..=40).map(|n| (n, n)).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_second_is_cut_by_stars_where_most_repositories_are() {
        let [low, high] = slice((5, 5), None).halves().unwrap();
        assert_eq!(low.stars.unwrap().0, 0);
        assert!(low.stars.unwrap().1 < 10_000, "{low}");
        assert_eq!(high.stars.unwrap(), (low.stars.unwrap().1 + 1, MAX_STARS));
    }
}
