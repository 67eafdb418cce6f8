//! Reading an archive while it comes in.

use std::borrow::Cow;
use std::io::BufRead;

use bstr::{BString, ByteSlice};
use codelupe_core::{BlobId, Reason, Verdict};
use sha1::{Digest, Sha1};
use tar::{GnuExtSparseHeader, Header};

use super::ArchiveLimits;
use super::extension::{self, Overrides};
use super::failure::Failure;
use super::header::{self, HeaderKind};
use super::stream::{BLOCK_BYTES, TarStream};
use crate::limits::Limits;
use crate::pack::Spool;
use crate::path::is_good_path;
use crate::snapshot::Entry;

/// The longest name of the folder that everything is in, in bytes: owner, name and commit, with signs between.
const MAX_FOLDER_BYTES: usize = 1024;

/// What was in an archive.
pub(super) struct Received {
    /// In the order of the archive.
    pub(super) files: Vec<File>,
    /// The commit, which git puts into a comment.
    pub(super) commit: Option<String>,
    /// When the commit was made, in seconds since the Unix epoch.
    pub(super) committed_at: Option<i64>,
    pub(super) contents: Spool,
}

/// A file, and where its content is.
pub(super) struct File {
    pub(super) entry: Entry,
    pub(super) place: Option<u64>,
}

/// Reads an archive; `None` when its commit `is_known`.
pub(super) fn receive<R: BufRead>(
    source: R,
    is_known: impl Fn(&str) -> bool,
    limits: &Limits,
    costs: &ArchiveLimits,
) -> Result<Option<Received>, Failure> {
    let mut receiver = Receiver {
        stream: TarStream::new(source, costs),
        limits,
        folder: None,
        members: 0,
        listing_bytes: 0,
        received: Received {
            files: Vec::new(),
            commit: None,
            committed_at: None,
            contents: Spool::new(costs.spool_folder.clone()),
        },
    };
    let mut overrides = Overrides::default();
    loop {
        let block = receiver.stream.block()?;
        let Some(header) = header::read(&block)? else { break };
        let kind = header::kind_of(header);
        if kind == HeaderKind::Global {
            receiver.receive_global(header)?;
            // The commit stands before all files, so the rest need not come in.
            if receiver.received.commit.as_deref().is_some_and(&is_known) {
                return Ok(None);
            }
        } else if !receiver.receive_extension(kind, header, &mut overrides)? {
            // Extensions are about the one member that follows them.
            receiver.receive_member(kind, header, std::mem::take(&mut overrides))?;
        }
    }
    receiver.stream.finish()?;
    Ok(Some(receiver.received))
}

/// A hash over path and content of every file, for an archive that does not name its commit.
pub(super) fn hash_of(files: &[File]) -> String {
    let mut hasher = Sha1::new();
    for File { entry, .. } in files {
        hasher.update(&entry.path);
        hasher.update([0]);
        hasher.update(entry.blob.as_ref().map_or(&[0; 20], BlobId::as_bytes));
    }
    hex::encode(hasher.finalize())
}

struct Receiver<'a, R> {
    stream: TarStream<R>,
    limits: &'a Limits,
    /// The folder that everything is in, with its slash: the first segment of the first member.
    folder: Option<Vec<u8>>,
    members: usize,
    /// Bytes of paths and headers so far.
    listing_bytes: u64,
    received: Received,
}

