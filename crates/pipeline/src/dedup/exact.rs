//! Exact duplicates, and what follows from near-duplicates for them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use codelupe_catalogue::{DedupCandidate, Duplicate};
use codelupe_core::{BlobId, Reason};
use codelupe_dedup::ElectionOutcome;

/// Of candidates in rank order: the best-ranked file of each blob, and the others as its duplicates.
pub(super) fn exact(candidates: &[DedupCandidate]) -> (Vec<DedupCandidate>, Vec<Duplicate>) {
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
pub(super) fn follow(
    documents: &[DedupCandidate],
    outcomes: &[ElectionOutcome],
    duplicates: &mut Vec<Duplicate>,
) -> u64 {
    let mut dropped: HashMap<i64, (i64, f64)> = HashMap::new();
    for (document, outcome) in documents.iter().zip(outcomes) {
        if let ElectionOutcome::Duplicate { of, jaccard } = *outcome {
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
