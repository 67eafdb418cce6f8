//! An index in files: sorted files that never change, and a manifest that names them.
//!
//! ```text
//! lsh/
//!   manifest.json    parameters, and the files below with their sizes and checksums
//!   lock             held by the one who changes the index
//!   sorted-N         documents of a stretch of numbers, and their keys
//!   removed-N        numbers of documents that were removed and are still in sorted files
//!   comparisons-N    what was remembered
//! ```
//!
//! Every byte is covered by a checksum, which is looked at when the byte is read. A change writes new files and then renames
//! a new manifest over the old one. Files that the manifest does not name are removed by the next who changes the index.
//! Question and change read the manifest anew, so that any number of processes may have the index open. A merge needs as much
//! space again as the sorted files it merges.

mod change;
mod column;
mod entry;
mod list;
mod manifest;
mod merge;
mod snapshot;
mod sorted;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use codelupe_core::{BlobId, LshParameters};
use codelupe_disk::{Lock, make_folder};
use tokio::sync::mpsc;

use self::change::Change;
use self::manifest::Manifest;
use self::snapshot::Snapshot;
use super::check;
use super::{Comparison, EachGroup, LshFigures, LshIndex, NeighborLimits, Neighbors, SignedDocument, other_parameters};
use crate::error::{Error, ErrorKind};

/// Groups that are handed over together.
const GROUPS_AT_ONCE: usize = 1024;

/// An index in files.
#[derive(Debug)]
pub(super) struct DiskIndex {
    parameters: LshParameters,
    files: Arc<Files>,
}

/// The folder, and what is open of it.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
    parameters: LshParameters,
    latest: Mutex<Option<Arc<Snapshot>>>,
}

impl DiskIndex {
    /// Opens the index in a folder, or makes it.
    pub(super) async fn open(folder: PathBuf, parameters: &LshParameters) -> Result<Self, Error> {
        let files = Arc::new(Files {
            folder,
            parameters: parameters.clone(),
            latest: Mutex::new(None),
        });
        let index = Self {
            parameters: parameters.clone(),
            files,
        };
        index.blocking(Files::make).await?;
        Ok(index)
    }

    /// Does what waits for the disk on a thread that may wait.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let files = Arc::clone(&self.files);
        blocking(move || work(&files)).await
    }
}

/// What the index in a folder was made by.
pub(super) async fn stored_parameters(folder: PathBuf) -> Result<Option<LshParameters>, Error> {
    blocking(move || {
        let Some(text) = manifest::read(&folder)? else {
            return Ok(None);
        };
        Ok(Some(Manifest::parse(&folder, &text)?.parameters))
    })
    .await
}

/// Removes the index in a folder.
pub(super) async fn reset(folder: PathBuf) -> Result<(), Error> {
    blocking(move || {
        make_folder(&folder)?;
        let lock = change::lock(&folder)?;
        manifest::remove(&folder)?;
        change::remove_orphans(&folder, None, &lock)
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::new(ErrorKind::Io, "cannot wait for the LSH index").with_source(error)))
}

impl Files {
    /// Makes an empty index, unless there is one.
    fn make(&self) -> Result<(), Error> {
        if manifest::read(&self.folder)?.is_none() {
            make_folder(&self.folder)?;
            let _lock = change::lock(&self.folder)?;
            if manifest::read(&self.folder)?.is_none() {
                Manifest::new(self.parameters.clone()).prepare(&self.folder)?;
                manifest::commit(&self.folder)?;
            }
        }
        self.snapshot().map(drop)
    }

