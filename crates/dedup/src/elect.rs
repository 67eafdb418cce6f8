//! The election of survivors: which documents of a corpus stay.
//!
//! Documents come in rank order, the best first. A document is dropped if and only if an already kept one that shares
//! a band with it has an exact Jaccard similarity at or over the threshold; the best-ranked of these is recorded.
//! Nothing is dropped for being near something that was dropped itself, so a chain `A ~ B ~ C` with `A` unlike `C`
//! keeps both its ends.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::cache::{ShingleCache, ShingleSource};
use crate::jaccard::{Threshold, jaccard_reaching, sizes_allow};
use crate::table::BandTable;

/// How survivors are elected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElectionConfig {
    /// The similarity from which a document is a near-duplicate. Default 0.7.
    pub threshold: Threshold,
    /// The bytes that cached shingle sets may take. Two sets more are held while they are compared. Default 64 MiB.
    pub cache_bytes: usize,
    /// The most kept documents that one document is compared with, and that one band key is remembered for. Default
    /// 1024. See [`elect`] for what happens there.
    pub max_candidates: NonZeroUsize,
}

impl Default for ElectionConfig {
    fn default() -> Self {
        Self {
            threshold: Threshold::default(),
            cache_bytes: 64 << 20,
            max_candidates: const { NonZeroUsize::new(1024).unwrap() },
        }
    }
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It stays.
    Kept,
    /// It is dropped in favour of a better-ranked document that stays.
    Duplicate {
        /// The document that stays.
        of: u32,
        /// Their exact similarity.
        jaccard: f64,
    },
}

/// What was counted in an election.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ElectionCounts {
    /// All documents.
    pub documents: u64,
    /// Documents with too few tokens to compare; all kept.
    pub without_signature: u64,
    /// Documents that are near-duplicates of a kept one.
    pub duplicates: u64,
    /// Pairs that share a band and were compared.
    pub compared: u64,
    /// Compared pairs at or over the threshold.
    pub verified: u64,
    /// Compared pairs under the threshold.
    pub false_candidates: u64,
    /// Documents that met a bound on candidates, so that pairs may have been left out.
    pub capped: u64,
}

/// The outcome of every document, and the counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Election {
    /// One outcome a document, in rank order.
    pub outcomes: Vec<Outcome>,
    /// The counts.
    pub counts: ElectionCounts,
}

/// Elects the survivors among the documents of `table`.
///
/// The source is asked only for documents that share a band with another one. The outcome depends on ranks and
/// contents alone, not on the size of the cache.
///
/// Time is bounded by `max_candidates` comparisons a document. A band key remembers that many kept documents, the
/// best-ranked; and of the candidates that a document has, it is compared with those that share the most bands (among
/// equals the best-ranked), which are the most similar by expectation. A document that meets the bound may be kept
/// although a kept near-duplicate exists; it is counted as `capped`.
///
/// # Errors
/// The first error of the source.
pub fn elect<S: ShingleSource>(
    table: &BandTable,
    config: &ElectionConfig,
    source: &mut S,
) -> Result<Election, S::Error> {
    let groups = table.groups();
    let mut kept = KeptByGroup::new(groups.count(), config.max_candidates.get());
    let mut sets = Sets::new(config, source);
    let mut outcomes = vec![Outcome::Kept; table.documents() as usize];
    let mut counts = ElectionCounts {
        documents: table.documents().into(),
        without_signature: table.without_signature(),
        ..ElectionCounts::default()
    };
    for (doc, memberships) in groups.documents() {
        let memberships = || memberships.iter().map(|&(_, group)| group);
        let (candidates, capped) = kept.candidates(memberships());
        counts.capped += u64::from(capped);
        match sets.first_match(doc, &candidates, &mut counts)? {
            Some(duplicate) => {
                outcomes[doc as usize] = duplicate;
                counts.duplicates += 1;
                sets.cache.forget(doc);
            }
            None => kept.insert(doc, memberships()),
        }
    }
    counts.false_candidates = counts.compared - counts.verified;
    Ok(Election { outcomes, counts })
}

/// The kept documents of each group, at most `limit` of them.
struct KeptByGroup {
    limit: usize,
    docs: Vec<Vec<u32>>,
}

impl KeptByGroup {
    fn new(groups: usize, limit: usize) -> Self {
        Self {
            limit,
            docs: vec![Vec::new(); groups],
        }
    }

    fn insert(&mut self, doc: u32, groups: impl Iterator<Item = usize>) {
        for group in groups {
            if self.docs[group].len() < self.limit {
                self.docs[group].push(doc);
            }
        }
    }

    /// The documents to compare with, best-ranked first, and whether a bound may have left some out.
    fn candidates(&self, groups: impl Iterator<Item = usize>) -> (Vec<u32>, bool) {
        let mut all = Vec::new();
        let mut capped = false;
        for group in groups {
            all.extend_from_slice(&self.docs[group]);
            capped |= self.docs[group].len() == self.limit;
        }
        all.sort_unstable();
        if all.len() <= self.limit {
            all.dedup();
            return (all, capped);
        }
        let mut shared: Vec<(usize, u32)> = all
            .chunk_by(|a, b| a == b)
            .map(|same| (usize::MAX - same.len(), same[0]))
            .collect();
        capped |= shared.len() > self.limit;
        shared.sort_unstable();
        shared.truncate(self.limit);
        let mut docs: Vec<u32> = shared.into_iter().map(|(_, doc)| doc).collect();
        docs.sort_unstable();
        (docs, capped)
    }
}

/// Shingle sets as an election needs them.
struct Sets<'a, S> {
    source: &'a mut S,
    cache: ShingleCache,
    threshold: Threshold,
    /// The sizes of the sets seen so far: most false candidates are told by them without fetching a set again.
    sizes: HashMap<u32, usize>,
}

impl<'a, S: ShingleSource> Sets<'a, S> {
    fn new(config: &ElectionConfig, source: &'a mut S) -> Self {
        Self {
            source,
            cache: ShingleCache::new(config.cache_bytes),
            threshold: config.threshold,
            sizes: HashMap::new(),
        }
    }

    /// The first candidate that reaches the threshold.
    fn first_match(
        &mut self,
        doc: u32,
        candidates: &[u32],
        counts: &mut ElectionCounts,
    ) -> Result<Option<Outcome>, S::Error> {
        if candidates.is_empty() {
            return Ok(None);
        }
        let own = self.cache.get(doc, self.source)?;
        self.sizes.insert(doc, own.len());
        for &of in candidates {
            counts.compared += 1;
            if self
                .sizes
                .get(&of)
                .is_some_and(|&size| !sizes_allow(own.len(), size, self.threshold))
            {
                continue;
            }
            let other = self.cache.get(of, self.source)?;
            self.sizes.insert(of, other.len());
            if let Some(jaccard) = jaccard_reaching(&own, &other, self.threshold) {
                counts.verified += 1;
                return Ok(Some(Outcome::Duplicate { of, jaccard }));
            }
        }
        Ok(None)
    }
}
