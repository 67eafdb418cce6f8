//! Git repositories, read from their object database at the commit of `HEAD`.
//!
//! Of the repository's own files only `HEAD`, references, `config` (format and address of `origin`) and objects are read.
//! Replace references, grafts, attributes, filters, hooks and the work tree play no part: the bytes are those of
//! `git --no-replace-objects cat-file`.

mod commit;
mod config;
pub(crate) mod head;
mod layout;
pub(crate) mod objects;
mod tree;

use std::path::Path;

use codelupe_core::{BlobId, Reason, Repository, Verdict, text::display_path};

use crate::error::Error;
use crate::limits::Limits;
use crate::located::Located;
use crate::snapshot::{Entry, ReadFailure, Snapshot, kept};

use config::Config;
use layout::GitFolder;
use objects::{Failure, LocalObjects, ObjectDatabase, ObjectKind};

/// The revision of a repository without a first commit.
pub(crate) const UNBORN: &str = "unborn";

/// A git repository at the commit of its `HEAD`.
pub(crate) struct GitSnapshot {
    repository: Repository,
    entries: Vec<Entry>,
    /// `None` while there is no commit.
    objects: Option<Box<dyn ObjectDatabase>>,
    /// Whether files over the limit were left out of `objects`.
    filtered: bool,
    limits: Limits,
}

impl GitSnapshot {
    /// Opens a repository on this machine.
    pub(crate) fn open(located: &Located, limits: &Limits) -> Result<Self, Error> {
        let folder = GitFolder::open(&located.path)?;
        let config = Config::read(&folder)?;
        let head = head::resolve(&folder)?;
        let repository = describe(located, &config, head.as_ref());
        match head {
            None => Ok(Self::unborn(repository, limits)),
            Some(head) => Self::of(repository, head, Box::new(LocalObjects::open(&folder, limits)?), limits),
        }
    }

    /// Opens a bare repository on this machine that `describe` describes at the revision that it has.
    pub(crate) fn open_as(
        path: &Path,
        describe: impl Fn(String) -> Repository,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let folder = GitFolder::open(path)?;
        match head::resolve(&folder)? {
            None => Ok(Self::unborn(describe(UNBORN.to_owned()), limits)),
            Some(head) => {
                let objects = Box::new(LocalObjects::open(&folder, limits)?);
                Self::of(describe(hex::encode(head)), head, objects, limits)
            }
        }
    }

    /// A repository without a first commit.
    pub(crate) fn unborn(repository: Repository, limits: &Limits) -> Self {
        Self {
            repository,
            entries: Vec::new(),
            objects: None,
            filtered: false,
            limits: limits.clone(),
        }
    }

    /// The repository at the commit, or the tag of a commit, `head`, whose objects are in `objects`.
    pub(crate) fn of(
        mut repository: Repository,
        head: [u8; 20],
        mut objects: Box<dyn ObjectDatabase>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let commit = commit::read(objects.as_mut(), head, limits, &repository.origin)?;
        repository.commit = Some(hex::encode(commit.id));
        repository.committed_at = commit.committed_at;
        let entries = tree::list(objects.as_mut(), commit.tree, limits, &repository.name)?;
        Ok(Self {
            repository,
            entries,
            objects: Some(objects),
            filtered: false,
            limits: limits.clone(),
        })
    }

    /// The same, whose objects lack the files over the limit.
    pub(crate) fn filtered(self) -> Self {
        Self { filtered: true, ..self }
    }

    /// The same, with its files in `objects`.
    pub(crate) fn with_objects(self, objects: Box<dyn ObjectDatabase>) -> Self {
        Self {
            objects: Some(objects),
            ..self
        }
    }
}

impl Snapshot for GitSnapshot {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&mut self, entry: usize, buffer: &mut Vec<u8>) -> Result<(), ReadFailure> {
        let entry = kept(&self.entries, entry)?;
        let (Some(objects), Some(blob)) = (&mut self.objects, entry.blob) else {
            return Err(ReadFailure::new(Reason::Unreadable, "it has no object"));
        };
        let read = objects.read(blob.as_bytes(), ObjectKind::Blob, self.limits.max_blob_bytes, buffer);
        read.map_err(|failure| match failure {
            Failure::TooLarge(size) => ReadFailure::too_large(size, &self.limits),
            Failure::Missing if self.filtered => {
                let detail = format!("left out by the server, the limit is {}", self.limits.max_blob_bytes);
                ReadFailure::new(Reason::TooLarge, detail)
            }
            other => ReadFailure::new(Reason::Unreadable, format!("{blob}: {other}")),
        })?;
        if buffer.is_empty() {
            return Err(ReadFailure::new(Reason::Empty, Reason::Empty.describe()));
        }
        Ok(())
    }
}

/// The commit that `HEAD` names, or `unborn`.
pub(crate) fn revision(located: &Located) -> Result<String, Error> {
    let folder = GitFolder::open(&located.path)?;
    Ok(head::resolve(&folder)?.map_or_else(|| UNBORN.to_owned(), hex::encode))
}

fn describe(located: &Located, config: &Config, head: Option<&[u8; 20]>) -> Repository {
    Repository {
        name: located.name.clone(),
        forge: located.kind.as_str().to_owned(),
        origin: config.origin.clone().unwrap_or_else(|| display_path(&located.path)),
        family: located.name.as_str().to_owned(),
        commit: None,
        revision: head.map_or_else(|| UNBORN.to_owned(), hex::encode),
        stars: None,
        fork: false,
        committed_at: None,
    }
}

/// Reads a tree object and forgets it.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_tree(bytes: &[u8], limits: &Limits) {
    tree::read(bytes, limits);
}

/// An entry that names a blob.
fn blob_entry(path: Vec<u8>, id: [u8; 20]) -> Entry {
    /// The id of zero bytes, as `git hash-object --stdin </dev/null` prints it.
    const EMPTY: [u8; 20] = [
        0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2, 0xe4, 0x8c,
        0x53, 0x91,
    ];
    let empty = id == EMPTY;
    Entry {
        path: path.into(),
        blob: Some(BlobId::from_bytes(id)),
        size: empty.then_some(0),
        verdict: if empty {
            Verdict::Dropped(Reason::Empty)
        } else {
            Verdict::Kept
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_blob_is_dropped_when_listed() {
        let entry = blob_entry(b"a".to_vec(), *BlobId::of(b"").as_bytes());
        assert_eq!(entry.verdict, Verdict::Dropped(Reason::Empty));
        assert_eq!(entry.size, Some(0));
    }
}