    /// The index as it is now.
    fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = Snapshot::load(&self.folder, latest.as_ref())?;
        if snapshot.manifest.parameters != self.parameters {
            return Err(other_parameters(&snapshot.manifest.parameters, &self.parameters));
        }
        Ok(Arc::clone(latest.insert(snapshot)))
    }

    /// Changes the index as it is when nobody else may.
    fn change<T>(&self, work: impl FnOnce(&Path, &Snapshot, &Lock) -> Result<T, Error>) -> Result<T, Error> {
        let lock = change::lock(&self.folder)?;
        let snapshot = self.snapshot()?;
        change::remove_orphans(&self.folder, Some(&snapshot.manifest), &lock)?;
        work(&self.folder, &snapshot, &lock)
    }

    /// Inserts documents with their keys; one that is too short to compare has none.
    fn insert(&self, documents: &[(BlobId, Vec<u64>)]) -> Result<u64, Error> {
        self.change(|folder, snapshot, lock| {
            let blobs: Vec<BlobId> = documents.iter().map(|(blob, _)| *blob).collect();
            let known = snapshot.numbers(&blobs)?;
            let mut seen = HashSet::new();
            let is_new = |(blob, _): &&(BlobId, Vec<u64>)| !known.contains_key(blob) && seen.insert(*blob);
            let new: Vec<_> = documents.iter().filter(is_new).collect();
            if new.is_empty() {
                return Ok(0);
            }
            let insert = |change: &mut Change<'_>| change.insert(&new);
            Change::of(folder, snapshot).commit(lock, insert)?;
            Ok(new.len() as u64)
        })
    }

    fn remove(&self, blobs: &[BlobId]) -> Result<u64, Error> {
        let removed = self.change(|folder, snapshot, lock| {
            let known = snapshot.numbers(blobs)?;
            if !known.is_empty() {
                let remove = |change: &mut Change<'_>| change.remove(known.values().copied());
                Change::of(folder, snapshot).commit(lock, remove)?;
            }
            Ok(known.len() as u64)
        })?;
        if removed > 0
            && let Err(error) = self.change(compact)
        {
            tracing::warn!(%error, "cannot make the LSH index smaller; it is right all the same");
        }
        Ok(removed)
    }

    fn remember(&self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error> {
        self.change(|folder, snapshot, lock| {
            let remember = |change: &mut Change<'_>| change.remember(threshold, comparisons);
            Change::of(folder, snapshot).commit(lock, remember)
        })
    }
}

/// Writes all anew without what was removed, when that is most of it.
fn compact(folder: &Path, snapshot: &Snapshot, lock: &Lock) -> Result<(), Error> {
    if !snapshot.is_mostly_removed() {
        return Ok(());
    }
    Change::of(folder, snapshot).commit(lock, |change| change.merge(0))
}

#[async_trait]
impl LshIndex for DiskIndex {
    fn parameters(&self) -> &LshParameters {
        &self.parameters
    }

    async fn insert(&self, documents: &[SignedDocument]) -> Result<u64, Error> {
        check::documents(&self.parameters, documents)?;
        let documents = documents.iter().map(|document| (document.blob, document.keys.clone()));
        let documents: Vec<(BlobId, Vec<u64>)> = documents.collect();
        self.blocking(move |files| files.insert(&documents)).await
    }

    async fn remove(&self, blobs: &[BlobId]) -> Result<u64, Error> {
        let blobs = blobs.to_vec();
        self.blocking(move |files| files.remove(&blobs)).await
    }

    async fn documents(&self) -> Result<Vec<(u32, BlobId)>, Error> {
        self.blocking(|files| files.snapshot()?.documents()).await
    }

    async fn neighbors(&self, keys: &[u64], limits: NeighborLimits) -> Result<Neighbors, Error> {
        check::keys(&self.parameters, keys)?;
        let keys = keys.to_vec();
        self.blocking(move |files| files.snapshot()?.neighbors(&keys, limits))
            .await
    }

    async fn groups(&self, band: u32, each: &mut EachGroup<'_>) -> Result<(), Error> {
        check::band(&self.parameters, band)?;
        let (sender, mut receiver) = mpsc::channel::<Vec<Vec<u32>>>(2);
        let files = Arc::clone(&self.files);
        let reading = blocking(move || {
            let mut groups = Vec::new();
            files.snapshot()?.groups(band as usize, |group| {
                groups.push(group.to_vec());
                // When nobody takes them any more, it ends.
                groups.len() < GROUPS_AT_ONCE || sender.blocking_send(std::mem::take(&mut groups)).is_ok()
            })?;
            let _ = sender.blocking_send(groups);
            Ok(())
        });
        let reading = tokio::spawn(reading);
        while let Some(groups) = receiver.recv().await {
            for group in &groups {
                each(group);
            }
        }
        let done = reading.await;
        done.unwrap_or_else(|error| Err(Error::new(ErrorKind::Io, "cannot wait for the LSH index").with_source(error)))
    }

    async fn comparisons(&self, threshold: f64) -> Result<Vec<Comparison>, Error> {
        self.blocking(move |files| files.snapshot()?.comparisons_for(threshold))
            .await
    }

    async fn remember(&self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error> {
        let comparisons = comparisons.to_vec();
        self.blocking(move |files| files.remember(threshold, &comparisons))
            .await
    }

    async fn figures(&self) -> Result<LshFigures, Error> {
        self.blocking(|files| Ok(files.snapshot()?.figures())).await
    }
}
