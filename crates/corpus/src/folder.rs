//! The data folder: where each thing lies, who may write, and how a file appears whole or not at all.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codelupe_core::text::display_path;
use codelupe_disk::{Lock, children, is_partial, is_work_name, make_folder, remove, write};

use crate::cache::Cache;
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Prefix};
use crate::objects::{Folder, Objects};
use crate::orphans::unlinked;

/// A data folder on disk, and the store behind it.
#[derive(Debug, Clone)]
pub struct DataFolder {
    root: PathBuf,
    objects: Arc<dyn Objects>,
    /// Of a store that is elsewhere, where its artifacts are staged.
    cache: Option<Cache>,
}

impl DataFolder {
    /// Names a data folder, which is its own store; nothing is touched.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            objects: Arc::new(Folder::new(root.clone())),
            root,
            cache: None,
        }
    }

    /// Names a data folder whose store lies elsewhere. What of it has to be files of this machine is kept in the cache of the
    /// folder, which holds `cache_bytes` at most.
    pub fn with_store(root: impl Into<PathBuf>, objects: Arc<dyn Objects>, cache_bytes: u64) -> Self {
        let root = root.into();
        let cache = Cache::new(root.join("cache"), root.join("tmp"), cache_bytes);
        Self {
            root,
            objects,
            cache: Some(cache),
        }
    }

    /// The store.
    pub fn objects(&self) -> &Arc<dyn Objects> {
        &self.objects
    }

    /// Whether the store is this folder, and not elsewhere.
    pub const fn is_own_store(&self) -> bool {
        self.cache.is_none()
    }

    pub(crate) const fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the catalogue.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.sqlite")
    }

    /// How people know the place of a build: a path, or an address.
    pub fn build_place(&self, name: &str) -> String {
        self.objects.place(&Prefix::Build(name.to_owned()).to_string())
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
        make_folder(&self.root)?;
        make_folder(&self.tmp())?;
        self.objects.prepare()?;
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

    /// Ties the folder, and its store, to the catalogue of that identity, for ever.
    ///
    /// # Errors
    /// `Conflict` when one is tied to another; what reading and writing fail with.
    pub fn claim(&self, identity: &str) -> Result<(), Error> {
        let root = display_path(&self.root);
        claim(&Folder::new(&self.root), identity, &format!("the data folder `{root}`"))?;
        if self.is_own_store() {
            return Ok(());
        }
        claim(
            &*self.objects,
            identity,
            &format!("the store `{}`", self.objects.place("")),
        )
    }

    /// Refuses a store that holds none of the segments that the catalogue links: they are in another one, and what is written
    /// here would tear the corpus apart. Some of them are looked for.
    ///
    /// # Errors
    /// `Conflict` when none of them is there; as [`crate::Objects::head`].
    pub fn refuse_other_store(&self, linked: &HashSet<String>) -> Result<(), Error> {
        let (Some(first), Some(last)) = (linked.iter().min(), linked.iter().max()) else {
            return Ok(());
        };
        for name in [first, last] {
            match self.objects.head(&Key::Segment(name.clone())) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                found => return found.map(drop),
            }
        }
        let place = self.objects.place("");
        Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the segments of this catalogue are not in `{place}`: they are gone, or --store names another store than theirs"
            ),
        ))
    }

    /// Whether the store belongs to the catalogue of that identity, or to none yet.
    ///
    /// # Errors
    /// `Conflict` when it belongs to another; what reading fails with.
    pub fn check_owner(&self, identity: &str) -> Result<(), Error> {
        match self.objects.get(&Key::Identity) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            known => must_be(&known?, identity, &format!("the store `{}`", self.objects.place(""))),
        }
    }

    /// A folder that has things in it and neither a catalogue nor our lock is not ours.
    pub(crate) fn refuse_foreign(&self) -> Result<(), Error> {
        // Whoever only reads from a bucket has a cache and no lock.
        let ours = ["lock", "cache/lock"].iter().any(|name| self.root.join(name).exists());
        if ours || self.exists() || !self.root.exists() || children(&self.root)?.is_empty() {
            return Ok(());
        }
        let root = display_path(&self.root);
        Err(Error::new(
            ErrorKind::Conflict,
            format!("`{root}` holds other things and is not a data folder"),
        ))
    }

    /// Removes what interrupted writers left: their files in `tmp/`, partials, and the segments in this folder that no
    /// catalogue row links. `linked` tells whether a segment is linked. Files of other names are not ours and stay. While
    /// others write, nothing is removed. In a bucket, [`crate::remove_unlinked`] does it.
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
        for path in &orphans {
            remove(path)?;
        }
        let segments = if self.is_own_store() {
            unlinked(&*self.objects, linked)?
        } else {
            BTreeMap::new()
        };
        for name in segments.keys() {
            self.objects.delete(&Key::Segment(name.clone()))?;
        }
        Ok(orphans.len() + segments.len())
    }
}

/// Ties a store to the catalogue of that identity; `what` names the store.
fn claim(objects: &dyn Objects, identity: &str, what: &str) -> Result<(), Error> {
    let known = match objects.get(&Key::Identity) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if objects.put_if_absent(&Key::Identity, identity.as_bytes())? {
                return Ok(());
            }
            // Another one came first, or this one itself, whose answer was lost.
            objects.get(&Key::Identity)?
        }
        known => known?,
    };
    must_be(&known, identity, what)
}

fn must_be(known: &[u8], identity: &str, what: &str) -> Result<(), Error> {
    if known.trim_ascii() == identity.as_bytes() {
        return Ok(());
    }
    let context = format!("{what} belongs to another catalogue than the one that was opened");
    Err(Error::new(ErrorKind::Conflict, context))
}

/// What is being written in `tmp/`; a clone is what the git program fetches, and what is staged comes from a bucket.
const WORK: [&str; 9] = [
    "segment", "build", "clone", "preview", "model", "training", "search", "stage", "export",
];

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
