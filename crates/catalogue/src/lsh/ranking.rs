//! The order of neighbors: those that share the most bands first; among equals, the earliest inserted.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::NeighborLimits;

/// How many bands each document shares with a question.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    shared: HashMap<u32, u32>,
    /// A bucket was not looked at whole.
    pub(super) capped: bool,
}

impl Ranking {
    /// Counts the documents under one key, of which at most `limits.bucket`.
    pub(super) fn count(&mut self, bucket: impl IntoIterator<Item = u32>, limits: NeighborLimits) {
        let mut bucket = bucket.into_iter();
        for number in bucket.by_ref().take(limits.bucket) {
            *self.shared.entry(number).or_default() += 1;
        }
        self.capped |= bucket.next().is_some();
    }

    /// The first `limits.neighbors` with how many bands they share, and whether a bound left some out.
    pub(super) fn finish(self, limits: NeighborLimits) -> (Vec<(u32, u32)>, bool) {
        let mut ranked: Vec<(u32, u32)> = self.shared.into_iter().collect();
        ranked.sort_unstable_by_key(|&(number, shared)| (Reverse(shared), number));
        let capped = self.capped || ranked.len() > limits.neighbors;
        ranked.truncate(limits.neighbors);
        (ranked, capped)
    }
}
