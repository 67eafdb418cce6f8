//! Signatures out of the segments, and which contents have one.

use std::collections::{HashMap, HashSet};

use codelupe_catalogue::DedupCandidate;
use codelupe_core::{BlobId, Location, error::ErrorCode};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::Signature;

use crate::error::{Error, ErrorKind};

/// Of candidates in rank order, the best-ranked file of each blob.
pub fn distinct(candidates: &[DedupCandidate]) -> Vec<DedupCandidate> {
    let mut seen: HashSet<BlobId> = HashSet::new();
    let first = candidates.iter().filter(|candidate| seen.insert(candidate.blob));
    first.copied().collect()
}

/// Calls `each` with the place in `locations` of every content, and its signature unless it is too short for one.
///
/// # Errors
/// `Store` when a segment cannot be read or lacks something; the first error of `each`.
pub fn signatures<E>(
    reader: &mut SegmentReader,
    locations: impl Iterator<Item = Location>,
    mut each: impl FnMut(usize, Option<&Signature>) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<Error>,
{
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
        rows.sort_unstable();
        let mut wanted = rows.into_iter().peekable();
        // The reader's callback cannot fail, so the first error is kept until it has returned.
        let mut outcome = Ok(());
        let read = reader.signatures(segment, |row, bytes| {
            while let Some((_, place)) = wanted.next_if(|(wanted, _)| *wanted == row) {
                if outcome.is_ok() {
                    let decoded = decode(segment, bytes).map_err(E::from);
                    outcome = decoded.and_then(|signature| each(place, signature.as_ref()));
                }
            }
        });
        read.map_err(Error::from)?;
        outcome?;
        if wanted.next().is_some() {
            return Err(damaged(segment).into());
        }
    }
    Ok(())
}

fn decode(segment: i64, bytes: Option<&[u8]>) -> Result<Option<Signature>, Error> {
    bytes
        .map(|bytes| Signature::try_from(bytes).map_err(|_| damaged(segment)))
        .transpose()
}

fn damaged(segment: i64) -> Error {
    let context = format!("segment {segment} does not hold the signatures that the catalogue says");
    Error::new(ErrorKind::Store, context).with_code(ErrorCode::CorruptStore)
}
