//! Which files a training learns: new ones, of which none is skipped or learned twice, and some that were learned before.
//!
//! The cursor is the set of contents that a line of models has learned, which only the end of a training adds to, in the
//! transaction that registers the model. What is in a build and not in the set is new, in whatever order builds came, and
//! whatever a training left for the next.

use std::collections::HashSet;

use codelupe_core::{BlobId, Split};
use serde::{Deserialize, Serialize};

use crate::documents::Build;
use crate::error::Error;

/// The most files of a training, new and replayed together: its plan names each.
pub(crate) const MAX_FILES: usize = 1_000_000;

/// The files of a training, as the ids of their blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// Those that were not learned before, in the order in which they were chosen.
    pub new: Vec<BlobId>,
    /// Those that were.
    pub replayed: Vec<BlobId>,
    /// New ones that are left for the next training.
    pub left: u64,
}

impl Choice {
    /// All of them.
    pub(crate) fn all(&self) -> HashSet<BlobId> {
        self.new.iter().chain(&self.replayed).copied().collect()
    }

    /// New files in the build, whether chosen or not.
    pub(crate) fn found(&self) -> u64 {
        self.new.len() as u64 + self.left
    }
}

/// Chooses among the training files of a build.
///
/// Of more new files than `most`, whole repositories go first, in an order by hash, so that a training sees all kinds of them.
/// Of those learned before, as many are taken as make up `replay_share` of all, by hash with the seed.
pub(crate) fn choose(
    build: &Build,
    learned: &HashSet<BlobId>,
    most: u64,
    replay_share: f64,
    seed: u64,
) -> Result<Choice, Error> {
    let mut new = Vec::new();
    let mut old = Vec::new();
    let mut seen = HashSet::new();
    build.blobs(Split::Train, |repository, blob| {
        if !seen.insert(blob) {
            return;
        }
        if learned.contains(&blob) {
            old.push((keyed(seed, blob.as_bytes()), blob));
        } else {
            let repository = keyed(0, repository.as_bytes());
            new.push((repository, new.len(), blob));
        }
    })?;
    Ok(choice(new, old, most, replay_share))
}

fn choice(
    mut new: Vec<(BlobId, usize, BlobId)>,
    mut old: Vec<(BlobId, BlobId)>,
    most: u64,
    replay_share: f64,
) -> Choice {
    new.sort_unstable();
    old.sort_unstable();
    let taken = new
        .len()
        .min(usize::try_from(most).unwrap_or(usize::MAX))
        .min(MAX_FILES);
    let left = (new.len() - taken) as u64;
    let replayed = replayed(taken, replay_share).min(old.len()).min(MAX_FILES - taken);
    Choice {
        new: new.into_iter().take(taken).map(|(_, _, blob)| blob).collect(),
        replayed: old.into_iter().take(replayed).map(|(_, blob)| blob).collect(),
        left,
    }
}

/// How many old files make up that share beside so many new ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is under 1, so that the quotient is finite and positive"
)]
fn replayed(new: usize, share: f64) -> usize {
    (new as f64 * share / (1.0 - share)).round() as usize
}

/// A place in an order that depends on the seed.
fn keyed(seed: u64, bytes: &[u8]) -> BlobId {
    BlobId::of(&[&seed.to_le_bytes()[..], bytes].concat())
}

/// Of a split, the files of so many blobs at most, the same ones whatever else is in the build.
pub(crate) fn sample(build: &Build, split: Split, most: usize) -> Result<HashSet<BlobId>, Error> {
    let mut found = Vec::new();
    build.blobs(split, |_, blob| found.push((keyed(1, blob.as_bytes()), blob)))?;
    found.sort_unstable();
    found.dedup();
    found.truncate(most);
    Ok(found.into_iter().map(|(_, blob)| blob).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blob(number: usize) -> BlobId {
        BlobId::of(&number.to_le_bytes())
    }

    fn chosen(files: usize, learned: &HashSet<BlobId>, most: u64, share: f64) -> Choice {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for number in 0..files {
            let one = blob(number);
            if learned.contains(&one) {
                old.push((keyed(3, one.as_bytes()), one));
            } else {
                new.push((keyed(0, &[u8::try_from(number % 7).unwrap()]), new.len(), one));
            }
        }
        choice(new, old, most, share)
    }

    proptest! {
        #[test]
        fn run_after_run_every_file_is_learned_once(
            growth in prop::collection::vec(0_usize..40, 1..8),
            most in 1_u64..30,
            share in 0.0_f64..0.9,
        ) {
            let (mut files, mut learned, mut times) = (0, HashSet::new(), 0);
            for grown in growth {
                files += grown;
                let choice = chosen(files, &learned, most, share);
                prop_assert_eq!(choice.found(), (files - learned.len()) as u64);
                prop_assert!(choice.replayed.iter().all(|blob| learned.contains(blob)));
                for blob in &choice.new {
                    prop_assert!(learned.insert(*blob));
                    times += 1;
                }
            }
            while learned.len() < files {
                let choice = chosen(files, &learned, most, share);
                prop_assert!(!choice.new.is_empty());
                for blob in &choice.new {
                    prop_assert!(learned.insert(*blob));
                    times += 1;
                }
            }
            prop_assert_eq!(times, files);
        }
    }

    #[test]
    fn the_replayed_share_is_kept() {
        let learned: HashSet<BlobId> = (0..100).map(blob).collect();
        let choice = chosen(180, &learned, 1000, 0.2);
        assert_eq!((choice.new.len(), choice.replayed.len(), choice.left), (80, 20, 0));
        let choice = chosen(180, &learned, 50, 0.5);
        assert_eq!((choice.new.len(), choice.replayed.len(), choice.left), (50, 50, 30));
        assert_eq!(chosen(100, &learned, 50, 0.5), Choice::default());
    }

    #[test]
    fn whole_repositories_go_first() {
        let choice = chosen(70, &HashSet::new(), 25, 0.0);
        let repositories: HashSet<usize> = (0..70)
            .filter(|number| choice.new.contains(&blob(*number)))
            .map(|number| number % 7)
            .collect();
        assert_eq!(repositories.len(), 3);
    }
}