impl<R: BufRead> Receiver<'_, R> {
    /// Takes the commit from git's header about all members; its time is that of the commit.
    fn receive_global(&mut self, header: &Header) -> Result<(), Failure> {
        self.account(BLOCK_BYTES)?;
        let comment = extension::read_comment(&mut self.stream, header::size_of(header)?)?;
        let commit = comment.and_then(|comment| String::from_utf8(comment).ok());
        let is_id =
            |text: &String| text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if let (None, Some(commit)) = (&self.received.commit, commit.filter(is_id)) {
            self.received.commit = Some(commit);
            self.received.committed_at = header.mtime().ok().and_then(|time| i64::try_from(time).ok());
        }
        Ok(())
    }

    /// Whether the header was about the next member, and is read. A size of pax is that of the member, never of these.
    fn receive_extension(
        &mut self,
        kind: HeaderKind,
        header: &Header,
        overrides: &mut Overrides,
    ) -> Result<bool, Failure> {
        // One byte more, so that a path that is too long shows.
        let keep = self.limits.max_path_bytes.saturating_add(1) + MAX_FOLDER_BYTES;
        match kind {
            HeaderKind::Pax => extension::read_pax(&mut self.stream, header::size_of(header)?, keep, overrides)?,
            HeaderKind::LongName => {
                let name = extension::read_long_name(&mut self.stream, header::size_of(header)?, keep)?;
                overrides.long_name = Some(name);
            }
            HeaderKind::LongLink => {
                extension::read_long_name(&mut self.stream, header::size_of(header)?, 0)?;
            }
            _ => return Ok(false),
        }
        self.account(BLOCK_BYTES)?;
        Ok(true)
    }

    fn receive_member(&mut self, kind: HeaderKind, header: &Header, overrides: Overrides) -> Result<(), Failure> {
        self.members += 1;
        if self.members > self.limits.max_entries {
            let limit = self.limits.max_entries;
            return Err(Failure::TooMany(format!("more than {limit} files, links and folders")));
        }
        let size = match overrides.size {
            Some(size) => size,
            None => header::size_of(header)?,
        };
        if size > 0 && !kind.has_content() {
            return Err(Failure::malformed("a link, a folder or a device has a size"));
        }
        let sparse = overrides.sparse;
        // The name of a sparse file comes first: its path is only a placeholder.
        let path = match [overrides.sparse_name, overrides.path, overrides.long_name]
            .into_iter()
            .flatten()
            .next()
        {
            Some(path) => Cow::Owned(path),
            None => header.path_bytes(),
        };
        let path = self.place(&path, kind == HeaderKind::Folder);
        self.account(BLOCK_BYTES + path.as_ref().map_or_else(Vec::len, Vec::len))?;
        match (kind, path) {
            (HeaderKind::Folder, Ok(_)) => return Ok(()),
            (_, Err(path)) => self.drop_file(path, None, Reason::BadPath),
            (HeaderKind::File, Ok(path)) if !sparse => return self.receive_file(path, size),
            (HeaderKind::Symlink, Ok(path)) => self.drop_file(path, None, Reason::Symlink),
            (_, Ok(path)) => self.drop_file(path, None, Reason::SpecialFile),
        }
        // The old GNU form may go on with the map in blocks that the size does not count.
        if kind == HeaderKind::Sparse {
            self.pass_map(header)?;
        }
        self.stream.pass(size, |_| ())?;
        self.stream.pad(size)
    }

    /// The path below the archive's folder, or, as an error, the text to show for a bad one.
    fn place(&mut self, path: &[u8], is_folder: bool) -> Result<Vec<u8>, Vec<u8>> {
        let cut = |path: &[u8]| path[..path.len().min(self.limits.max_path_bytes)].to_vec();
        if self.folder.is_none() {
            let folder = match path.find_byte(b'/') {
                Some(slash) => &path[..slash],
                None if is_folder => path,
                None => b"",
            };
            if folder.len() > MAX_FOLDER_BYTES || matches!(folder, b"" | b"." | b"..") {
                return Err(cut(path));
            }
            self.folder = Some([folder, b"/"].concat());
        }
        let folder = self.folder.as_deref().unwrap_or_default();
        let Some(below) = path.strip_prefix(folder) else {
            // The folder itself may come without its slash.
            let is_root = is_folder && folder.strip_suffix(b"/") == Some(path);
            return if is_root { Ok(Vec::new()) } else { Err(cut(path)) };
        };
        let inside = below.strip_suffix(b"/").filter(|_| is_folder).unwrap_or(below);
        if is_good_path(inside, self.limits) || (is_folder && inside.is_empty()) {
            Ok(inside.to_vec())
        } else {
            Err(cut(below))
        }
    }

    fn receive_file(&mut self, path: Vec<u8>, size: u64) -> Result<(), Failure> {
        if size == 0 {
            self.drop_file(path, Some(0), Reason::Empty);
            return Ok(());
        }
        if size > self.limits.max_blob_bytes {
            self.drop_file(path, Some(size), Reason::TooLarge);
            self.stream.pass(size, |_| ())?;
            return self.stream.pad(size);
        }
        let mut content = Vec::new();
        self.stream.pass(size, |piece| content.extend_from_slice(piece))?;
        self.stream.pad(size)?;
        let place = self.received.contents.append(&content).map_err(Failure::Spool)?;
        self.received.files.push(File {
            entry: Entry {
                path: BString::from(path),
                blob: Some(BlobId::of(&content)),
                size: Some(size),
                verdict: Verdict::Kept,
            },
            place: Some(place),
        });
        Ok(())
    }

    fn drop_file(&mut self, path: Vec<u8>, size: Option<u64>, reason: Reason) {
        let blob = (reason == Reason::Empty).then(|| BlobId::of(b""));
        self.received.files.push(File {
            entry: Entry {
                path: BString::from(path),
                blob,
                size,
                verdict: Verdict::Dropped(reason),
            },
            place: None,
        });
    }

    /// Skips the blocks that continue the map of a sparse file; its size does not count them.
    fn pass_map(&mut self, header: &Header) -> Result<(), Failure> {
        let header = header
            .as_gnu()
            .ok_or_else(|| Failure::malformed("a sparse file is not of GNU"))?;
        let mut more = header.isextended != [0];
        while more {
            self.account(BLOCK_BYTES)?;
            let mut map = GnuExtSparseHeader::new();
            *map.as_mut_bytes() = self.stream.block()?;
            more = map.isextended != [0];
        }
        Ok(())
    }

    fn account(&mut self, bytes: usize) -> Result<(), Failure> {
        self.listing_bytes += bytes as u64;
        if self.listing_bytes > self.limits.max_listing_bytes {
            let limit = self.limits.max_listing_bytes;
            return Err(Failure::TooMany(format!(
                "more than {limit} bytes of names and headers"
            )));
        }
        Ok(())
    }
}
