//! The dedup stage: exact duplicates by blob id, near-duplicates by verified Jaccard similarity.
//!
//! Survivors are always elected among everything that processing kept, in an order that depends on the files alone, so the
//! outcome is the same for any order of arrival, and for one batch or many (guarantees G3 and G4). What is expensive is done
//! once: the LSH index keeps the band keys of every document, and the comparisons that were made. An increment reads the
//! signatures of what is new, and the texts of pairs that were never compared.

mod exact;
pub(crate) mod lsh;
mod texts;

use std::collections::HashMap;

use codelupe_catalogue::{DedupCandidate, lsh::LshIndex};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::{Election, ElectionConfig, elect};
use codelupe_inspect::{Deduplicated, GIANT_CLUSTER};

use self::texts::Texts;
use crate::context::Context;
use crate::error::Error;
use codelupe_worker::Step;

/// Finds the duplicates among all files that processing kept, and stores them. `rebuild` forgets the LSH index and what was
/// compared, and does everything anew.
///
/// # Errors
/// `Canceled` after a stop, `Store` when the data folder fails, the LSH index is damaged or was made by other parameters, or the
/// files change meanwhile; the earlier outcome stays then.
pub(crate) fn dedup(context: &Context, rebuild: bool) -> Result<Deduplicated, Error> {
    context.require_one_recipe()?;
    let state = context.config.dedup_state();
    if !rebuild && context.wait(context.catalogue.stage_state("dedup"))?.as_ref() == Some(&state) {
        return Ok(Deduplicated {
            was_current: true,
            ..Deduplicated::default()
        });
    }
    context.wait(context.catalogue.forget_unused_contents(&context.config.recipe()))?;
    // The generation that comes with it is checked when the outcome is stored: if the files change meanwhile, it is refused.
    let input = context.wait(context.catalogue.dedup_input())?;
    let candidates = input.candidates;
    context.progress.begin(Step::Dedup, candidates.len() as u64);
    let (documents, mut duplicates) = exact::exact(&candidates);
    let lsh = lsh::open(context, rebuild)?;
    let (election, largest_group) = near(context, lsh.as_ref(), &documents)?;
    let near = exact::follow(&documents, &election.outcomes, &mut duplicates);
    let largest_cluster = largest(duplicates.iter().map(|duplicate| duplicate.kept_file_id));
    if largest_cluster > GIANT_CLUSTER {
        tracing::warn!(files = largest_cluster, "a giant cluster; see: codelupe dedup clusters");
    }
    let replaced = context
        .catalogue
        .replace_duplicates(&duplicates, &state, input.generation, context.fence);
    context.wait(replaced)?;
    Ok(Deduplicated {
        files: candidates.len() as u64,
        exact: duplicates.len() as u64 - near,
        near,
        compared: election.counts.compared,
        remembered: election.counts.remembered,
        verified: election.counts.verified,
        false_candidates: election.counts.false_candidates,
        capped: election.counts.capped,
        largest_group: largest_group as u64,
        largest_cluster,
        lsh: context.wait(lsh.figures()).map_err(Error::lsh)?,
        was_current: false,
    })
}

/// The election among documents in rank order, and the size of the largest group.
fn near(context: &Context, lsh: &dyn LshIndex, documents: &[DedupCandidate]) -> Result<(Election, usize), Error> {
    let threshold = context.config.dedup.threshold()?;
    let config = ElectionConfig {
        threshold,
        ..ElectionConfig::default()
    };
    let mut reader: SegmentReader = context.segment_reader()?;
    let numbers = lsh::synchronize(context, lsh, &mut reader, documents)?;
    let groups = lsh::groups(context, lsh, &numbers)?;
    let largest = groups.largest();
    let mut texts = Texts {
        context,
        reader: &mut reader,
        documents,
        numbers: &numbers,
        remembered: context.wait(lsh.comparisons(threshold.get())).map_err(Error::lsh)?,
        made: HashMap::new(),
    };
    let election = elect(groups, &config, &mut texts)?;
    context
        .wait(lsh.remember(threshold.get(), &texts.made()))
        .map_err(Error::lsh)?;
    Ok((election, largest))
}

/// The files of the largest cluster, its kept one among them.
fn largest(kept: impl Iterator<Item = i64>) -> u64 {
    let mut files: HashMap<i64, u64> = HashMap::new();
    for id in kept {
        *files.entry(id).or_insert(1) += 1;
    }
    files.into_values().max().unwrap_or(0)
}
