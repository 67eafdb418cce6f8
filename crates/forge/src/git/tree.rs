//! Listing the tree of a commit.

use bstr::BString;
use codelupe_core::{Reason, RepoName, Verdict};

use crate::error::{Error, ErrorKind};
use crate::git::blob_entry;
use crate::git::objects::{ObjectDatabase, ObjectKind};
use crate::limits::Limits;
use crate::path::{is_deepest, is_good_path, is_good_segment, join};
use crate::snapshot::{Entry, sort_entries};

/// Lists everything below the tree `root`, sorted by path.
///
/// The walk keeps its own stack, so depth costs no call stack. A tree that occurs twice is listed twice, as in a checkout;
/// a bomb of trees within trees ends at [`Limits::max_entries`].
///
/// # Errors
/// The root tree cannot be read, or a limit is passed. A tree further down that cannot be read is an entry.
pub(crate) fn list(
    objects: &mut dyn ObjectDatabase,
    root: [u8; 20],
    limits: &Limits,
    repository: &RepoName,
) -> Result<Vec<Entry>, Error> {
    let mut walk = Walk {
        limits,
        repository,
        entries: Vec::new(),
        pending: vec![Folder {
            path: Vec::new(),
            tree: root,
        }],
        seen: 0,
        bytes: 0,
    };
    let mut buffer = Vec::new();
    while let Some(folder) = walk.pending.pop() {
        let read = objects.read(&folder.tree, ObjectKind::Tree, limits.max_tree_bytes, &mut buffer);
        let failure = match read {
            Ok(()) if walk.list_folder(&folder.path, &buffer)? => continue,
            Ok(()) => "the tree is not well-formed".to_owned(),
            Err(failure) => failure.to_string(),
        };
        if folder.path.is_empty() {
            let context = format!("{}: root tree {}: {failure}", repository, hex::encode(folder.tree));
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        tracing::debug!(%repository, tree = hex::encode(folder.tree), failure, "folder left out");
        walk.entries.push(dropped(folder.path, Reason::Unreadable));
    }
    sort_entries(&mut walk.entries, |entry| entry);
    Ok(walk.entries)
}

struct Walk<'a> {
    limits: &'a Limits,
    repository: &'a RepoName,
    entries: Vec<Entry>,
    pending: Vec<Folder>,
    /// Names met so far.
    seen: usize,
    /// Bytes of trees and paths handled so far.
    bytes: u64,
}

struct Folder {
    path: Vec<u8>,
    tree: [u8; 20],
}

impl Walk<'_> {
    /// Takes over the names of one tree; false when it is not well-formed, and then nothing is taken over.
    fn list_folder(&mut self, path: &[u8], tree: &[u8]) -> Result<bool, Error> {
        self.account(tree.len())?;
        if TreeEntries(tree).any(|entry| entry.is_none()) {
            return Ok(false);
        }
        for entry in TreeEntries(tree).flatten() {
            self.seen += 1;
            if self.seen > self.limits.max_entries {
                let limit = self.limits.max_entries;
                return Err(self.too_many(&format!("more than {limit} files, links and folders")));
            }
            let path = join(path, entry.name, self.limits.max_path_bytes.saturating_add(1));
            self.account(path.len())?;
            self.place(path, &entry);
        }
        Ok(true)
    }

    fn place(&mut self, mut path: Vec<u8>, entry: &TreeEntry<'_>) {
        let good = is_good_segment(entry.name) && !entry.name.contains(&b'/') && is_good_path(&path, self.limits);
        if !good {
            path.truncate(self.limits.max_path_bytes);
            self.entries.push(dropped(path, Reason::BadPath));
            return;
        }
        // The file type bits of `mode`, as in `S_IFMT`.
        match entry.mode & 0o170_000 {
            0o040_000 if is_deepest(&path, self.limits) => self.entries.push(dropped(path, Reason::BadPath)),
            0o040_000 => self.pending.push(Folder { path, tree: entry.id }),
            0o100_000 => self.entries.push(blob_entry(path, entry.id)),
            0o120_000 => self.entries.push(dropped(path, Reason::Symlink)),
            0o160_000 => self.entries.push(dropped(path, Reason::Submodule)),
            _ => self.entries.push(dropped(path, Reason::SpecialFile)),
        }
    }

    fn account(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += bytes as u64;
        if self.bytes > self.limits.max_listing_bytes {
            let limit = self.limits.max_listing_bytes;
            return Err(self.too_many(&format!("its listing takes more than {limit} bytes")));
        }
        Ok(())
    }

    fn too_many(&self, why: &str) -> Error {
        Error::new(ErrorKind::TooManyEntries, format!("{}: {why}", self.repository))
    }
}

