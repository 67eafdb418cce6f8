//! The search index, wherever it lies.

use std::ops::Deref;

use codelupe_corpus::{Artifact, DataFolder, Staged};
use codelupe_search::SearchIndex;

use crate::failure::Result;

/// A search index that is open, and its files.
pub(crate) struct Search {
    index: SearchIndex,
    _files: Staged,
}

impl Search {
    /// Opens the index of the data folder, or that of the build of the digest `indexed`, which is in the store.
    ///
    /// # Errors
    /// Those of [`DataFolder::stage`] and of [`SearchIndex::open`].
    pub(crate) fn open(folder: &DataFolder, indexed: Option<String>) -> Result<Self> {
        let files = match indexed {
            Some(digest) => folder.stage(&Artifact::Search(digest))?,
            None => Staged::here(folder.search()),
        };
        Ok(Self {
            index: SearchIndex::open(files.path())?,
            _files: files,
        })
    }
}

impl Deref for Search {
    type Target = SearchIndex;

    fn deref(&self) -> &SearchIndex {
        &self.index
    }
}
