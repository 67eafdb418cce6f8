//! Near-duplicates as soon as they come in: processing asks the LSH index, and records what it says.

use std::sync::Arc;

use codelupe_catalogue::{CandidateRow, lsh::LshIndex, lsh::NeighborLimits, lsh::SignedDocument};
use codelupe_core::BlobId;
use codelupe_dedup::Signature;
use codelupe_inspect::signed;

use crate::context::Context;
use crate::dedup::lsh;
use crate::error::Error;

/// How far the LSH index looks: a content and the one that shares the most bands with it, among few.
const LIMITS: NeighborLimits = NeighborLimits {
    bucket: 16,
    neighbors: 2,
};

/// Asks the LSH index about what was stored. After a failure the index is not asked again: deduplication will bring it up to date.
pub(super) struct CandidateFinder<'a> {
    context: &'a Context,
    lsh: Option<Arc<dyn LshIndex>>,
    waiting: Vec<SignedDocument>,
}

impl<'a> CandidateFinder<'a> {
    /// A finder that does something only when `dedup.inline` says so.
    pub(super) fn new(context: &'a Context) -> Self {
        let mut finder = Self {
            context,
            lsh: None,
            waiting: Vec::new(),
        };
        if context.config.dedup.inline {
            match lsh::open(context, false) {
                Ok(lsh) => finder.lsh = Some(lsh),
                Err(error) => give_up(&error),
            }
        }
        finder
    }

    /// Notes a kept content that has a signature.
    pub(super) fn add(&mut self, blob: BlobId, signature: Option<&[u8]>) {
        let signature = signature.and_then(|bytes| Signature::try_from(bytes).ok());
        let (Some(_), Some(signature), Ok(banding)) = (&self.lsh, signature, self.context.config.dedup.banding())
        else {
            return;
        };
        self.waiting.push(signed(banding, blob, Some(&signature)));
    }

    /// Records the candidates of what was noted, which is in the catalogue by now.
    ///
    /// # Errors
    /// `Store` when the catalogue fails, or the job's lease is lost.
    pub(super) fn record(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(lsh) = &self.lsh else { return Ok(()) };
        match self.find(lsh.as_ref(), &waiting) {
            Ok(found) if found.is_empty() => Ok(()),
            Ok(found) => {
                let recorded = self.context.catalogue.record_candidates(&found, self.context.fence);
                Ok(self.context.wait(recorded)?)
            }
            Err(error) => {
                give_up(&error);
                self.lsh = None;
                Ok(())
            }
        }
    }

    fn find(&self, lsh: &dyn LshIndex, documents: &[SignedDocument]) -> Result<Vec<CandidateRow>, Error> {
        self.context.wait(lsh.insert(documents)).map_err(Error::lsh)?;
        let mut rows = Vec::new();
        for document in documents {
            let neighbors = self
                .context
                .wait(lsh.neighbors(&document.keys, LIMITS))
                .map_err(Error::lsh)?;
            let other = neighbors.found.iter().find(|other| other.blob != document.blob);
            rows.extend(other.map(|other| CandidateRow {
                blob: document.blob,
                candidate: other.blob,
                shared: other.shared,
            }));
        }
        Ok(rows)
    }
}

fn give_up(error: &Error) {
    let error = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    tracing::warn!(
        error,
        "candidates are not recorded by this job; codelupe dedup looks at everything"
    );
}
