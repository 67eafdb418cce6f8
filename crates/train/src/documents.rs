//! The files of a build, as the makers of samples take them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use codelupe_catalogue::BuildRow;
use codelupe_core::{BlobId, Language, Split};
use codelupe_corpus::{BuildRecord, DataFolder, Manifest, Objects, SplitManifest, read_blobs, read_shard};
use codelupe_samples::Document;

use crate::error::{Error, ErrorKind};

/// Documents that wait for the makers of samples: one is at most as large as the largest file of a build.
const WAITING: usize = 64;

/// A build in the store.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub(crate) name: String,
    pub(crate) digest: String,
    place: String,
    objects: Arc<dyn Objects>,
    manifest: Manifest,
}

impl Build {
    pub(crate) fn open(folder: &DataFolder, row: &BuildRow) -> Result<Self, Error> {
        let place = folder.build_place(&row.name);
        let manifest = serde_json::from_str(&row.manifest).map_err(|error| Error::damaged(Path::new(&place), error))?;
        Ok(Self {
            name: row.name.clone(),
            digest: row.digest.clone(),
            place,
            objects: Arc::clone(folder.objects()),
            manifest,
        })
    }

    fn split(&self, split: Split) -> Option<&SplitManifest> {
        self.manifest
            .splits
            .iter()
            .find(|manifest| manifest.name == split.as_str())
    }

    /// Calls `each` with the repository and the blob of every file of a split, in order.
    pub(crate) fn blobs(&self, split: Split, mut each: impl FnMut(&str, BlobId)) -> Result<(), Error> {
        let mut damaged = None;
        for shard in self.split(split).map_or(&[][..], |split| &split.shards) {
            read_blobs(&self.objects, &self.name, shard, |repository, blob| {
                match blob.parse() {
                    Ok(blob) => each(repository, blob),
                    Err(_) => damaged = Some(blob.to_owned()),
                }
            })?;
        }
        match damaged {
            Some(blob) => Err(Error::damaged(
                Path::new(&self.place),
                format!("`{blob}` is no id of a blob"),
            )),
            None => Ok(()),
        }
    }

    /// Hands the wanted files of a split to `take`, by repository and path, while they are read by another thread.
    pub(crate) fn documents<T>(
        &self,
        split: Split,
        mut wanted: impl FnMut(&BuildRecord) -> bool + Send,
        take: impl FnOnce(&mut dyn Iterator<Item = Result<Document, Error>>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (sender, receiver) = sync_channel(WAITING);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for shard in self.split(split).map_or(&[][..], |split| &split.shards) {
                    let sent = read_shard(&self.objects, &self.name, shard, |record| {
                        if !wanted(&record) {
                            return Ok(());
                        }
                        // Whoever takes them has gone, and says why.
                        sender.send(Ok(document(record))).map_err(|_| Gone::Taker)
                    });
                    match sent {
                        Ok(()) => {}
                        Err(Gone::Taker) => return,
                        Err(Gone::Store(error)) => {
                            let _ = sender.send(Err(error.into()));
                            return;
                        }
                    }
                }
            });
            take(&mut receiver.into_iter())
        })
    }
}

/// Why reading ended.
enum Gone {
    Taker,
    Store(codelupe_corpus::Error),
}

impl From<codelupe_corpus::Error> for Gone {
    fn from(error: codelupe_corpus::Error) -> Self {
        Self::Store(error)
    }
}

fn document(record: BuildRecord) -> Document {
    Document {
        repository: record.repository,
        path: record.path,
        language: Language::named(record.language),
        text: record.content,
    }
}

/// The error of a data folder without a build.
pub(crate) fn no_build(path: &Path) -> Error {
    let context = format!(
        "there is no build in `{}` yet; `codelupe run SOURCE` makes one",
        codelupe_core::text::display_path(path)
    );
    Error::new(ErrorKind::Nothing, context)
}
