//! The cache of a machine: artifacts of a bucket, as folders.
//!
//! ```text
//! cache/
//!   lock          held while an artifact is fetched or another makes room for it
//!   NAME-HASH/    an artifact: its name, and a hash of its list of files
//!   NAME-HASH.lock  shared by those who use it; its time is that of the last use
//! ```
//!
//! A folder of the cache never changes: other content is another folder. What nobody uses goes, the longest unused first, when
//! something else needs the room.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use codelupe_core::text::display_path;
use codelupe_disk::{Lock, children, make_folder, publish_folder, remove, work_name};
use sha2::{Digest, Sha256};

use crate::artifact::Artifact;
use crate::error::{Error, ErrorKind};
use crate::file_list::{FileList, ListedFile};
use crate::key::Key;
use crate::objects::{Objects, in_parts};
use crate::staged::Staged;

/// The setting that bounds the cache, by its name in the config file.
const CACHE_SETTING: &str = "store.cache_bytes";

/// What the cache may hold where nothing else is said: the weights of a 7B model in bfloat16 (15 GB), a search index beside it.
pub const DEFAULT_CACHE_BYTES: u64 = 32 << 30;

/// Artifacts of a bucket, on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
    tmp: PathBuf,
    bound: u64,
}

impl Cache {
    /// The cache in `root`, which may hold `bound` bytes; what is fetched is written in `tmp` first.
    pub(crate) fn new(root: PathBuf, tmp: PathBuf, bound: u64) -> Self {
        Self { root, tmp, bound }
    }

    pub(crate) fn stage(&self, objects: &dyn Objects, artifact: &Artifact) -> Result<Staged, Error> {
        let place = objects.place(&artifact.to_string());
        let content = match objects.get(&Key::of(artifact, FileList::NAME)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::new(ErrorKind::NotFound, format!("`{place}` is not there")));
            }
            content => content?,
        };
        let list = FileList::read(&content, &place)?;
        make_folder(&self.root)?;
        let folder = self.root.join(name_of(artifact, &content));
        if let Some(staged) = pinned(&folder, &list)? {
            return Ok(staged);
        }
        let _alone = Lock::alone(&self.root.join("lock"))?;
        // Another process may have fetched it meanwhile.
        if let Some(staged) = pinned(&folder, &list)? {
            return Ok(staged);
        }
        // What is there has lost files, or parts of them.
        remove(&folder)?;
        self.make_room(list.bytes(), &place)?;
        self.fetch(objects, artifact, &list, &folder)?;
        pinned(&folder, &list)?.ok_or_else(|| {
            let context = format!("`{}` was removed by somebody else", display_path(&folder));
            Error::new(ErrorKind::Io, context)
        })
    }

    /// Writes all files in `tmp`, checks each, and makes them a folder of the cache.
    fn fetch(&self, objects: &dyn Objects, artifact: &Artifact, list: &FileList, folder: &Path) -> Result<(), Error> {
        make_folder(&self.tmp)?;
        let work = self.tmp.join(work_name("stage"));
        make_folder(&work)?;
        let fetched = list
            .files
            .iter()
            .try_for_each(|(name, file)| fetch_file(objects, &Key::of(artifact, name), file, &work.join(name)))
            .and_then(|()| list.write(&work))
            .and_then(|()| Ok(publish_folder(&work, folder)?));
        if fetched.is_err() {
            // Whatever stays is swept with the other unfinished work.
            let _ = remove(&work);
        }
        fetched
    }

    /// Removes what nobody uses, the longest unused first, until there is room for so many bytes.
    fn make_room(&self, bytes: u64, place: &str) -> Result<(), Error> {
        let bound = self.bound;
        if bytes > bound {
            let context = format!("`{place}` has {bytes} bytes, and the cache may hold {bound} ({CACHE_SETTING})");
            return Err(Error::new(ErrorKind::CacheFull, context));
        }
        let mut entries = self.entries()?;
        let mut held: u64 = entries.iter().map(|entry| entry.bytes).sum();
        entries.sort_by_key(|entry| entry.used);
        for entry in entries {
            if held + bytes <= bound {
                break;
            }
            if Lock::try_alone(&lock_of(&entry.folder))?.is_some_and(|_lock| remove(&entry.folder).is_ok()) {
                held -= entry.bytes;
            }
        }
        if held + bytes > bound {
            let context = format!(
                "`{place}` has {bytes} bytes, and {held} of the {bound} that the cache may hold are in use ({CACHE_SETTING})"
            );
            return Err(Error::new(ErrorKind::CacheFull, context));
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let folders = children(&self.root)?.into_iter().filter(|path| path.is_dir());
        Ok(folders
            .map(|folder| Entry {
                bytes: size_of(&folder),
                used: fs::metadata(lock_of(&folder))
                    .and_then(|found| found.modified())
                    .unwrap_or(SystemTime::UNIX_EPOCH),
                folder,
            })
            .collect())
    }
}

/// One artifact of the cache.
struct Entry {
    folder: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// What a folder of the cache holds by its own list; one without a list is not ours, and counts for nothing until it goes.
fn size_of(folder: &Path) -> u64 {
    let list = fs::read(folder.join(FileList::NAME)).ok();
    let list = list.and_then(|content| FileList::read(&content, "").ok());
    list.map_or(0, |list| list.bytes())
}

/// A folder of the cache in use from here on, if it is there with all files in their sizes.
fn pinned(folder: &Path, list: &FileList) -> Result<Option<Staged>, Error> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let path = lock_of(folder);
    let pin = Lock::shared(&path)?;
    // It may have gone while we waited for the one who removed it.
    let is_as_put = |(name, file): (&String, &ListedFile)| {
        let found = fs::metadata(folder.join(name));
        found.is_ok_and(|found| found.len() == file.bytes)
    };
    if !list.files.iter().all(is_as_put) {
        return Ok(None);
    }
    // Without the time of its last use it only goes earlier than it should.
    let _ = File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(SystemTime::now()));
    Ok(Some(Staged::pinned(folder.to_owned(), pin)))
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.with_extension("lock")
}

/// A name that tells people what it is, and other content apart.
fn name_of(artifact: &Artifact, list: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(list));
    // No dot may be in it: what follows one would be taken for an extension.
    let name = artifact.to_string().replace(['/', '.'], "-");
    format!("{name}-{}", &hash[..32])
}

fn fetch_file(objects: &dyn Objects, key: &Key, file: &ListedFile, to: &Path) -> Result<(), Error> {
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    let failed = |error| Error::own_io("write", to, error);
    let mut out = File::create(to).map_err(failed)?;
    let mut hash = Sha256::new();
    in_parts(objects, key, file.bytes, |part| {
        hash.update(part);
        out.write_all(part).map_err(failed)
    })?;
    if hex::encode(hash.finalize()) != file.sha256 {
        let context = format!("`{}` is not what was put there", objects.place(&key.to_string()));
        return Err(Error::new(ErrorKind::Corrupt, context));
    }
    Ok(())
}
