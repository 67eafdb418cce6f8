//! The LSH index of a data folder, brought up to date with the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use codelupe_catalogue::{DedupCandidate, lsh::LshIndex};
use codelupe_core::BlobId;
use codelupe_corpus::SegmentReader;
use codelupe_dedup::Groups;
use codelupe_inspect::{LshPlace, insert};
use codelupe_process::View;

use crate::context::Context;
use crate::error::Error;

/// No document of the LSH index, or none of the catalogue.
pub(super) const NOBODY: u32 = u32::MAX;

/// Opens the LSH index for writing, as [`LshPlace::open`] does.
///
/// # Errors
/// Those of [`LshPlace::open`].
pub(crate) fn open(context: &Context, rebuild: bool) -> Result<Arc<dyn LshIndex>, Error> {
    let place = LshPlace {
        dedup: &context.config.dedup,
        recipe: &context.config.recipe(),
        folder: &context.folder.lsh(),
        catalogue: &context.catalogue,
    };
    Ok(context.wait(place.open(rebuild))?)
}

/// Which document of the catalogue is which of the LSH index.
pub(super) struct Numbers {
    /// By rank, the number in the LSH index.
    pub(super) by_rank: Vec<u32>,
    /// By number in the LSH index, the rank.
    pub(super) ranks: Vec<u32>,
}

/// Removes from the LSH index what is not among the documents (in rank order), and inserts what is new.
///
/// # Errors
/// `Canceled` after a stop, `Store` when index or segments cannot be read or written.
pub(super) fn synchronize(
    context: &Context,
    lsh: &dyn LshIndex,
    reader: &mut SegmentReader,
    documents: &[DedupCandidate],
) -> Result<Numbers, Error> {
    let rank_of: HashMap<BlobId, u32> = (0..)
        .zip(documents)
        .map(|(rank, document)| (document.blob, rank))
        .collect();
    let mut known = vec![false; documents.len()];
    let mut gone = Vec::new();
    for (_, blob) in context.wait(lsh.documents()).map_err(Error::lsh)? {
        match rank_of.get(&blob) {
            Some(rank) => known[*rank as usize] = true,
            None => gone.push(blob),
        }
    }
    // What of such a blob is compared depends on its best-ranked file, which may be another one now.
    if context.config.dedup.view != View::Text {
        let recipe = context.config.recipe();
        let several = context.catalogue.blobs_of_several_languages(&recipe);
        for blob in context.wait(several)? {
            if let Some(rank) = rank_of.get(&blob) {
                known[*rank as usize] = false;
                gone.push(blob);
            }
        }
    }
    if !gone.is_empty() {
        context.wait(lsh.remove(&gone)).map_err(Error::lsh)?;
    }
    let new: Vec<DedupCandidate> = documents
        .iter()
        .zip(&known)
        .filter(|(_, known)| !**known)
        .map(|(document, _)| *document)
        .collect();
    let check = || context.progress.check().map_err(Error::from);
    insert(&context.config.dedup, &context.runtime, lsh, reader, &new, &check)?;
    let mut numbers = Numbers {
        by_rank: vec![NOBODY; documents.len()],
        ranks: Vec::new(),
    };
    for (number, blob) in context.wait(lsh.documents()).map_err(Error::lsh)? {
        let Some(&rank) = rank_of.get(&blob) else { continue };
        numbers.ranks.resize(number as usize + 1, NOBODY);
        numbers.ranks[number as usize] = rank;
        numbers.by_rank[rank as usize] = number;
    }
    Ok(numbers)
}

/// The groups of the LSH index, by rank.
///
/// # Errors
/// `Canceled` after a stop, `Store` when the LSH index cannot be read.
pub(super) fn groups(context: &Context, lsh: &dyn LshIndex, numbers: &Numbers) -> Result<Groups, Error> {
    let documents = u32::try_from(numbers.by_rank.len()).unwrap_or(u32::MAX);
    let mut groups = Groups::new(documents);
    let mut ranks = Vec::new();
    for band in 0..lsh.parameters().bands {
        context.progress.check()?;
        let mut each = |members: &[u32]| {
            ranks.clear();
            let known = members.iter().filter_map(|number| numbers.ranks.get(*number as usize));
            ranks.extend(known.copied().filter(|rank| *rank != NOBODY));
            groups.push(&ranks);
        };
        context.wait(lsh.groups(band, &mut each)).map_err(Error::lsh)?;
    }
    Ok(groups.complete()?)
}
