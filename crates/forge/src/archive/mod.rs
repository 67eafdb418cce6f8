//! Repositories as archives of their forge: a gzip-compressed tar archive, read while it comes in.
//!
//! An archive is not faithful. `git archive`, which all forges run, leaves out what the attribute `export-ignore` names, fills
//! in `export-subst` and `ident`, and converts ends of lines and encodings; submodules are empty folders. So the revision of
//! such a repository begins with [`ARCHIVE_REVISION`]: it says so, and when the same commit is fetched by git, that is another
//! revision.
//!
//! Nothing is unpacked. Links, devices and everything else but files are recorded and dropped, and so is
//! everything outside of its one folder. Where programs that read tar disagree about what follows, the archive is refused: that
//! is how one program can be shown other files than the next (CVE-2025-62518).

mod extension;
mod failure;
mod header;
mod receive;
mod stream;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use codelupe_core::{ARCHIVE_REVISION, Reason, Repository};

use crate::error::Error;
use crate::limits::Limits;
use crate::pack::Spool;
use crate::snapshot::{Entry, ReadFailure, Snapshot, kept, sort_entries};
use receive::{File, Received};

/// What reading one archive may cost, beside the [`Limits`] of its repository.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveLimits {
    /// Bytes of the archive as it comes in.
    pub(crate) packed_bytes: u64,
    /// The most bytes that it may inflate to, which bounds what goes to disk.
    pub(crate) inflated_bytes: u64,
    /// When to give up.
    pub(crate) deadline: Instant,
    /// Where the file without a name is made that holds what does not fit into memory.
    pub(crate) spool_folder: PathBuf,
}

/// The files of an archive.
pub(crate) struct ArchiveSnapshot {
    repository: Repository,
    entries: Vec<Entry>,
    /// Where the content of the entry with the same number is.
    places: Vec<Option<u64>>,
    contents: Spool,
}

impl ArchiveSnapshot {
    /// Reads an archive of `repository`, of which everything but the revision is known; `None`, and without reading on, when
    /// its revision is the one that is `known`.
    ///
    /// # Errors
    /// `TooLarge` and `TooManyEntries` when a limit is passed, `Timeout` after the deadline, `Network` when it breaks off,
    /// `Corrupt` when it is damaged or read differently by different programs, `Io` when the temporary file fails, and those
    /// of this crate that `source` gives.
    pub(crate) fn read(
        source: impl BufRead,
        mut repository: Repository,
        known: Option<&str>,
        limits: &Limits,
        costs: &ArchiveLimits,
    ) -> Result<Option<Self>, Error> {
        let is_known = |commit: &str| known.and_then(|known| known.strip_prefix(ARCHIVE_REVISION)) == Some(commit);
        let received = receive::receive(source, is_known, limits, costs)
            .map_err(|failure| failure.into_error(&repository.origin))?;
        let Some(Received {
            mut files,
            commit,
            committed_at,
            contents,
        }) = received
        else {
            return Ok(None);
        };
        sort_entries(&mut files, |file| &file.entry);
        let state = commit.clone().unwrap_or_else(|| receive::hash_of(&files));
        repository.revision = format!("{ARCHIVE_REVISION}{state}");
        repository.commit = commit;
        repository.committed_at = committed_at;
        if known == Some(repository.revision.as_str()) {
            return Ok(None);
        }
        let (entries, places) = files.into_iter().map(|File { entry, place }| (entry, place)).unzip();
        Ok(Some(Self {
            repository,
            entries,
            places,
            contents,
        }))
    }
}

impl Snapshot for ArchiveSnapshot {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&mut self, entry: usize, buffer: &mut Vec<u8>) -> Result<(), ReadFailure> {
        let found = kept(&self.entries, entry)?;
        let size = found.size.and_then(|size| usize::try_from(size).ok());
        let (Some(size), Some(Some(place))) = (size, self.places.get(entry)) else {
            return Err(ReadFailure::new(Reason::Unreadable, "it has no content"));
        };
        let content = self.contents.read(*place, size);
        let content = content.map_err(|error| ReadFailure::new(Reason::Unreadable, error.to_string()))?;
        buffer.clear();
        buffer.extend_from_slice(&content);
        Ok(())
    }
}

/// Reads an archive and everything in it. What is kept has the id that it is listed with.
///
/// # Panics
/// When it does not.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_any(bytes: &[u8], repository: Repository, spool_folder: &std::path::Path) {
    let costs = ArchiveLimits {
        packed_bytes: 1 << 20,
        inflated_bytes: 16 << 20,
        deadline: Instant::now() + std::time::Duration::from_secs(60),
        spool_folder: spool_folder.to_owned(),
    };
    let Ok(Some(mut snapshot)) = ArchiveSnapshot::read(bytes, repository, None, &Limits::default(), &costs) else {
        return;
    };
    let mut buffer = Vec::new();
    for index in 0..snapshot.entries.len() {
        if snapshot.read(index, &mut buffer).is_ok() {
            let id = codelupe_core::BlobId::of(&buffer);
            assert_eq!(snapshot.entries[index].blob, Some(id), "a file of another id");
        }
    }
}
