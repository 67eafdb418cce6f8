//! The data folder: where each thing lies, who may write, and how a file appears whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codelupe_core::text::display_name;
use codelupe_disk::{Lock, children, is_partial, is_work_name, make_folder, remove, write};

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
            make_folder(&folder)?;
        }
        let path = self.root.join("lock");
        match Lock::try_alone(&path)? {
            Some(lock) => {
                // A corpus is not code: neither git nor we take it for a part of the folder around it.
                write(&self.root.join(".gitignore"), b"*\n")?;
                Ok(WriteLock { lock, alone: true })
            }
            // Whoever is alone soon shares.
            None => Ok(WriteLock {
                lock: Lock::shared(&path)?,
                alone: false,
            }),
        }
    }

    /// Ties the folder to the catalogue of that identity, for ever.
    ///
    /// # Errors
    /// `Conflict` when it is tied to another; `Io`, `Permission` or `DiskFull` when it cannot be read or written.
    pub fn claim(&self, identity: &str) -> Result<(), Error> {
        let path = self.root.join("catalogue-id");
        let known = match fs::read_to_string(&path) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(write(&path, identity.as_bytes())?);
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

    /// Removes what interrupted writers left: their files in `tmp/`, partials, and the segments that no catalogue row links.
    /// `linked` tells whether a segment is linked. Files of other names are not ours and stay. While others write, nothing is removed.
    ///
    /// Returns how many files and folders were removed.
    ///
    /// # Errors
    /// `Io` or `Permission` when a folder cannot be read or a file not removed.
    pub fn remove_orphans(&self, lock: &WriteLock, linked: impl Fn(&str) -> bool) -> Result<usize, Error> {
        if !lock.alone {
            return Ok(0);
        }
        let name_of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut orphans = children(&self.tmp())?;
        orphans.retain(|path| is_work_name(&name_of(path), &WORK));
        let partials = children(&self.root)?;
        orphans.extend(partials.into_iter().filter(|path| is_partial(&name_of(path))));
        for path in children(&self.segments())? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let ours = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if ours && path.extension().is_some_and(|extension| extension == "parquet") && !linked(&name) {
                orphans.push(path);
            }
        }
        for path in &orphans {
            remove(path)?;
        }
        Ok(orphans.len())
    }
}

/// What is being written in `tmp/`; a clone is what the git program fetches.
const WORK: [&str; 4] = ["segment", "build", "clone", "preview"];

/// The right to write to a data folder.
#[derive(Debug)]
pub struct WriteLock {
    lock: Lock,
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
        Ok(self.lock.share()?)
    }
}
