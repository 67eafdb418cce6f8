//! Random calls beside a list that is searched from end to end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use codelupe_catalogue::lsh::{LshIndex, LshKind, NeighborLimits};
use codelupe_core::BlobId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::{BANDS, Place, blob, blobs, document, groups, neighbors};

/// Keys with every kind of top bit, few enough to be shared.
const KEYS: [u64; 6] = [0, 1, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX];

type Keys = [u64; BANDS as usize];

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<(u64, Keys)>),
    Remove(Vec<u64>),
    Ask(Keys, NeighborLimits),
    Reopen,
}

#[test]
fn memory_answers_as_the_list() {
    answers_as_the_list(LshKind::Memory, 200);
}

#[test]
fn disk_answers_as_the_list() {
    answers_as_the_list(LshKind::Disk, 60);
}

#[test]
fn postgres_answers_as_the_list() {
    answers_as_the_list(LshKind::Postgres, 30);
}

fn answers_as_the_list(kind: LshKind, cases: u32) {
    let runtime = Runtime::new().unwrap();
    let place = runtime.block_on(Place::new(kind));
    let steps = prop::collection::vec(step(), 1..40);
    let mut runner = TestRunner::new(Config::with_cases(cases));
    let result = runner.run(&steps, |steps| {
        runtime.block_on(check(&place, &steps));
        Ok(())
    });
    result.unwrap();
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || prop::array::uniform3(prop::sample::select(&KEYS[..]));
    let limits = (0_usize..6, 0_usize..8).prop_map(|(bucket, neighbors)| NeighborLimits { bucket, neighbors });
    prop_oneof![
        4 => prop::collection::vec((0_u64..60, keys()), 0..12).prop_map(Step::Insert),
        2 => prop::collection::vec(0_u64..60, 0..8).prop_map(Step::Remove),
        4 => (keys(), limits).prop_map(|(keys, limits)| Step::Ask(keys, limits)),
        1 => Just(Step::Reopen),
    ]
}

async fn check(place: &Place, steps: &[Step]) {
    place.reset().await;
    let mut index = place.open().await;
    let mut list = List::default();
    for step in steps {
        match step {
            Step::Insert(rows) => {
                let documents: Vec<_> = rows.iter().map(|(n, keys)| document(*n, keys)).collect();
                assert_eq!(index.insert(&documents).await.unwrap(), list.insert(rows));
            }
            Step::Remove(names) => {
                let names: Vec<BlobId> = names.iter().copied().map(blob).collect();
                assert_eq!(index.remove(&names).await.unwrap(), list.remove(&names));
            }
            Step::Ask(keys, limits) => {
                assert_eq!(neighbors(&*index, keys, *limits).await, list.neighbors(keys, *limits));
            }
            Step::Reopen if place.persists() => index = place.open().await,
            Step::Reopen => (),
        }
    }
    agrees(&index, &list).await;
}

async fn agrees(index: &Arc<dyn LshIndex>, list: &List) {
    let expected: Vec<BlobId> = list.0.iter().map(|row| row.0).collect();
    assert_eq!(blobs(&**index).await, expected);
    assert_eq!(index.figures().await.unwrap().documents, expected.len() as u64);
    for band in 0..BANDS {
        assert_eq!(groups(&**index, band).await, list.groups(band as usize), "band {band}");
    }
}

/// Documents in order of insertion.
#[derive(Default)]
struct List(Vec<(BlobId, Keys)>);

impl List {
    fn insert(&mut self, rows: &[(u64, Keys)]) -> u64 {
        let before = self.0.len();
        for (n, keys) in rows {
            if self.0.iter().all(|row| row.0 != blob(*n)) {
                self.0.push((blob(*n), *keys));
            }
        }
        (self.0.len() - before) as u64
    }

    fn remove(&mut self, names: &[BlobId]) -> u64 {
        let before = self.0.len();
        self.0.retain(|row| !names.contains(&row.0));
        (before - self.0.len()) as u64
    }

    fn neighbors(&self, keys: &Keys, limits: NeighborLimits) -> (Vec<(BlobId, u32)>, bool) {
        let mut shared = vec![0; self.0.len()];
        let mut capped = false;
        for (band, key) in keys.iter().enumerate() {
            let bucket: Vec<usize> = (0..self.0.len()).filter(|n| self.0[*n].1[band] == *key).collect();
            bucket.iter().take(limits.bucket).for_each(|n| shared[*n] += 1);
            capped |= bucket.len() > limits.bucket;
        }
        let mut found: Vec<(BlobId, u32)> = self.0.iter().map(|row| row.0).zip(shared).collect();
        found.retain(|(_, shared)| *shared > 0);
        found.sort_by_key(|(_, shared)| Reverse(*shared));
        capped |= found.len() > limits.neighbors;
        found.truncate(limits.neighbors);
        (found, capped)
    }

    fn groups(&self, band: usize) -> Vec<Vec<BlobId>> {
        let mut groups: BTreeMap<u64, Vec<BlobId>> = BTreeMap::new();
        for (blob, keys) in &self.0 {
            groups.entry(keys[band]).or_default().push(*blob);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }
}
