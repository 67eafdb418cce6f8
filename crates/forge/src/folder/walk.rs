//! Listing a folder tree without following links, opening files or leaving the file system.

use std::os::fd::OwnedFd;

use codelupe_core::{Reason, Verdict, text::display_name};
use ignore::gitignore::Gitignore;
use rustix::fs::{Dev, Dir, FileType, Stat};

use crate::beneath;
use crate::error::{Error, ErrorKind};
use crate::folder::ignored;
use crate::limits::Limits;
use crate::located::{Kind, Located};
use crate::path::{is_deepest, is_good_path, join};
use crate::snapshot::Entry;

/// An entry and what tells its versions apart.
pub(crate) struct Found {
    pub(crate) entry: Entry,
    /// The time of the last change of its content, in nanoseconds since the Unix epoch.
    pub(crate) changed_ns: i128,
}

/// Lists everything below `root`, in no particular order. `.git` is left out at every level.
///
/// # Errors
/// The root cannot be listed, or a limit is passed. A folder further down that cannot be listed is an entry.
pub(crate) fn walk(root: &OwnedFd, located: &Located, limits: &Limits) -> Result<Vec<Found>, Error> {
    let access = |error| Error::at(&located.path, "list folder", error);
    let device = rustix::fs::fstat(root).map_err(|error| access(error.into()))?.st_dev;
    let mut walk = Walk {
        limits,
        located,
        device,
        found: Vec::new(),
        seen: 0,
        bytes: 0,
        rules_budget: limits.max_ignore_bytes,
    };
    let root = root.try_clone().map_err(access)?;
    // A stack of our own: depth costs no call stack, and each folder is opened from the one above it.
    let mut open = vec![walk.list(root, Vec::new(), &[])?.map_err(access)?];
    while let Some(folder) = open.last_mut() {
        let Some(name) = folder.folders.pop() else {
            open.pop();
            continue;
        };
        let path = join(&folder.path, &name, limits.max_path_bytes);
        let listed = match beneath::open_folder(&folder.fd, &name) {
            Ok(fd) => walk.list(fd, path.clone(), &open)?,
            Err(error) => Err(error),
        };
        match listed {
            Ok(folder) => open.push(folder),
            Err(error) => {
                tracing::debug!(repository = %located.name, folder = %display_name(&path), %error, "unreadable");
                walk.push(path, None, Reason::Unreadable);
            }
        }
    }
    Ok(walk.found)
}

struct Walk<'a> {
    limits: &'a Limits,
    located: &'a Located,
    device: Dev,
    found: Vec<Found>,
    /// Names met so far and not ignored.
    seen: usize,
    /// Bytes of paths handled so far.
    bytes: u64,
    rules_budget: usize,
}

/// A folder whose files are listed and whose folders wait to be.
struct Folder {
    fd: OwnedFd,
    path: Vec<u8>,
    rules: Option<Gitignore>,
    /// Sorted downwards: the last is next.
    folders: Vec<Vec<u8>>,
}