fn dropped(path: Vec<u8>, reason: Reason) -> Entry {
    Entry {
        path: BString::from(path),
        blob: None,
        size: None,
        verdict: Verdict::Dropped(reason),
    }
}

/// Reads the lines of a tree object, and judges their paths.
#[cfg(feature = "fuzzing")]
pub(super) fn read(tree: &[u8], limits: &Limits) {
    for entry in TreeEntries(tree).flatten() {
        let path = join(b"folder", entry.name, limits.max_path_bytes);
        let _ = is_good_path(&path, limits);
    }
}

/// One line of a tree object.
#[derive(Debug, PartialEq, Eq)]
struct TreeEntry<'a> {
    mode: u32,
    name: &'a [u8],
    id: [u8; 20],
}

/// The lines of a tree object: octal mode, space, name, NUL, 20 bytes of id (git's `Documentation/gitformat-pack`, tree
/// objects). An item is `None` where that form is broken, and nothing follows.
struct TreeEntries<'a>(&'a [u8]);

impl<'a> Iterator for TreeEntries<'a> {
    type Item = Option<TreeEntry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (entry, rest) = parse_entry(self.0).unzip();
        self.0 = rest.unwrap_or_default();
        Some(entry)
    }
}

fn parse_entry(tree: &[u8]) -> Option<(TreeEntry<'_>, &[u8])> {
    /// Six digits are the most that git writes.
    const MODE_DIGITS: usize = 6;
    let space = tree.iter().take(MODE_DIGITS + 1).position(|byte| *byte == b' ')?;
    let mode = u32::from_str_radix(std::str::from_utf8(&tree[..space]).ok()?, 8).ok()?;
    let rest = &tree[space + 1..];
    let nul = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&rest[..nul], &rest[nul + 1..]);
    let (id, rest) = rest.split_first_chunk::<20>()?;
    (!name.is_empty()).then_some((TreeEntry { mode, name, id: *id }, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_trees_end_in_none() {
        let good = b"100644 a\0aaaaaaaaaaaaaaaaaaaa";
        assert_eq!(TreeEntries(good).count(), 1);
        for bad in [
            &b"100644 a\0aaaaaaaaaaaaaaaaaaa"[..],
            b"100644 \0aaaaaaaaaaaaaaaaaaaa",
            b"100648 a\0aaaaaaaaaaaaaaaaaaaa",
            b"1006440 a\0aaaaaaaaaaaaaaaaaaaa",
            b"100644",
            b" a\0aaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(TreeEntries(bad).collect::<Vec<_>>(), [None], "{}", bad.escape_ascii());
        }
    }

    proptest! {
        /// Whatever the bytes: it ends, only the last item can be broken, and written entries are read back.
        #[test]
        fn entries_are_read_back(
            entries in prop::collection::vec((0_u32..0o777_777, "[^\0]{1,9}", any::<[u8; 20]>()), 0..6),
            junk in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let mut tree = Vec::new();
            for (mode, name, id) in &entries {
                tree.extend_from_slice(format!("{mode:o} {name}\0").as_bytes());
                tree.extend_from_slice(id);
            }
            tree.extend_from_slice(&junk);
            let read: Vec<_> = TreeEntries(&tree).collect();
            prop_assert!(read.len() >= entries.len() && read.len() <= entries.len() + 2);
            for ((mode, name, id), read) in entries.iter().zip(&read) {
                let expected = TreeEntry { mode: *mode, name: name.as_bytes(), id: *id };
                prop_assert_eq!(read.as_ref(), Some(&expected));
            }
            prop_assert!(read.iter().rev().skip(1).all(Option::is_some));
        }
    }
}
