//! Shingle sets out of the segments, and the comparisons that the LSH index remembers.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use codelupe_catalogue::{DedupCandidate, lsh::Comparison};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::ShingleSource;
use codelupe_inspect::shingle_set;

use super::lsh::Numbers;
use crate::context::Context;
use crate::error::Error;

/// The documents of an election, by rank.
pub(super) struct Texts<'a> {
    pub(super) context: &'a Context,
    pub(super) reader: &'a mut SegmentReader,
    pub(super) documents: &'a [DedupCandidate],
    pub(super) numbers: &'a Numbers,
    /// By lower and higher number, ascending.
    pub(super) remembered: Vec<Comparison>,
    /// Comparisons that were made, by lower and higher number.
    pub(super) made: HashMap<(u32, u32), Option<f64>>,
}

impl Texts<'_> {
    fn pair(&self, better: u32, worse: u32) -> (u32, u32) {
        let number = |rank: u32| self.numbers.by_rank[rank as usize];
        let (a, b) = (number(better), number(worse));
        (a.min(b), a.max(b))
    }

    /// The comparisons that were made.
    pub(super) fn made(&self) -> Vec<Comparison> {
        let made = self.made.iter();
        made.map(|(&(low, high), &jaccard)| Comparison { low, high, jaccard })
            .collect()
    }
}

impl ShingleSource for Texts<'_> {
    type Error = Error;

    fn shingles(&mut self, doc: u32) -> Result<Vec<u64>, Error> {
        self.context.progress.check()?;
        self.context.progress.done.fetch_max(u64::from(doc), Ordering::Relaxed);
        let document = &self.documents[doc as usize];
        let content = self.reader.content(document.location)?;
        let dedup = &self.context.config.dedup;
        Ok(shingle_set(dedup, content.language.as_deref(), &content.text)?)
    }

    fn remembered(&mut self, better: u32, worse: u32) -> Option<Option<f64>> {
        let pair = self.pair(better, worse);
        let place = self
            .remembered
            .binary_search_by_key(&pair, |known| (known.low, known.high));
        place.ok().map(|place| self.remembered[place].jaccard)
    }

    fn compared(&mut self, better: u32, worse: u32, jaccard: Option<f64>) {
        let pair = self.pair(better, worse);
        self.made.insert(pair, jaccard);
    }
}
