//! The dedup stage: exact duplicates by blob id, near-duplicates by verified Jaccard similarity.
//!
//! It always looks at everything that processing kept, in an order that depends on the files alone, so the outcome is the
//! same for any order of arrival, and for one batch or many (guarantees G3 and G4).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;

use codelupe_core::{BlobId, ErrorCode, Reason};
use codelupe_dedup::{BandTable, ElectionConfig, Outcome, SIGNATURE_BYTES, Signature, elect};
use codelupe_store::SegmentReader;
use codelupe_store::catalogue::{DedupCandidate, Duplicate};
use codelupe_store::segment::Location;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::progress::Step;
use crate::shingling::shingle_set;

/// What deduplication did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduplicated {
    /// Files that processing kept.
    pub files: u64,
    /// Of these, exact duplicates.
    pub exact: u64,
    /// Of these, near-duplicates.
    pub near: u64,
    /// Pairs of contents that share a band and were compared.
    pub compared: u64,
    /// Of these, at or over the threshold.
    pub verified: u64,
    /// Of these, under it.
    pub false_candidates: u64,
    /// Nothing had changed since the last time; the other figures are zero.
    pub was_current: bool,
}

/// Finds the duplicates among all files that processing kept, and stores them.
///
/// # Errors
/// `Cancelled` after a stop, `Store` when the data folder fails or the files change meanwhile; the earlier outcome stays
/// then.
pub fn dedup(context: &Context) -> Result<Deduplicated, Error> {
    context.require_one_recipe()?;
    let state = context.config.dedup_state();
    if context.wait(context.catalogue.stage_state("dedup"))?.as_ref() == Some(&state) {
        return Ok(Deduplicated {
            was_current: true,
            ..Deduplicated::default()
        });
    }
    context.wait(context.catalogue.forget_unused_contents(&context.config.recipe()))?;
    let input = context.wait(context.catalogue.dedup_input())?;
    let candidates = input.candidates;
    context.progress.begin(Step::Dedup, candidates.len() as u64);
    let (documents, mut duplicates) = exact(&candidates);
    let mut reader = context.segment_reader()?;
    let table = band_table(context, &mut reader, &documents)?;
    let election = {
        let config = ElectionConfig {
            threshold: context.config.dedup.threshold()?,
            ..ElectionConfig::default()
        };
        let mut source = |doc: u32| -> Result<Vec<u64>, Error> {
            context.progress.check()?;
            context.progress.done.fetch_max(u64::from(doc), Ordering::Relaxed);
            let content = reader.content(documents[doc as usize].location)?;
            shingle_set(&context.config.dedup, content.language.as_deref(), &content.text)
        };
        elect(table.groups(), &config, &mut source)?
    };
    let near = follow(&documents, &election.outcomes, &mut duplicates);
    let replaced = context
        .catalogue
        .replace_duplicates(&duplicates, &state, input.generation, context.fence);
    context.wait(replaced)?;
    Ok(Deduplicated {
        files: candidates.len() as u64,
        exact: duplicates.len() as u64 - near,
        near,
        compared: election.counts.compared,
        verified: election.counts.verified,
        false_candidates: election.counts.false_candidates,
        was_current: false,
    })
}

/// Of candidates in rank order: the best-ranked file of each blob, and the others as its duplicates.
fn exact(candidates: &[DedupCandidate]) -> (Vec<DedupCandidate>, Vec<Duplicate>) {
    let mut first: HashMap<BlobId, i64> = HashMap::new();
    let (mut documents, mut duplicates) = (Vec::new(), Vec::new());
    for candidate in candidates {
        match first.entry(candidate.blob) {
            Entry::Vacant(entry) => {
                entry.insert(candidate.file_id);
                documents.push(*candidate);
            }
            Entry::Occupied(entry) => duplicates.push(Duplicate {
                file_id: candidate.file_id,
                reason: Reason::ExactDuplicate,
                kept_file_id: *entry.get(),
                jaccard: 1.0,
            }),
        }
    }
    (documents, duplicates)
}

/// Adds the near-duplicates to `duplicates` and returns how many there are. The copies of a dropped content follow it:
/// the kept file that they are near-duplicates of is the same.
fn follow(documents: &[DedupCandidate], outcomes: &[Outcome], duplicates: &mut Vec<Duplicate>) -> u64 {
    let mut dropped: HashMap<i64, (i64, f64)> = HashMap::new();
    for (document, outcome) in documents.iter().zip(outcomes) {
        if let Outcome::Duplicate { of, jaccard } = *outcome {
            dropped.insert(document.file_id, (documents[of as usize].file_id, jaccard));
        }
    }
    let mut near = dropped.len() as u64;
    for copy in &mut *duplicates {
        if let Some((kept_file_id, jaccard)) = dropped.get(&copy.kept_file_id) {
            *copy = near_duplicate(copy.file_id, *kept_file_id, *jaccard);
            near += 1;
        }
    }
    duplicates.extend(
        dropped
            .into_iter()
            .map(|(file_id, (kept, jaccard))| near_duplicate(file_id, kept, jaccard)),
    );
    near
}

fn near_duplicate(file_id: i64, kept_file_id: i64, jaccard: f64) -> Duplicate {
    Duplicate {
        file_id,
        reason: Reason::NearDuplicate,
        kept_file_id,
        jaccard,
    }
}

/// The band keys of documents, read from the segments.
fn band_table(context: &Context, reader: &mut SegmentReader, documents: &[DedupCandidate]) -> Result<BandTable, Error> {
    let banding = context.config.dedup.banding()?;
    let mut keys: Vec<Option<Box<[u64]>>> = vec![None; documents.len()];
    signatures(
        context,
        reader,
        documents.iter().map(|document| document.location),
        |doc, signature| {
            keys[doc] = Some(banding.keys(signature).collect());
        },
    )?;
    let mut table = BandTable::new(banding);
    for keys in keys {
        match keys {
            Some(keys) => table.push_keys(&keys)?,
            None => table.push(None)?,
        };
    }
    Ok(table)
}

/// Calls `each` with the place in `locations` and the signature of every content that has one.
pub(crate) fn signatures(
    context: &Context,
    reader: &mut SegmentReader,
    locations: impl Iterator<Item = Location>,
    mut each: impl FnMut(usize, &Signature),
) -> Result<(), Error> {
    let mut by_segment: HashMap<i64, Vec<(u32, usize)>> = HashMap::new();
    for (place, location) in locations.enumerate() {
        by_segment
            .entry(location.segment)
            .or_default()
            .push((location.row, place));
    }
    let mut segments: Vec<_> = by_segment.into_iter().collect();
    segments.sort_unstable_by_key(|(segment, _)| *segment);
    for (segment, mut rows) in segments {
        context.progress.check()?;
        rows.sort_unstable();
        let mut wanted = rows.into_iter().peekable();
        let mut damaged = false;
        reader.signatures(segment, |row, bytes| {
            while let Some((_, place)) = wanted.next_if(|(wanted, _)| *wanted == row) {
                let Some(bytes) = bytes else { continue };
                match <&[u8; SIGNATURE_BYTES]>::try_from(bytes) {
                    Ok(bytes) => each(place, &Signature::from_le_bytes(bytes)),
                    Err(_) => damaged = true,
                }
            }
        })?;
        if damaged || wanted.next().is_some() {
            let context = format!("segment {segment} does not hold the signatures that the catalogue says");
            return Err(Error::new(ErrorKind::Store, ErrorCode::CorruptStore, context));
        }
    }
    Ok(())
}
