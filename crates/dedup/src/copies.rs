//! Near-copies of whole repositories, found from the clusters of their files: forks that no forge calls so, vendored trees.
//!
//! A repository is **contained** in another when enough of its files have a duplicate there. Of these, the **copies** are
//! elected as files are: in rank order, a repository is a copy if and only if it is contained in a better-ranked one that is
//! not a copy itself.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::error::{Error, ErrorKind};

/// When a repository is contained in another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CopyConfig {
    /// The share of its files that have a duplicate in the other: over 0, at most 1. Default 0.8, ours: what is left in the
    /// forks that we looked at is a changed readme, settings, and a few new files.
    pub share: f64,
    /// Files that more repositories than this have (license texts, boilerplate) tell nothing and are not counted. It bounds
    /// the pairs of repositories that one cluster makes. Default 64, ours.
    pub max_holders: NonZeroUsize,
}

impl Default for CopyConfig {
    fn default() -> Self {
        Self {
            share: 0.8,
            max_holders: const { NonZeroUsize::new(64).unwrap() },
        }
    }
}

impl CopyConfig {
    /// The configuration with this share.
    ///
    /// # Errors
    /// [`ErrorKind::Threshold`] when it is not over 0 and at most 1.
    pub fn with_share(share: f64) -> Result<Self, Error> {
        if share > 0.0 && share <= 1.0 {
            Ok(Self {
                share,
                ..Self::default()
            })
        } else {
            Err(Error::new(ErrorKind::Threshold, format!("share {share}")))
        }
    }
}

/// A repository most of whose files have a duplicate in another. Repositories are named by rank, 0 is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Containment {
    /// The repository.
    pub inner: u32,
    /// The one that contains it.
    pub outer: u32,
    /// Files of `inner` that have a duplicate in `outer`.
    pub shared: u64,
    /// Files of `inner` that count.
    pub files: u64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Every containment, by `inner`, then by files shared, most first, then by `outer`.
    pub contained: Vec<Containment>,
    /// For each copy the containment in the kept repository that has most of it, by `inner`.
    pub copies: Vec<Containment>,
    /// Clusters that were left out for `max_holders`.
    pub left_out: u64,
}

/// Finds the containments and elects the copies. `files` gives the cluster and the repository of every file, clusters
/// together.
///
/// Memory grows with the pairs of repositories that share a counted cluster, time with `max_holders` a file.
pub fn repository_copies(config: &CopyConfig, files: impl IntoIterator<Item = (i64, u32)>) -> CopyReport {
    let mut tally = Tally::default();
    let mut cluster = Vec::new();
    let mut current = None;
    for (id, repository) in files {
        if current != Some(id) {
            tally.add(&mut cluster, config.max_holders.get());
            current = Some(id);
        }
        cluster.push(repository);
    }
    tally.add(&mut cluster, config.max_holders.get());
    tally.report(config)
}

#[derive(Default)]
struct Tally {
    /// Files of each repository that count.
    files: HashMap<u32, u64>,
    /// Files of the first that have a duplicate in the second.
    shared: HashMap<(u32, u32), u64>,
    left_out: u64,
}

impl Tally {
    /// Adds one cluster, given as the repositories of its files, and empties it.
    fn add(&mut self, cluster: &mut Vec<u32>, max_holders: usize) {
        cluster.sort_unstable();
        let holders: Vec<(u32, u64)> = cluster
            .chunk_by(|a, b| a == b)
            .map(|same| (same[0], same.len() as u64))
            .collect();
        cluster.clear();
        if holders.len() > max_holders {
            self.left_out += 1;
            return;
        }
        for &(inner, files) in &holders {
            *self.files.entry(inner).or_default() += files;
            for &(outer, _) in holders.iter().filter(|(outer, _)| *outer != inner) {
                *self.shared.entry((inner, outer)).or_default() += files;
            }
        }
    }

