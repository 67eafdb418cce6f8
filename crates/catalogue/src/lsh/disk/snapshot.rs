//! The index at one moment, for questions. Its files never change; one that is removed meanwhile can still be read.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use codelupe_core::BlobId;

use super::entry::{Entry, blob_key};
use super::list::List;
use super::manifest::{self, Manifest};
use super::merge::Merged;
use super::sorted::{SortedEntry, SortedFile};
use crate::error::{Error, ErrorKind};
use crate::lsh::ranking::Ranking;
use crate::lsh::{Comparison, LshFigures, Neighbor, NeighborLimits, Neighbors};

/// An index with its sorted files open.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The text that the manifest was read from.
    text: Vec<u8>,
    pub(super) manifest: Manifest,
    pub(super) sorted_files: Vec<Arc<SortedFile>>,
    /// Sorted.
    pub(super) removed: Vec<u32>,
    comparisons: Option<List>,
}

impl Snapshot {
    /// The index as it is now; what an earlier snapshot has open stays open.
    pub(super) fn load(folder: &Path, earlier: Option<&Arc<Self>>) -> Result<Arc<Self>, Error> {
        let mut failed: Option<(Vec<u8>, Error)> = None;
        loop {
            let text = manifest::read(folder)?;
            let Some(text) = text else {
                let context = "the LSH index is not there any more: somebody has emptied it";
                return Err(Error::new(ErrorKind::NotFound, context));
            };
            if let Some(earlier) = earlier.filter(|earlier| earlier.text == text) {
                return Ok(Arc::clone(earlier));
            }
            // A file that is gone was merged away by others, who then have written another manifest.
            match failed.take() {
                Some((same, error)) if same == text => {
                    let context = format!("the LSH index lacks a file that its manifest names: {error}");
                    return Err(Error::new(ErrorKind::LshCorrupt, context));
                }
                _ => (),
            }
            match Self::open(folder, text.clone(), earlier) {
                Err(error) if error.kind() == ErrorKind::NotFound => failed = Some((text, error)),
                opened => return opened.map(Arc::new),
            }
        }
    }

    fn open(folder: &Path, text: Vec<u8>, earlier: Option<&Arc<Self>>) -> Result<Self, Error> {
        let manifest = Manifest::parse(folder, &text)?;
        let known = earlier.map_or(&[][..], |earlier| &earlier.sorted_files);
        let open = |entry: &SortedEntry| match known.iter().find(|sorted| sorted.entry == *entry) {
            Some(sorted) => Ok(Arc::clone(sorted)),
            None => SortedFile::open(folder, entry, manifest.parameters.bands).map(Arc::new),
        };
        let sorted_files = manifest.sorted_files.iter().map(open).collect::<Result<_, _>>()?;
        let removed = match &manifest.removed {
            Some(removed) => List::open(folder, removed)?.rows()?,
            None => Vec::new(),
        };
        let comparisons = manifest.comparisons.as_ref();
        let comparisons = comparisons.map(|entry| List::open(folder, &entry.list)).transpose()?;
        Ok(Self {
            text,
            manifest,
            sorted_files,
            removed,
            comparisons,
        })
    }

    /// Whether less than half of what is in the sorted files is still there.
    pub(super) fn is_mostly_removed(&self) -> bool {
        self.removed.len() as u64 * 2 > self.stored()
    }

    /// Documents in the sorted files.
    fn stored(&self) -> u64 {
        self.sorted_files
            .iter()
            .map(|sorted| u64::from(sorted.entry.documents))
            .sum()
    }

    fn is_there(&self, number: u32) -> bool {
        self.removed.binary_search(&number).is_err()
    }

