//! The LSH index of a data folder: opened, and brought up to date with the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, DedupCandidate, lsh, lsh::LshIndex, lsh::LshKind, lsh::SignedDocument};
use codelupe_core::{BlobId, LshParameters};
use codelupe_corpus::{DataFolder, SegmentReader};
use codelupe_dedup::{Banding, Groups, Signature};
use codelupe_process::View;
use tokio::runtime::Handle;

use super::signatures::signatures;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, ErrorKind};

/// Documents inserted at once: about 1.3 kB each in memory.
pub(crate) const INSERTED_AT_ONCE: usize = 50_000;

/// No document of the LSH index, or none of the catalogue.
pub(super) const NOBODY: u32 = u32::MAX;

/// Opens the LSH index. One that was made of texts of another recipe is emptied first: all of its documents are gone. One with
/// other bands is refused; `rebuild` empties it in any case.
///
/// # Errors
/// `Store` when the LSH index cannot be read, is damaged, or was made by other parameters.
pub(crate) async fn open(
    config: &Config,
    folder: &DataFolder,
    catalogue: &Catalogue,
    rebuild: bool,
) -> Result<Arc<dyn LshIndex>, Error> {
    let kind = config.dedup.lsh_kind(catalogue);
    let parameters = parameters(config)?;
    let stale = if rebuild {
        true
    } else {
        let stored = lsh::stored_parameters(kind, &folder.lsh(), catalogue)
            .await
            .map_err(Error::lsh)?;
        stored.is_some_and(|stored| stored.recipe != parameters.recipe)
    };
    if stale {
        lsh::reset(kind, &folder.lsh(), catalogue).await.map_err(Error::lsh)?;
    }
    lsh::open(kind, &folder.lsh(), catalogue, &parameters)
        .await
        .map_err(Error::lsh)
}

/// Opens the LSH index of a data folder that others work on.
///
/// # Errors
/// `Nothing` when there is none yet; otherwise as [`open`].
pub(crate) async fn open_existing(
    config: &Config,
    folder: &DataFolder,
    catalogue: &Catalogue,
) -> Result<Arc<dyn LshIndex>, Error> {
    let kind = config.dedup.lsh_kind(catalogue);
    if kind != LshKind::Memory
        && lsh::stored_parameters(kind, &folder.lsh(), catalogue)
            .await
            .map_err(Error::lsh)?
            .is_none()
    {
        return Err(no_lsh());
    }
    lsh::open(kind, &folder.lsh(), catalogue, &parameters(config)?)
        .await
        .map_err(Error::lsh)
}

/// The error of a data folder in which nothing was compared yet.
fn no_lsh() -> Error {
    let context = "nothing was compared here yet; run: codelupe dedup";
    Error::new(ErrorKind::Nothing, context)
}

/// What an LSH index of this configuration is made by.
///
/// # Errors
/// `Config` when the configuration is not valid.
pub(crate) fn parameters(config: &Config) -> Result<LshParameters, Error> {
    let banding = config.dedup.banding()?;
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(LshParameters {
        scheme: codelupe_dedup::SCHEME.to_owned(),
        recipe: config.recipe(),
        shingle_tokens: count(config.dedup.shingle_size()?.get()),
        permutations: count(config.dedup.signature_size()?.get()),
        bands: count(banding.bands()),
        rows: count(banding.rows()),
    })
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
    let check = || Ok(context.progress.check()?);
    insert(&context.config, &context.runtime, lsh, reader, &new, &check)?;
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

/// Inserts documents, whose signatures are read from the segments. `check` is asked now and then whether to go on.
///
/// # Errors
/// `Config` when the bands are not valid; `Store` when index or segments cannot be read or written; that of `check`.
pub(crate) fn insert(
    config: &Config,
    runtime: &Handle,
    lsh: &dyn LshIndex,
    reader: &mut SegmentReader,
    documents: &[DedupCandidate],
    check: &dyn Fn() -> Result<(), Error>,
) -> Result<(), Error> {
    let banding = config.dedup.banding()?;
    let mut waiting = Vec::new();
    let locations = documents.iter().map(|document| document.location);
    signatures(reader, locations, |place, signature| {
        waiting.push(signed(banding, documents[place].blob, signature));
        if waiting.len() >= INSERTED_AT_ONCE {
            check()?;
            runtime.block_on(lsh.insert(&waiting)).map_err(Error::lsh)?;
            waiting.clear();
        }
        Ok(())
    })?;
    runtime.block_on(lsh.insert(&waiting)).map_err(Error::lsh)?;
    Ok(())
}

/// A document as the LSH index takes it; one that is too short to compare has no keys.
pub(crate) fn signed(banding: Banding, blob: BlobId, signature: Option<&Signature>) -> SignedDocument {
    SignedDocument {
        blob,
        signature: signature.map_or_else(Vec::new, Signature::to_le_bytes),
        keys: signature.map_or_else(Vec::new, |signature| banding.keys(signature).collect()),
    }
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
