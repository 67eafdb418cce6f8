//! Plain folders and unpacked crates, read from their files.

mod ignored;
mod package;
mod walk;

use std::os::fd::OwnedFd;

use bstr::ByteSlice;
use codelupe_core::{Reason, Repository, text::display_path};
use sha1::{Digest, Sha1};

use crate::beneath;
use crate::error::Error;
use crate::limits::Limits;
use crate::located::{Kind, Located};
use crate::snapshot::{Entry, ReadFailure, Snapshot, kept, sort_entries};
use package::Package;
use walk::Found;

/// The files of a folder as they were when it was opened.
pub(crate) struct FolderSnapshot {
    repository: Repository,
    entries: Vec<Entry>,
    root: OwnedFd,
    /// The folder of the file read last: its path and descriptor. Entries are sorted, so the next is often there too.
    folder: Option<(Vec<u8>, OwnedFd)>,
    limits: Limits,
}

impl FolderSnapshot {
    pub(crate) fn open(located: &Located, limits: &Limits) -> Result<Self, Error> {
        let root = open_root(located)?;
        let found = list(&root, located, limits)?;
        let repository = describe(located, &root, revision_of(&found));
        Ok(Self {
            repository,
            entries: found.into_iter().map(|found| found.entry).collect(),
            root,
            folder: None,
            limits: limits.clone(),
        })
    }
}

impl Snapshot for FolderSnapshot {
    fn repository(&self) -> &Repository {
        &self.repository
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&mut self, entry: usize, buffer: &mut Vec<u8>) -> Result<(), ReadFailure> {
        let entry = kept(&self.entries, entry)?;
        let (folder, name) = beneath::split_path(&entry.path);
        let (mut file, size) =
            open_in(&self.root, &mut self.folder, folder, name).map_err(|error| unreadable(&error))?;
        let limit = self.limits.max_blob_bytes;
        if size > limit {
            return Err(ReadFailure::too_large(size, &self.limits));
        }
        match beneath::read_at_most(&mut file, size, limit, buffer) {
            Ok(true) if buffer.is_empty() => Err(ReadFailure::new(Reason::Empty, "it became empty")),
            Ok(true) => Ok(()),
            Ok(false) => Err(ReadFailure::too_large(buffer.len() as u64, &self.limits)),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

/// A hash over path, size and time of change of every entry; no file is opened but ignore files.
pub(crate) fn revision(located: &Located, limits: &Limits) -> Result<String, Error> {
    let root = open_root(located)?;
    Ok(revision_of(&list(&root, located, limits)?))
}

fn open_root(located: &Located) -> Result<OwnedFd, Error> {
    beneath::open_root(&located.path).map_err(|error| Error::at(&located.path, "open repository", error))
}

fn list(root: &OwnedFd, located: &Located, limits: &Limits) -> Result<Vec<Found>, Error> {
    let mut found = walk::walk(root, located, limits)?;
    sort_entries(&mut found, |found| &found.entry);
    Ok(found)
}

/// Opens a file through the descriptor of its folder, which is kept for the next one.
fn open_in(
    root: &OwnedFd,
    last: &mut Option<(Vec<u8>, OwnedFd)>,
    folder: &[u8],
    name: &[u8],
) -> std::io::Result<(std::fs::File, u64)> {
    match last {
        Some((path, fd)) if path == folder => beneath::open_file(&*fd, name),
        _ => {
            let fd = beneath::open_folder_path(root, folder)?;
            let opened = beneath::open_file(&fd, name);
            *last = Some((folder.to_vec(), fd));
            opened
        }
    }
}

fn unreadable(error: &std::io::Error) -> ReadFailure {
    if beneath::is_link_refusal(error) {
        ReadFailure::new(Reason::Symlink, "it became a link")
    } else if error.kind() == std::io::ErrorKind::InvalidInput {
        ReadFailure::new(Reason::SpecialFile, error.to_string())
    } else {
        ReadFailure::new(Reason::Unreadable, error.to_string())
    }
}

/// SHA-1 over `path NUL size NUL nanoseconds NUL` of every entry, in order.
fn revision_of(found: &[Found]) -> String {
    let mut hasher = Sha1::new();
    for found in found {
        hasher.update(found.entry.path.as_bytes());
        let size = found.entry.size.unwrap_or(u64::MAX);
        hasher.update(format!("\0{size}\0{}\0", found.changed_ns));
    }
    hex::encode(hasher.finalize())
}

fn describe(located: &Located, root: &OwnedFd, revision: String) -> Repository {
    let package = match located.kind {
        Kind::Crate => Package::read(root, &located.name),
        Kind::Git | Kind::Folder => Package::default(),
    };
    Repository {
        name: located.name.clone(),
        forge: located.kind.as_str().to_owned(),
        origin: package.origin.unwrap_or_else(|| display_path(&located.path)),
        family: package.name.unwrap_or_else(|| located.name.as_str().to_owned()),
        commit: package.commit,
        revision,
        stars: None,
        fork: false,
        committed_at: None,
    }
}
