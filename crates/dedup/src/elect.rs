//! The election of survivors: which documents of a corpus stay.
//!
//! Documents come in rank order, the best first. A document is dropped if and only if an already kept one that shares
//! a band with it has an exact Jaccard similarity at or over the threshold; the best-ranked of these is recorded.
//! Nothing is dropped for being near something that was dropped itself, so a chain `A ~ B ~ C` with `A` unlike `C`
//! keeps both its ends.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::cache::{ShingleCache, ShingleSet, ShingleSource};
use crate::groups::Groups;
use crate::jaccard::{Threshold, jaccard_reaching, sizes_allow};

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

/// What was decided about a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ElectionOutcome {
    /// It stays.
    Kept,
    /// It is dropped in favor of a better-ranked document that stays.
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
    /// Documents that are near-duplicates of a kept one.
    pub duplicates: u64,
    /// Pairs that share a band and were compared, now or earlier.
    pub compared: u64,
    /// Of these, pairs that the source remembered from an earlier election.
    pub remembered: u64,
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
    /// One outcome for each document, in rank order.
    pub outcomes: Vec<ElectionOutcome>,
    /// The counts.
    pub counts: ElectionCounts,
}

/// Elects the survivors among the documents of `groups`.
///
/// The source is asked only for documents that share a band with another one, and only for comparisons that it does not
/// remember. The outcome depends on ranks and contents alone, not on the size of the cache nor on what is remembered.
///
/// Time is bounded by `max_candidates` comparisons a document. A band key remembers that many kept documents, the
/// best-ranked; and of the candidates that a document has, it is compared with those that share the most bands (among
/// equals the best-ranked), which are the most similar by expectation. A document that meets the bound may be kept
/// although a kept near-duplicate exists; it is counted as `capped`.
///
/// # Errors
/// The first error of the source.
pub fn elect<S: ShingleSource>(
    mut groups: Groups,
    config: &ElectionConfig,
    source: &mut S,
) -> Result<Election, S::Error> {
    groups.sort();
    let mut kept = KeptByGroup::new(groups.count(), config.max_candidates.get());
    let mut sets = Sets::new(config, source);
    let mut outcomes = vec![ElectionOutcome::Kept; groups.documents() as usize];
    let mut counts = ElectionCounts {
        documents: groups.documents().into(),
        ..ElectionCounts::default()
    };
    for (doc, memberships) in groups.by_document() {
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

/// No document yet; never the number of one, since groups hold fewer than `u32::MAX`.
const NOBODY: u32 = u32::MAX;

/// The kept documents of each group, at most `limit` of them. Most groups have one.
struct KeptByGroup {
    limit: usize,
    first: Vec<u32>,
    others: HashMap<u32, Vec<u32>>,
}

impl KeptByGroup {
    fn new(groups: u32, limit: usize) -> Self {
        Self {
            limit,
            first: vec![NOBODY; groups as usize],
            others: HashMap::new(),
        }
    }

    fn insert(&mut self, doc: u32, groups: impl Iterator<Item = u32>) {
        for group in groups {
            let first = &mut self.first[group as usize];
            if *first == NOBODY {
                *first = doc;
                continue;
            }
            let others = self.others.entry(group).or_default();
            if others.len() + 1 < self.limit {
                others.push(doc);
            }
        }
    }

    /// The documents to compare with, best-ranked first, and whether a bound may have left some out.
    fn candidates(&self, groups: impl Iterator<Item = u32>) -> (Vec<u32>, bool) {
        let mut all = Vec::new();
        let mut capped = false;
        for group in groups {
            let first = self.first[group as usize];
            if first == NOBODY {
                continue;
            }
            let others = self.others.get(&group).map_or(&[][..], Vec::as_slice);
            all.push(first);
            all.extend_from_slice(others);
            capped |= 1 + others.len() == self.limit;
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
    /// The sizes of the sets seen so far: most false candidates are recognized by them without fetching a set again.
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
    ) -> Result<Option<ElectionOutcome>, S::Error> {
        let mut own = None;
        for &of in candidates {
            counts.compared += 1;
            let jaccard = match self.source.remembered(of, doc) {
                Some(jaccard) => {
                    counts.remembered += 1;
                    jaccard
                }
                None => self.compare(of, doc, &mut own)?,
            };
            if let Some(jaccard) = jaccard {
                counts.verified += 1;
                return Ok(Some(ElectionOutcome::Duplicate { of, jaccard }));
            }
        }
        Ok(None)
    }

    /// The exact similarity if it reaches the threshold. `own` is the set of `doc`, once it is there.
    fn compare(&mut self, of: u32, doc: u32, own: &mut Option<ShingleSet>) -> Result<Option<f64>, S::Error> {
        let own = match own {
            Some(set) => set,
            None => own.insert(self.set(doc)?),
        };
        let too_different = |size: &usize| !sizes_allow(own.len(), *size, self.threshold);
        let jaccard = if self.sizes.get(&of).is_some_and(too_different) {
            None
        } else {
            let other = self.set(of)?;
            jaccard_reaching(own, &other, self.threshold)
        };
        self.source.compared(of, doc, jaccard);
        Ok(jaccard)
    }

    fn set(&mut self, doc: u32) -> Result<ShingleSet, S::Error> {
        let set = self.cache.get(doc, self.source)?;
        self.sizes.insert(doc, set.len());
        Ok(set)
    }
}