    /// The numbers of those that are there.
    pub(super) fn numbers(&self, blobs: &[BlobId]) -> Result<HashMap<BlobId, u32>, Error> {
        let wanted: HashSet<BlobId> = blobs.iter().copied().collect();
        let mut keys: Vec<u64> = wanted.iter().map(blob_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut numbers = HashMap::new();
        for sorted in &self.sorted_files {
            let mut candidates = Vec::new();
            let mut cursor = sorted.blobs.cursor();
            for key in &keys {
                cursor.find(*key, |posting| {
                    candidates.push(posting.number);
                    true
                })?;
            }
            candidates.retain(|number| self.is_there(*number));
            candidates.sort_unstable();
            let mut documents = sorted.documents.cursor();
            for number in candidates {
                documents.find(number.into(), |document| {
                    if wanted.contains(&document.blob) {
                        numbers.insert(document.blob, document.number);
                    }
                    true
                })?;
            }
        }
        Ok(numbers)
    }

    /// All documents with their numbers, ascending.
    pub(super) fn documents(&self) -> Result<Vec<(u32, BlobId)>, Error> {
        let documents = Merged::new(self.sorted_files.iter().map(|sorted| &sorted.documents), &self.removed);
        documents
            .map(|document| document.map(|document| (document.number, document.blob)))
            .collect()
    }

    /// The documents that share a band with `keys`.
    pub(super) fn neighbors(&self, keys: &[u64], limits: NeighborLimits) -> Result<Neighbors, Error> {
        let mut ranking = Ranking::default();
        for (band, key) in keys.iter().enumerate() {
            ranking.count(self.bucket(band, *key, limits.bucket)?, limits);
        }
        let (ranked, capped) = ranking.finish(limits);
        let blobs = self.blobs(ranked.iter().map(|row| row.0).collect())?;
        let found = ranked.into_iter().filter_map(|(number, shared)| {
            let blob = *blobs.get(&number)?;
            Some(Neighbor { blob, shared })
        });
        Ok(Neighbors {
            found: found.collect(),
            capped,
        })
    }

    /// The earliest documents under a key: up to one more than `most`.
    fn bucket(&self, band: usize, key: u64, most: usize) -> Result<Vec<u32>, Error> {
        let mut bucket = Vec::new();
        for sorted in &self.sorted_files {
            sorted.bands[band].cursor().find(key, |posting| {
                if self.is_there(posting.number) {
                    bucket.push(posting.number);
                }
                bucket.len() <= most
            })?;
            if bucket.len() > most {
                break;
            }
        }
        Ok(bucket)
    }

    /// The blobs of these documents.
    fn blobs(&self, mut numbers: Vec<u32>) -> Result<HashMap<u32, BlobId>, Error> {
        numbers.sort_unstable();
        let mut blobs = HashMap::with_capacity(numbers.len());
        for sorted in &self.sorted_files {
            let from = numbers.partition_point(|number| *number < sorted.entry.numbers.start);
            let end = numbers.partition_point(|number| *number < sorted.entry.numbers.end);
            let mut documents = sorted.documents.cursor();
            for number in &numbers[from..end] {
                documents.find((*number).into(), |document| {
                    blobs.insert(document.number, document.blob);
                    true
                })?;
            }
        }
        if blobs.len() == numbers.len() {
            return Ok(blobs);
        }
        let context = "the LSH index is damaged: a band names a document that is not there";
        Err(Error::new(ErrorKind::LshCorrupt, context))
    }

    /// Gives every group of two or more documents of a band, in order of key, until `goes_on` says no.
    pub(super) fn groups(&self, band: usize, mut goes_on: impl FnMut(&[u32]) -> bool) -> Result<(), Error> {
        let mut key = None;
        let mut group = Vec::new();
        for posting in Merged::new(
            self.sorted_files.iter().map(|sorted| &sorted.bands[band]),
            &self.removed,
        ) {
            let posting = posting?;
            if key != Some(posting.key()) {
                if group.len() > 1 && !goes_on(&group) {
                    return Ok(());
                }
                group.clear();
                key = Some(posting.key());
            }
            group.push(posting.number());
        }
        if group.len() > 1 {
            goes_on(&group);
        }
        Ok(())
    }

    /// All comparisons, sorted, with the bits of their threshold.
    pub(super) fn comparisons(&self) -> Result<(u64, Vec<Comparison>), Error> {
        match (&self.manifest.comparisons, &self.comparisons) {
            (Some(entry), Some(list)) => Ok((entry.threshold, list.rows()?)),
            _ => Ok((0, Vec::new())),
        }
    }

    /// The comparisons for this threshold, sorted.
    pub(super) fn comparisons_for(&self, threshold: f64) -> Result<Vec<Comparison>, Error> {
        let entry = self.manifest.comparisons.as_ref();
        if entry.is_none_or(|entry| entry.threshold != threshold.to_bits()) {
            return Ok(Vec::new());
        }
        self.comparisons().map(|(_, rows)| rows)
    }

    pub(super) fn figures(&self) -> LshFigures {
        let comparisons = self.manifest.comparisons.as_ref();
        LshFigures {
            documents: self.stored().saturating_sub(self.removed.len() as u64),
            bytes: self.manifest.bytes() + self.text.len() as u64,
            sorted_files: self.sorted_files.len() as u64,
            comparisons: comparisons.map_or(0, |entry| entry.list.rows::<Comparison>()),
        }
    }
}
