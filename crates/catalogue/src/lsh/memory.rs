//! An index in memory, for small corpora.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use codelupe_core::{BlobId, LshParameters};

use super::check;
use super::ranking::Ranking;
use super::{
    Comparison, EachGroup, LshFigures, LshIndex, Neighbor, NeighborLimits, Neighbors, SignedDocument, number_after,
};
use crate::error::Error;

/// An entry of a band takes 16 bytes in nodes of eleven that are two thirds full.
const ENTRY_BYTES: u64 = 24;

/// A document takes 24 bytes in each of two maps that are about two thirds full.
const DOCUMENT_BYTES: u64 = 72;

/// A comparison takes 24 bytes in a map that is two thirds full.
const COMPARISON_BYTES: u64 = 36;

/// An index in memory.
#[derive(Debug)]
pub(super) struct MemoryIndex {
    parameters: LshParameters,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u32,
    blobs: BTreeMap<u32, BlobId>,
    numbers: HashMap<BlobId, u32>,
    /// For each band, keys with numbers.
    bands: Vec<BTreeSet<(u64, u32)>>,
    threshold: f64,
    comparisons: BTreeMap<(u32, u32), Option<f64>>,
}

impl MemoryIndex {
    pub(super) fn new(parameters: LshParameters) -> Self {
        let state = State {
            bands: vec![BTreeSet::new(); parameters.bands as usize],
            ..State::default()
        };
        Self {
            parameters,
            state: Mutex::new(state),
        }
    }

    /// Nothing below can panic half-way through a change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LshIndex for MemoryIndex {
    fn parameters(&self) -> &LshParameters {
        &self.parameters
    }

    async fn insert(&self, documents: &[SignedDocument]) -> Result<u64, Error> {
        check::documents(&self.parameters, documents)?;
        let mut state = self.state();
        let mut seen = HashSet::new();
        let mut is_new = |blob: BlobId| !state.numbers.contains_key(&blob) && seen.insert(blob);
        let new: Vec<_> = documents.iter().filter(|document| is_new(document.blob)).collect();
        let next = number_after(state.next, new.len())?;
        for (number, document) in (state.next..).zip(&new) {
            state.blobs.insert(number, document.blob);
            state.numbers.insert(document.blob, number);
            for (band, key) in state.bands.iter_mut().zip(&document.keys) {
                band.insert((*key, number));
            }
        }
        state.next = next;
        Ok(new.len() as u64)
    }

    async fn remove(&self, blobs: &[BlobId]) -> Result<u64, Error> {
        let mut state = self.state();
        let gone: HashSet<u32> = blobs.iter().filter_map(|blob| state.numbers.remove(blob)).collect();
        if gone.is_empty() {
            return Ok(0);
        }
        state.blobs.retain(|number, _| !gone.contains(number));
        for band in &mut state.bands {
            band.retain(|(_, number)| !gone.contains(number));
        }
        state
            .comparisons
            .retain(|(low, high), _| !gone.contains(low) && !gone.contains(high));
        Ok(gone.len() as u64)
    }

    async fn documents(&self) -> Result<Vec<(u32, BlobId)>, Error> {
        Ok(self
            .state()
            .blobs
            .iter()
            .map(|(number, blob)| (*number, *blob))
            .collect())
    }

    async fn neighbors(&self, keys: &[u64], limits: NeighborLimits) -> Result<Neighbors, Error> {
        check::keys(&self.parameters, keys)?;
        let state = self.state();
        let mut ranking = Ranking::default();
        for (band, key) in state.bands.iter().zip(keys) {
            let bucket = band.range((*key, 0)..=(*key, u32::MAX));
            ranking.count(bucket.map(|(_, number)| *number), limits);
        }
        let (ranked, capped) = ranking.finish(limits);
        let found = ranked.into_iter().map(|(number, shared)| Neighbor {
            blob: state.blobs[&number],
            shared,
        });
        Ok(Neighbors {
            found: found.collect(),
            capped,
        })
    }

    async fn groups(&self, band: u32, each: &mut EachGroup<'_>) -> Result<(), Error> {
        check::band(&self.parameters, band)?;
        let state = self.state();
        let mut group: Vec<u32> = Vec::new();
        let mut current = None;
        for (key, number) in &state.bands[band as usize] {
            if current != Some(*key) {
                give(&group, each);
                group.clear();
                current = Some(*key);
            }
            group.push(*number);
        }
        give(&group, each);
        Ok(())
    }

    async fn comparisons(&self, threshold: f64) -> Result<Vec<Comparison>, Error> {
        let state = self.state();
        if state.threshold.to_bits() != threshold.to_bits() {
            return Ok(Vec::new());
        }
        let comparisons = state
            .comparisons
            .iter()
            .map(|(&(low, high), &jaccard)| Comparison { low, high, jaccard });
        Ok(comparisons.collect())
    }

    async fn remember(&self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error> {
        let mut state = self.state();
        if state.threshold.to_bits() != threshold.to_bits() {
            state.comparisons.clear();
            state.threshold = threshold;
        }
        let rows = comparisons.iter().map(|row| ((row.low, row.high), row.jaccard));
        state.comparisons.extend(rows);
        Ok(())
    }

    async fn figures(&self) -> Result<LshFigures, Error> {
        let state = self.state();
        let documents = state.blobs.len() as u64;
        let comparisons = state.comparisons.len() as u64;
        let document_bytes = DOCUMENT_BYTES + u64::from(self.parameters.bands) * ENTRY_BYTES;
        Ok(LshFigures {
            documents,
            bytes: documents * document_bytes + comparisons * COMPARISON_BYTES,
            sorted_files: 1,
            comparisons,
        })
    }
}

fn give(group: &[u32], each: &mut EachGroup<'_>) {
    if group.len() > 1 {
        each(group);
    }
}
