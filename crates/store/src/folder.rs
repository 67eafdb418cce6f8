//! The data folder: where each thing lies, who may write, and how a file appears whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use codelupe_core::text::display_name;

use crate::error::{Error, ErrorKind};

/// A data folder on disk.
#[derive(Debug, Clone)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// Names a data folder; nothing is touched.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the catalogue.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.sqlite")
    }

    /// The folder of segments.
    pub fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    /// The file of one segment.
    pub fn segment(&self, name: &str) -> PathBuf {
        self.segments().join(format!("{name}.parquet"))
    }

    /// The folder of builds.
    pub fn builds(&self) -> PathBuf {
        self.root.join("builds")
    }

    /// The folder of the search index.
    pub fn search(&self) -> PathBuf {
        self.root.join("search")
    }

    /// The folder of the LSH index, which looks after its files itself.
    pub fn lsh(&self) -> PathBuf {
        self.root.join("lsh")
    }

    /// The folder of models, and of the runs that make them.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// The folder of files being written.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Whether a catalogue exists here.
    pub fn exists(&self) -> bool {
        self.catalogue().is_file()
    }

    /// Makes the folder, unless it is somebody else's, and takes the right to write to it, together with other processes,
    /// until the lock is dropped or the process ends.
    ///
    /// # Errors
    /// `Conflict` when the folder holds other things than a data folder; `Io`, `Permission` or `DiskFull` when the folder
    /// cannot be made.
    pub fn lock(&self) -> Result<WriteLock, Error> {
        self.refuse_foreign()?;
        for folder in [self.root.clone(), self.segments(), self.builds(), self.tmp()] {
            fs::create_dir_all(&folder).map_err(|error| Error::io("make the folder", &folder, error))?;
        }
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| Error::io("open", &path, error))?;
        let alone = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                // Whoever is alone soon shares.
                file.lock_shared().map_err(|error| Error::io("lock", &path, error))?;
                false
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path, error)),
        };
        if alone {
            // A corpus is not code: neither git nor we take it for a part of the folder around it.
            write_synced(&self.root.join(".gitignore"), b"*\n")?;
        }
        Ok(WriteLock { file, path, alone })
    }

    /// Ties the folder to the catalogue of that identity, for ever.
    ///
    /// # Errors
    /// `Conflict` when it is tied to another; `Io`, `Permission` or `DiskFull` when it cannot be read or written.
    pub(crate) fn claim(&self, identity: &str) -> Result<(), Error> {
        let path = self.root.join("catalogue-id");
        let known = match fs::read_to_string(&path) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let new = self.tmp().join(work_name("catalogue-id"));
                write_synced(&new, identity.as_bytes())?;
                return publish(&new, &path);
            }
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        if known.trim() == identity {
            return Ok(());
        }
        let root = display_name(self.root.as_os_str().as_encoded_bytes());
        let context = format!("the data folder `{root}` belongs to another catalogue than the one that was opened");
        Err(Error::new(ErrorKind::Conflict, context))
    }

    /// A folder that has things in it and neither a catalogue nor our lock is not ours.
    fn refuse_foreign(&self) -> Result<(), Error> {
        if self.exists() || self.root.join("lock").exists() || !self.root.exists() || children(&self.root)?.is_empty() {
            return Ok(());
        }
        let root = display_name(self.root.as_os_str().as_encoded_bytes());
        Err(Error::new(
            ErrorKind::Conflict,
            format!("`{root}` holds other things and is not a data folder"),
        ))
    }

    /// Removes what interrupted writers left: their files in `tmp/`, and the segments that no catalogue row links. `linked`
    /// tells whether a segment is linked. Files of other names are not ours and stay. While others write, nothing is removed.
    ///
    /// Returns how many files and folders were removed.
    ///
    /// # Errors
    /// `Io` or `Permission` when a folder cannot be read or a file not removed.
    pub fn remove_orphans(&self, lock: &WriteLock, linked: impl Fn(&str) -> bool) -> Result<usize, Error> {
        if !lock.alone {
            return Ok(0);
        }
        let mut orphans = children(&self.tmp())?;
        orphans.retain(|path| {
            path.file_name()
                .is_some_and(|name| is_work_name(&name.to_string_lossy()))
        });
        for path in children(&self.segments())? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let ours = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if ours && path.extension().is_some_and(|extension| extension == "parquet") && !linked(&name) {
                orphans.push(path);
            }
        }
        orphans.iter().try_for_each(|path| remove(path))?;
        Ok(orphans.len())
    }
}

/// What is being written in `tmp/`; a clone is what the git program fetches.
const WORK: [&str; 4] = ["segment", "build", "catalogue-id", "clone"];

/// A name in `tmp/` that no other writer uses: `KIND-PROCESS-NUMBER`.
pub(crate) fn work_name(kind: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!(
        "{kind}-{}-{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    )
}

fn is_work_name(name: &str) -> bool {
    WORK.iter()
        .any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('-')))
}

/// The right to write to a data folder.
#[derive(Debug)]
pub struct WriteLock {
    file: File,
    path: PathBuf,
    alone: bool,
}

impl WriteLock {
    /// Whether no other process had the folder open when this lock was taken, and none could open it since.
    pub const fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets other processes write too.
    ///
    /// # Errors
    /// `Io` when the lock cannot be changed.
    pub fn share(&mut self) -> Result<(), Error> {
        self.alone = false;
        self.file
            .lock_shared()
            .map_err(|error| Error::io("lock", &self.path, error))
    }
}

/// Moves a finished file or folder to its final name and makes the move durable. The content must be synced already.
pub(crate) fn publish(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| Error::io("rename a finished file to", to, error))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Writes a small file and syncs it.
pub(crate) fn write_synced(path: &Path, content: &[u8]) -> Result<(), Error> {
    use std::io::Write;
    let mut file = File::create(path).map_err(|error| Error::io("create", path, error))?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(|error| Error::io("write", path, error))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io("sync the folder", folder, error))
}

/// Removes a file or a folder with all it holds; a link is removed, never followed.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let kind = fs::symlink_metadata(path).map_err(|error| Error::io("look at", path, error))?;
    let removed = if kind.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(|error| Error::io("remove", path, error))
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("read the folder", folder, error))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::io("read the folder", folder, error))
}