    fn report(self, config: &CopyConfig) -> CopyReport {
        let mut contained: Vec<Containment> = self
            .shared
            .into_iter()
            .map(|((inner, outer), shared)| Containment {
                inner,
                outer,
                shared,
                files: self.files.get(&inner).copied().unwrap_or(shared),
            })
            .filter(|found| found.shared as f64 >= config.share * found.files as f64)
            .collect();
        contained.sort_unstable_by_key(|found| (found.inner, u64::MAX - found.shared, found.outer));
        let mut copies: Vec<Containment> = Vec::new();
        for found in &contained {
            let copy = |rank: u32| copies.binary_search_by_key(&rank, |copy| copy.inner).is_ok();
            if found.outer < found.inner && !copy(found.inner) && !copy(found.outer) {
                copies.push(*found);
            }
        }
        CopyReport {
            contained,
            copies,
            left_out: self.left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn report(share: f64, files: &[(i64, u32)]) -> CopyReport {
        repository_copies(&CopyConfig::with_share(share).unwrap(), files.iter().copied())
    }

    #[test]
    fn a_fork_with_a_new_file_is_a_copy_and_its_origin_is_contained_in_it() {
        // Repository 0 has ten files, 1 has the same ten and a new one, 2 shares one.
        let mut files: Vec<(i64, u32)> = (0..10).flat_map(|cluster| [(cluster, 0), (cluster, 1)]).collect();
        files.push((9, 2));
        files.extend([(10, 1), (11, 2), (12, 2)]);
        let found = report(0.8, &files);
        let shown: Vec<_> = found
            .contained
            .iter()
            .map(|c| (c.inner, c.outer, c.shared, c.files))
            .collect();
        assert_eq!(shown, [(0, 1, 10, 10), (1, 0, 10, 11)]);
        assert_eq!(found.copies, [found.contained[1]]);
    }

    #[test]
    fn a_copy_of_a_copy_is_no_copy_unless_it_is_one_of_the_kept_repository() {
        // 1 has four of the five files of 0; 2 has four of those of 1, three of them of 0.
        let files = [
            (0, 0),
            (1, 0),
            (2, 0),
            (3, 0),
            (4, 0),
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 1),
            (5, 1),
            (1, 2),
            (2, 2),
            (3, 2),
            (5, 2),
            (6, 2),
        ];
        let mut sorted = files;
        sorted.sort_unstable();
        let found = report(0.8, &sorted);
        let copies: Vec<_> = found.copies.iter().map(|c| (c.inner, c.outer)).collect();
        assert_eq!(copies, [(1, 0)]);
    }

    #[test]
    fn files_that_everybody_has_tell_nothing() {
        let license: Vec<(i64, u32)> = (0..100).map(|repository| (0, repository)).collect();
        let found = report(0.5, &license);
        assert_eq!((found.contained.len(), found.left_out), (0, 1));
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        for bad in [0.0, -1.0, 1.1, f64::NAN] {
            assert_eq!(CopyConfig::with_share(bad).unwrap_err().kind(), ErrorKind::Threshold);
        }
    }

    proptest! {
        #[test]
        fn every_copy_is_contained_in_a_better_repository_that_stays(
            files in prop::collection::btree_set((0_i64..30, 0_u32..8), 0..120),
            share in 0.2_f64..=1.0,
        ) {
            let files: Vec<_> = files.into_iter().collect();
            let found = report(share, &files);
            let of = |repository: u32| -> BTreeSet<i64> {
                files.iter().filter(|(_, r)| *r == repository).map(|(cluster, _)| *cluster).collect()
            };
            let copies: BTreeSet<u32> = found.copies.iter().map(|copy| copy.inner).collect();
            prop_assert_eq!(copies.len(), found.copies.len());
            for repository in 0..8 {
                let own = of(repository);
                let contained = |other: u32| {
                    !own.is_empty() && own.intersection(&of(other)).count() as f64 >= share * own.len() as f64
                        && own.intersection(&of(other)).count() > 0
                };
                let kept_better = (0..repository).any(|other| !copies.contains(&other) && contained(other));
                prop_assert_eq!(copies.contains(&repository), kept_better, "{}", repository);
            }
        }
    }
}
