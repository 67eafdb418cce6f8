//! Leakage between splits: documents held out from training that are near-duplicates of a training document.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::num::NonZeroUsize;

use crate::bands::{BandIndex, Banding};
use crate::cache::{ShingleCache, ShingleSource};
use crate::jaccard::{Threshold, jaccard_reaching};
use crate::minhash::Signature;

/// How leakage is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakConfig {
    /// The bands. Default [`Banding::HIGH_RECALL`]; signatures of fewer values want [`Banding::high_recall`].
    pub banding: Banding,
    /// The similarity from which a held-out document leaks. Default 0.7.
    pub threshold: Threshold,
    /// The bytes that cached shingle sets may take. Default 64 MiB.
    pub cache_bytes: usize,
    /// The most training documents that one held-out document is compared with. Default 256.
    pub max_candidates: NonZeroUsize,
    /// The most training documents that are taken for one band key. Default 4096.
    pub max_bucket: NonZeroUsize,
}

impl Default for LeakConfig {
    fn default() -> Self {
        Self {
            banding: Banding::HIGH_RECALL,
            threshold: Threshold::default(),
            cache_bytes: 64 << 20,
            max_candidates: const { NonZeroUsize::new(256).unwrap() },
            max_bucket: const { NonZeroUsize::new(4096).unwrap() },
        }
    }
}

/// A held-out document that is a near-duplicate of a training document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leak {
    /// The held-out document.
    pub held_out: u32,
    /// The training document; of several, one that shares the most bands.
    pub training: u32,
    /// Their exact similarity.
    pub jaccard: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeakReport {
    /// The leaks, by held-out document in the order in which these were given; at most one each.
    pub leaks: Vec<Leak>,
    /// Pairs compared.
    pub compared: u64,
    /// Held-out documents for which `max_candidates` or `max_bucket` left training documents out. For those a leak can
    /// be missed; a caller that wants no risk treats the ones without a leak as leaking.
    pub capped: Vec<u32>,
}

/// Finds leakage: made from the held-out documents, shown each training document once, then asked for its findings.
///
/// Memory grows with the held-out documents only: their band keys, and `max_candidates` candidates each at most. Time
/// is a few hash look-ups for each training document, and `max_candidates` comparisons for each held-out one.
///
/// Both kinds of document are named in one numbering, that of the [`ShingleSource`].
#[derive(Debug)]
pub struct LeakFinder {
    config: LeakConfig,
    index: BandIndex,
    held_out: Vec<HeldOut>,
    /// The training documents met so far under each key that a held-out document has.
    met: HashMap<u64, usize>,
}

#[derive(Debug)]
struct HeldOut {
    doc: u32,
    /// The best candidates so far, the worst of them on top: by bands shared, then by lowest number.
    best: BinaryHeap<Reverse<(usize, Reverse<u32>)>>,
    capped: bool,
}

impl LeakFinder {
    /// A finder for these held-out documents.
    pub fn new<'a>(config: LeakConfig, held_out: impl IntoIterator<Item = (u32, &'a Signature)>) -> Self {
        let mut finder = Self {
            config,
            index: BandIndex::new(),
            held_out: Vec::new(),
            met: HashMap::new(),
        };
        for (slot, (doc, signature)) in (0..).zip(held_out) {
            finder.index.insert(slot, config.banding.keys(signature));
            finder.held_out.push(HeldOut {
                doc,
                best: BinaryHeap::new(),
                capped: false,
            });
        }
        finder
    }

    /// Looks at one training document. The order of the calls matters only for keys that more than `max_bucket`
    /// training documents share: of these the first ones are taken.
    pub fn scan(&mut self, training: u32, signature: &Signature) {
        let mut shared = BTreeMap::new();
        for key in self.config.banding.keys(signature) {
            let slots = self.index.bucket(key);
            if slots.is_empty() {
                continue;
            }
            let met = self.met.entry(key).or_default();
            *met += 1;
            let over = *met > self.config.max_bucket.get();
            for &slot in slots {
                if over {
                    self.held_out[slot as usize].capped = true;
                } else {
                    *shared.entry(slot).or_default() += 1;
                }
            }
        }
        for (slot, bands) in shared {
            self.held_out[slot as usize].offer(training, bands, self.config.max_candidates.get());
        }
    }

    /// Compares every held-out document with its candidates, the ones that share the most bands first, up to the first
    /// that reaches the threshold.
    ///
    /// # Errors
    /// The first error of the source.
    pub fn finish<S: ShingleSource>(self, source: &mut S) -> Result<LeakReport, S::Error> {
        let mut cache = ShingleCache::new(self.config.cache_bytes);
        let mut report = LeakReport::default();
        for held_out in self.held_out {
            if held_out.capped {
                report.capped.push(held_out.doc);
            }
            if held_out.best.is_empty() {
                continue;
            }
            let own = cache.get(held_out.doc, source)?;
            for Reverse((_, Reverse(training))) in held_out.best.into_sorted_vec() {
                report.compared += 1;
                let other = cache.get(training, source)?;
                if let Some(jaccard) = jaccard_reaching(&own, &other, self.config.threshold) {
                    report.leaks.push(Leak {
                        held_out: held_out.doc,
                        training,
                        jaccard,
                    });
                    break;
                }
            }
        }
        Ok(report)
    }
}

impl HeldOut {
    fn offer(&mut self, training: u32, bands: usize, limit: usize) {
        self.best.push(Reverse((bands, Reverse(training))));
        if self.best.len() > limit {
            self.best.pop();
            self.capped = true;
        }
    }
}
