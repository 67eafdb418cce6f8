//! Git repositories, read from their object database at the commit of `HEAD`.
//!
//! Of the repository's own files only `HEAD`, references, `config` (format and address of `origin`) and objects are read.
//! Replace references, grafts, attributes, filters, hooks and the work tree play no part: the bytes are those of
//! `git --no-replace-objects cat-file`.

mod config;
mod head;
mod layout;
mod objects;
mod tree;

use std::path::Path;

use codelupe_core::{BlobId, Reason, Repository, Verdict};

use crate::discover::Located;
use crate::error::{Error, ErrorKind, display_path};
use crate::limits::Limits;
use crate::snapshot::{Entry, ReadFailure, Snapshot, kept};
pub(crate) use config::public_url;

use config::Config;
use layout::GitFolder;
use objects::{Failure, ObjectKind, Objects};

/// The revision of a repository without a first commit.
const UNBORN: &str = "unborn";

/// A git repository at the commit of its `HEAD`.
pub(crate) struct GitSnapshot {
    repository: Repository,
    entries: Vec<Entry>,
    /// `None` while there is no commit.
    objects: Option<Objects>,
    limits: Limits,
}

impl GitSnapshot {
    pub(crate) fn open(located: &Located, limits: &Limits) -> Result<Self, Error> {
        let folder = GitFolder::open(&located.path)?;
        let config = Config::read(&folder)?;
        let head = head::resolve(&folder)?;
        let mut snapshot = Self {
            repository: describe(located, &config, head.as_ref()),
            entries: Vec::new(),
            objects: None,
            limits: limits.clone(),
        };
        if let Some(head) = head {
            let objects = Objects::open(&folder, limits)?;
            let commit = read_commit(&objects, head, &located.path)?;
            snapshot.repository.commit = Some(hex::encode(commit.id));
            snapshot.repository.committed_at = commit.committed_at;
            snapshot.entries = tree::list(&objects, commit.tree, limits, located)?;
            snapshot.objects = Some(objects);
        }
        Ok(snapshot)
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
        let (Some(objects), Some(blob)) = (&self.objects, entry.blob) else {
            return Err(ReadFailure::new(Reason::Unreadable, "it has no object"));
        };
        let read = objects.read(blob.as_bytes(), ObjectKind::Blob, self.limits.max_blob_bytes, buffer);
        read.map_err(|failure| match failure {
            Failure::TooLarge(size) => ReadFailure::too_large(size, &self.limits),
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

struct Commit {
    id: [u8; 20],
    tree: [u8; 20],
    committed_at: Option<i64>,
}

/// The most tags that `HEAD` may go through to its commit.
const MAX_TAGS: usize = 5;

fn read_commit(objects: &Objects, head: [u8; 20], path: &Path) -> Result<Commit, Error> {
    let corrupt = |id: &[u8; 20], why: &str| {
        let context = format!("{}: commit {}: {why}", display_path(path), hex::encode(id));
        Err(Error::new(ErrorKind::Corrupt, context))
    };
    let mut id = head;
    let mut buffer = Vec::new();
    for _ in 0..=MAX_TAGS {
        let kind = match objects.read_commit_or_tag(&id, &mut buffer) {
            Ok(kind) => kind,
            Err(failure) => return corrupt(&id, &failure.to_string()),
        };
        let wanted: &[u8] = if kind == ObjectKind::Tag { b"object " } else { b"tree " };
        let Some(target) = header(&buffer, wanted).and_then(head::parse_id) else {
            return corrupt(&id, "its first header is not well-formed");
        };
        if kind == ObjectKind::Commit {
            let committed_at = header(&buffer, b"committer ").and_then(parse_time);
            return Ok(Commit {
                id,
                tree: target,
                committed_at,
            });
        }
        id = target;
    }
    corrupt(&head, "too many tags on the way to it")
}

/// The rest of the first header line that starts with `name`; headers end at the first empty line.
fn header<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = object.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    lines.into_iter().find_map(|line| line.strip_prefix(name))
}

/// The seconds in `Name <mail> 1700000000 +0000`.
fn parse_time(person: &[u8]) -> Option<i64> {
    let mut words = person.rsplit(|byte| *byte == b' ');
    words.next()?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
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
    fn headers_end_at_the_empty_line() {
        let commit = b"tree aa\ncommitter A <a b@c> 1700000000 +0200\n\ntree bb\n";
        assert_eq!(header(commit, b"tree "), Some(&b"aa"[..]));
        assert_eq!(header(commit, b"committer ").and_then(parse_time), Some(1_700_000_000));
        assert_eq!(header(b"x\n\ntree bb\n", b"tree "), None);
        assert_eq!(parse_time(b"A <a@b> x +0000"), None);
        assert_eq!(parse_time(b""), None);
    }

    #[test]
    fn the_empty_blob_is_dropped_when_listed() {
        let entry = blob_entry(b"a".to_vec(), *BlobId::of(b"").as_bytes());
        assert_eq!(entry.verdict, Verdict::Dropped(Reason::Empty));
        assert_eq!(entry.size, Some(0));
    }
}
