//! The LSH index of a data folder: where it is, opened, and filled from the segments.

use std::path::Path;
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, DedupCandidate, lsh, lsh::LshIndex, lsh::LshKind, lsh::SignedDocument};
use codelupe_core::{BlobId, LshParameters};
use codelupe_corpus::SegmentReader;
use codelupe_dedup::{Banding, Signature};
use tokio::runtime::Handle;

use crate::dedup_config::DedupConfig;
use crate::error::{Error, ErrorKind};
use crate::signatures::signatures;

/// Documents per insert: about 1.3 kB each in memory.
pub const INSERTED_AT_ONCE: usize = 50_000;

/// Where an LSH index is, and what it is made by.
#[derive(Debug, Clone, Copy)]
pub struct LshPlace<'a> {
    /// How contents are compared.
    pub dedup: &'a DedupConfig,
    /// The recipe that they were processed by.
    pub recipe: &'a str,
    /// The folder of an index that is in files.
    pub folder: &'a Path,
    /// The catalogue of the same contents, whose database may hold the index.
    pub catalogue: &'a Catalogue,
}

impl LshPlace<'_> {
    /// Opens the LSH index for writing. One that was made of texts of another recipe is emptied first: all of its documents
    /// are gone. One with other bands is refused; `rebuild` empties it in any case.
    ///
    /// # Errors
    /// `Config` when a setting is not valid; `Store` when the LSH index cannot be read, is damaged, or was made by other
    /// parameters.
    pub async fn open(&self, rebuild: bool) -> Result<Arc<dyn LshIndex>, Error> {
        let parameters = self.parameters()?;
        let is_stale = |stored: LshParameters| stored.recipe != parameters.recipe;
        if rebuild || self.stored().await?.is_some_and(is_stale) {
            let emptied = lsh::reset(self.kind(), self.folder, self.catalogue);
            emptied.await.map_err(Error::lsh)?;
        }
        self.open_by(&parameters).await
    }

    /// Opens the LSH index of a data folder that others work on.
    ///
    /// # Errors
    /// `Nothing` when there is none yet; otherwise as [`Self::open`].
    pub async fn open_existing(&self) -> Result<Arc<dyn LshIndex>, Error> {
        if self.kind() != LshKind::Memory && self.stored().await?.is_none() {
            let context = "nothing was compared here yet; run: codelupe dedup";
            return Err(Error::new(ErrorKind::Nothing, context));
        }
        self.open_by(&self.parameters()?).await
    }

    /// Whether the index is lost with its last handle, so that it must be filled after it is opened.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.kind() == LshKind::Memory
    }

    fn kind(&self) -> LshKind {
        self.dedup.lsh_kind(self.catalogue)
    }

    fn parameters(&self) -> Result<LshParameters, Error> {
        self.dedup.lsh_parameters(self.recipe)
    }

    async fn stored(&self) -> Result<Option<LshParameters>, Error> {
        let stored = lsh::stored_parameters(self.kind(), self.folder, self.catalogue);
        stored.await.map_err(Error::lsh)
    }

    async fn open_by(&self, parameters: &LshParameters) -> Result<Arc<dyn LshIndex>, Error> {
        let opened = lsh::open(self.kind(), self.folder, self.catalogue, parameters);
        opened.await.map_err(Error::lsh)
    }
}

/// Inserts documents, whose signatures are read from the segments. `check` is asked now and then whether to go on.
///
/// # Errors
/// `Config` when the bands are not valid; `Store` when index or segments cannot be read or written; that of `check`.
pub fn insert<E>(
    dedup: &DedupConfig,
    runtime: &Handle,
    lsh: &dyn LshIndex,
    reader: &mut SegmentReader,
    documents: &[DedupCandidate],
    check: &dyn Fn() -> Result<(), E>,
) -> Result<(), E>
where
    E: From<Error>,
{
    let banding = dedup.banding()?;
    let insert = |waiting: &mut Vec<SignedDocument>| -> Result<(), E> {
        check()?;
        runtime.block_on(lsh.insert(waiting)).map_err(Error::lsh)?;
        waiting.clear();
        Ok(())
    };
    let mut waiting = Vec::new();
    let locations = documents.iter().map(|document| document.location);
    signatures(reader, locations, |place, signature| {
        waiting.push(signed(banding, documents[place].blob, signature));
        if waiting.len() < INSERTED_AT_ONCE {
            return Ok(());
        }
        insert(&mut waiting)
    })?;
    insert(&mut waiting)
}

/// A document as the LSH index takes it; one that is too short to compare has no keys.
pub fn signed(banding: Banding, blob: BlobId, signature: Option<&Signature>) -> SignedDocument {
    SignedDocument {
        blob,
        signature: signature.map_or_else(Vec::new, Signature::to_le_bytes),
        keys: signature.map_or_else(Vec::new, |signature| banding.keys(signature).collect()),
    }
}
