//! Shingle sets on demand, the recent ones kept within a bound of bytes.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Where the shingle sets of documents come from: made again from stored texts, most often.
pub trait ShingleSource {
    /// Why a set could not be read.
    type Error;

    /// The shingle hashes of one document, as [`crate::shingles`] gives them. The same document must always give the
    /// same set.
    ///
    /// # Errors
    /// A failure to read the document; it ends the election or the search for leaks.
    fn shingles(&mut self, doc: u32) -> Result<Vec<u64>, Self::Error>;

    /// The result of an earlier comparison of these two at the same threshold, if the source remembers one: their exact
    /// similarity if it reached the threshold. By default none is remembered.
    fn remembered(&mut self, better: u32, worse: u32) -> Option<Option<f64>> {
        let _ = (better, worse);
        None
    }

    /// Receives the result of a comparison. By default it is ignored.
    fn compared(&mut self, better: u32, worse: u32, jaccard: Option<f64>) {
        let _ = (better, worse, jaccard);
    }
}

impl<F, E> ShingleSource for F
where
    F: FnMut(u32) -> Result<Vec<u64>, E>,
{
    type Error = E;

    fn shingles(&mut self, doc: u32) -> Result<Vec<u64>, E> {
        self(doc)
    }
}

/// A shingle set that others may hold at the same time.
pub(crate) type ShingleSet = Rc<Vec<u64>>;

/// The bytes that one entry costs beside its shingles: map nodes, counters and the header of the vector, rounded up.
const ENTRY_BYTES: usize = 128;

/// The least recently used sets leave when the kept ones would take more than `limit` bytes.
#[derive(Debug)]
pub(crate) struct ShingleCache {
    limit: usize,
    bytes: usize,
    clock: u64,
    entries: HashMap<u32, (u64, ShingleSet)>,
    by_use: BTreeMap<u64, u32>,
}

impl ShingleCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            clock: 0,
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// The set from the cache, or from the source and then kept.
    pub(crate) fn get<S: ShingleSource>(&mut self, doc: u32, source: &mut S) -> Result<ShingleSet, S::Error> {
        self.clock += 1;
        if let Some((used, set)) = self.entries.get_mut(&doc) {
            self.by_use.remove(used);
            *used = self.clock;
            self.by_use.insert(self.clock, doc);
            return Ok(Rc::clone(set));
        }
        let set = Rc::new(ascending(source.shingles(doc)?));
        self.keep(doc, &set);
        Ok(set)
    }

    /// Forgets a set that will not be asked for again.
    pub(crate) fn forget(&mut self, doc: u32) {
        if let Some((used, set)) = self.entries.remove(&doc) {
            self.by_use.remove(&used);
            self.bytes -= cost(&set);
        }
    }

    fn keep(&mut self, doc: u32, set: &ShingleSet) {
        let cost = cost(set);
        if cost > self.limit {
            return;
        }
        while self.bytes + cost > self.limit {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                return;
            };
            self.forget(oldest);
        }
        self.bytes += cost;
        self.entries.insert(doc, (self.clock, Rc::clone(set)));
        self.by_use.insert(self.clock, doc);
    }
}

fn cost(set: &ShingleSet) -> usize {
    set.capacity() * size_of::<u64>() + ENTRY_BYTES
}

/// The set in the order that merging needs, also when the source does not keep to it.
fn ascending(mut set: Vec<u64>) -> Vec<u64> {
    if !set.is_sorted_by(|a, b| a < b) {
        set.sort_unstable();
        set.dedup();
    }
    set.shrink_to_fit();
    set
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_least_recently_used_leaves_first_and_the_bound_holds() {
        let mut fetched = Vec::new();
        let mut source = |doc: u32| {
            fetched.push(doc);
            Ok::<_, Infallible>(vec![u64::from(doc); 1])
        };
        let mut cache = ShingleCache::new(2 * (8 + ENTRY_BYTES));
        for doc in [1, 2, 1, 3, 1, 2] {
            assert_eq!(*cache.get(doc, &mut source).unwrap(), [u64::from(doc)]);
            assert!(cache.bytes <= cache.limit);
            assert_eq!(cache.entries.len(), cache.by_use.len());
        }
        cache.forget(1);
        cache.get(1, &mut source).unwrap();
        assert_eq!(fetched, [1, 2, 3, 2, 1]);
    }

    #[test]
    fn a_set_over_the_bound_is_used_and_not_kept() {
        let mut cache = ShingleCache::new(1000);
        let mut source = |_: u32| Ok::<_, Infallible>((0..1000).collect());
        assert_eq!(cache.get(7, &mut source).unwrap().len(), 1000);
        assert_eq!((cache.bytes, cache.entries.len()), (0, 0));
    }

    #[test]
    fn a_careless_source_does_no_harm() {
        let mut source = |_: u32| Ok::<_, Infallible>(vec![3, 1, 3, 2]);
        assert_eq!(*ShingleCache::new(0).get(0, &mut source).unwrap(), [1, 2, 3]);
    }
}
