//! The files of a repository's newest commit: all of them, or its folders first and then the files that are wanted.

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use codelupe_core::{Repository, error::ErrorCode};

use super::Wanted;
use super::visit::Visit;
use crate::error::{Error, ErrorKind};
use crate::git::GitSnapshot;
use crate::limits::Limits;
use crate::pack::{Broken, Pack, PackLimits};
use crate::snapshot::Snapshot;
use crate::wire::{self, Capabilities, Files, PackRequest};

/// The most files that are asked for by their ids: some 500 kB of request.
const MAX_WANTED: usize = 10_000;

impl Visit<'_> {
    /// The commit `head` with all its files.
    pub(super) fn whole(
        &self,
        repository: Repository,
        head: [u8; 20],
        capabilities: &Capabilities,
        limits: &Limits,
    ) -> Result<GitSnapshot, Error> {
        let filtered = capabilities.filter && self.fetcher.settings.filter;
        let files = if filtered {
            Files::UpTo(limits.max_blob_bytes)
        } else {
            Files::All
        };
        let pack = self.pack(PackRequest::Commit { id: head, files }, limits)?;
        let snapshot = GitSnapshot::of(repository, head, Box::new(pack), limits)?;
        Ok(if filtered { snapshot.filtered() } else { snapshot })
    }

    /// The commit `head` with those of its files that are wanted; `None` where it is better to fetch all: most are wanted,
    /// or the server gives no file by its id. It must be able to filter.
    pub(super) fn part(
        &self,
        repository: Repository,
        head: [u8; 20],
        limits: &Limits,
        wanted: &Wanted<'_>,
    ) -> Result<Option<GitSnapshot>, Error> {
        let files = Files::None;
        let folders = self.pack(PackRequest::Commit { id: head, files }, limits)?;
        let snapshot = GitSnapshot::of(repository, head, Box::new(folders), limits)?;
        let entries = snapshot.entries();
        let Some(wanted) = wanted(entries) else {
            return Ok(None);
        };
        let blob = |index: usize| Some(*entries.get(index)?.blob?.as_bytes());
        let ids: HashSet<[u8; 20]> = wanted.into_iter().filter_map(blob).collect();
        let files = entries.iter().filter(|entry| entry.blob.is_some()).count();
        tracing::debug!(repository = %snapshot.repository().name, files, wanted = ids.len(), "folders fetched");
        if ids.is_empty() {
            return Ok(Some(snapshot));
        }
        if ids.len() > MAX_WANTED || ids.len() * 2 > files {
            return Ok(None);
        }
        let ids: Vec<[u8; 20]> = ids.into_iter().collect();
        match self.pack(PackRequest::Blobs(&ids), limits) {
            Ok(pack) if ids.iter().all(|id| pack.has(id)) => Ok(Some(snapshot.with_objects(Box::new(pack)))),
            Ok(_) => Ok(None),
            Err(error) if gives_none(error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn pack(&self, request: PackRequest<'_>, limits: &Limits) -> Result<Pack, Error> {
        let response = self.post(request.to_bytes())?;
        let body = Counted {
            source: response.body.reader(self.fetcher.runtime.clone(), self.deadline),
            count: &self.fetcher.received,
        };
        let pack = wire::read_to_pack(body).map_err(|error| self.wire(error))?;
        Pack::receive(pack, &self.pack_limits(limits)).map_err(|error| self.broken(error))
    }

    fn pack_limits(&self, limits: &Limits) -> PackLimits {
        let settings = &self.fetcher.settings;
        PackLimits {
            pack_bytes: settings.max_pack_bytes,
            inflated_bytes: settings.max_inflated_bytes,
            object_bytes: limits.max_decode_bytes / 2,
            // A folder has a tree; one commit, and some tags that may lead to it.
            objects: limits.max_entries.saturating_mul(2).saturating_add(16),
            delta_chain: limits.max_delta_chain as usize,
            keep_bytes: settings.keep_bytes,
            spool_folder: self.fetcher.spool_folder.clone(),
        }
    }

    fn broken(&self, error: Broken) -> Error {
        let kind = match error {
            Broken::Stream(error) => return self.wire(error),
            Broken::Malformed(_) => ErrorKind::Corrupt,
            Broken::PackTooLarge(_) | Broken::InflatesTooMuch(_) | Broken::TooLarge(_) => ErrorKind::TooLarge,
            Broken::TooManyObjects(_) => ErrorKind::TooManyEntries,
            Broken::Spool(ref cause) => {
                let code = ErrorCode::of_own_io(cause);
                return self
                    .error(ErrorKind::Machine, "the pack")
                    .with_code(code)
                    .with_source(error);
            }
        };
        self.error(kind, "the pack").with_source(error)
    }
}

/// Whether a failure says that a server gives no file by its id, where it gave the commit.
fn gives_none(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Refused | ErrorKind::Protocol | ErrorKind::Corrupt)
}

/// Adds what is read to a count.
pub(super) struct Counted<'a, R> {
    pub(super) source: R,
    pub(super) count: &'a AtomicU64,
}

impl<R: BufRead> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.fetch_add(amount as u64, Ordering::Relaxed);
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
