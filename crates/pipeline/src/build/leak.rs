//! No near-duplicate crosses a split: validation and held-out files with a near twin elsewhere are dropped.
//!
//! Deduplication misses pairs by design (half of those at similarity 0.7 with 25 x 10 bands). Here the same signatures are
//! banded for recall (50 x 5 of 256 values miss one in ten thousand at 0.7); candidates are verified exactly.

use std::collections::BTreeMap;

use codelupe_catalogue::BuildCandidate;
use codelupe_core::{Reason, Split};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::{Banding, LeakConfig, LeakFinder, Signature};
use codelupe_inspect::{shingle_set, signatures};

use super::Decided;
use crate::context::Context;
use crate::error::Error;

/// Drops the leaking files: validation files near a training or held-out file, held-out files near a training file.
pub(super) fn drop_leaks(
    context: &Context,
    candidates: &[BuildCandidate],
    outcomes: &mut [Decided],
) -> Result<(), Error> {
    let mut reader = context.segment_reader()?;
    let aside = aside_signatures(context, &mut reader, candidates, outcomes)?;
    for (split, others) in [
        (Split::HeldOut, &[Split::Train][..]),
        (Split::Validation, &[Split::Train, Split::HeldOut][..]),
    ] {
        let watched = aside.iter().filter(|(doc, _)| outcomes[**doc as usize] == Ok(split));
        let config = LeakConfig {
            banding: Banding::high_recall(context.config.dedup.signature_size()?),
            threshold: context.config.dedup.threshold()?,
            ..LeakConfig::default()
        };
        let mut finder = LeakFinder::new(config, watched.map(|(doc, signature)| (*doc, signature)));
        let scanned = members(outcomes, others);
        signatures(
            &mut reader,
            locations(candidates, &scanned),
            |place, signature| -> Result<(), Error> {
                context.progress.check()?;
                if let Some(signature) = signature {
                    finder.scan(scanned[place], signature);
                }
                Ok(())
            },
        )?;
        let mut source = |doc: u32| -> Result<Vec<u64>, Error> {
            context.progress.check()?;
            let content = reader.content(candidates[doc as usize].location)?;
            let dedup = &context.config.dedup;
            Ok(shingle_set(dedup, content.language.as_deref(), &content.text)?)
        };
        let report = finder.finish(&mut source)?;
        let leaking = report.leaks.iter().map(|leak| leak.held_out);
        // A file with too many candidates to look at all of them takes no risk.
        for doc in leaking.chain(report.capped.iter().copied()) {
            outcomes[doc as usize] = Err(Reason::SplitLeak);
        }
    }
    Ok(())
}

/// The signatures of all files that are not for training, by candidate.
fn aside_signatures(
    context: &Context,
    reader: &mut SegmentReader,
    candidates: &[BuildCandidate],
    outcomes: &[Decided],
) -> Result<BTreeMap<u32, Signature>, Error> {
    let aside = members(outcomes, &[Split::Validation, Split::HeldOut]);
    let mut found = BTreeMap::new();
    signatures(
        reader,
        locations(candidates, &aside),
        |place, signature| -> Result<(), Error> {
            context.progress.check()?;
            if let Some(signature) = signature {
                found.insert(aside[place], *signature);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// The candidates in one of `splits`, by place.
fn members(outcomes: &[Decided], splits: &[Split]) -> Vec<u32> {
    (0u32..)
        .zip(outcomes)
        .filter(|(_, outcome)| outcome.is_ok_and(|split| splits.contains(&split)))
        .map(|(doc, _)| doc)
        .collect()
}

fn locations<'a>(
    candidates: &'a [BuildCandidate],
    docs: &'a [u32],
) -> impl Iterator<Item = codelupe_core::Location> + 'a {
    docs.iter().map(|doc| candidates[*doc as usize].location)
}