impl Walk<'_> {
    /// Lists one folder; the outer error refuses the repository, the inner one is about this folder.
    fn list(&mut self, fd: OwnedFd, path: Vec<u8>, above: &[Folder]) -> Result<std::io::Result<Folder>, Error> {
        let mut listing = match Dir::read_from(&fd) {
            Ok(listing) => listing,
            Err(error) => return Ok(Err(error.into())),
        };
        let rules = match self.located.kind {
            Kind::Crate => None,
            Kind::Folder | Kind::Git => ignored::rules_of(&fd, &mut self.rules_budget),
        };
        let mut folder = Folder {
            fd,
            path,
            rules,
            folders: Vec::new(),
        };
        while let Some(entry) = listing.read() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error.into())),
            };
            let name = entry.file_name().to_bytes();
            if !self.is_left_out(name, &folder.path) {
                self.place(name, entry.file_type(), &mut folder, above)?;
            }
        }
        folder.folders.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Ok(folder))
    }

    fn is_left_out(&self, name: &[u8], folder: &[u8]) -> bool {
        let cargo_mark = self.located.kind == Kind::Crate && folder.is_empty() && name == b".cargo-ok";
        matches!(name, b"." | b".." | b".git") || cargo_mark
    }

    fn place(&mut self, name: &[u8], kind: FileType, folder: &mut Folder, above: &[Folder]) -> Result<(), Error> {
        let path = join(&folder.path, name, self.limits.max_path_bytes.saturating_add(1));
        let mut stat = None;
        let kind = match kind {
            FileType::RegularFile | FileType::Directory | FileType::Unknown => {
                stat = beneath::stat(&folder.fd, name).ok();
                stat.as_ref().map_or(FileType::Unknown, beneath::file_type)
            }
            other => other,
        };
        if is_ignored(&path, kind.is_dir(), folder, above) {
            return Ok(());
        }
        self.account(&path)?;
        match (kind, &stat) {
            _ if !is_good_path(&path, self.limits) => self.push(path, None, Reason::BadPath),
            (FileType::RegularFile, Some(stat)) => self.push_file(path, stat),
            (FileType::Directory, Some(stat)) => self.place_folder(path, name, stat, folder),
            (FileType::Symlink, _) => self.push(path, None, Reason::Symlink),
            (FileType::Unknown, None) => self.push(path, None, Reason::Unreadable),
            _ => self.push(path, None, Reason::SpecialFile),
        }
        Ok(())
    }

    fn place_folder(&mut self, path: Vec<u8>, name: &[u8], stat: &Stat, folder: &mut Folder) {
        if is_deepest(&path, self.limits) {
            self.push(path, None, Reason::BadPath);
        } else if stat.st_dev == self.device {
            folder.folders.push(name.to_vec());
        } else {
            // Another file system is mounted here, perhaps /proc.
            self.push(path, None, Reason::SpecialFile);
        }
    }

    fn push_file(&mut self, path: Vec<u8>, stat: &Stat) {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let verdict = if size == 0 {
            Verdict::Dropped(Reason::Empty)
        } else if size > self.limits.max_blob_bytes {
            Verdict::Dropped(Reason::TooLarge)
        } else {
            Verdict::Kept
        };
        self.found.push(Found {
            entry: Entry {
                path: path.into(),
                blob: None,
                size: Some(size),
                verdict,
            },
            changed_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        });
    }

    fn push(&mut self, mut path: Vec<u8>, size: Option<u64>, reason: Reason) {
        path.truncate(self.limits.max_path_bytes);
        self.found.push(Found {
            entry: Entry {
                path: path.into(),
                blob: None,
                size,
                verdict: Verdict::Dropped(reason),
            },
            changed_ns: 0,
        });
    }

    fn account(&mut self, path: &[u8]) -> Result<(), Error> {
        self.seen += 1;
        self.bytes += path.len() as u64;
        let why = if self.seen > self.limits.max_entries {
            format!("more than {} files, links and folders", self.limits.max_entries)
        } else if self.bytes > self.limits.max_listing_bytes {
            format!("its listing takes more than {} bytes", self.limits.max_listing_bytes)
        } else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::TooManyEntries,
            format!("{}: {why}", self.located.name),
        ))
    }
}

/// Whether the rules of the folder of `path`, or of those above it, the nearest first, ignore it.
fn is_ignored(path: &[u8], is_folder: bool, folder: &Folder, above: &[Folder]) -> bool {
    let folders = std::iter::once(folder).chain(above.iter().rev());
    let mut verdicts = folders.filter_map(|folder| {
        let start = if folder.path.is_empty() {
            0
        } else {
            folder.path.len() + 1
        };
        ignored::verdict(folder.rules.as_ref()?, path.get(start..)?, is_folder)
    });
    verdicts.next().unwrap_or(false)
}
