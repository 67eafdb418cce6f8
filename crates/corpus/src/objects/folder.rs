//! Objects that are plain files below a folder.

use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use codelupe_core::text::display_path;
use codelupe_disk::{children, make_folder, publish, publish_folder, remove, sync, write};

use super::{Head, Listed, Objects};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Prefix};

/// A folder of objects. What is put is synced and renamed into its place.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.to_string())
    }
}

impl Objects for Folder {
    fn place(&self, name: &str) -> String {
        display_path(&self.root.join(name))
    }

    fn file(&self, key: &Key) -> Option<PathBuf> {
        Some(self.path(key))
    }

    fn prepare(&self) -> Result<(), Error> {
        for folder in ["segments", "builds"] {
            make_folder(&self.root.join(folder))?;
        }
        Ok(())
    }

    fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let path = self.path(key);
        let content = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        Ok(content.into())
    }

    fn get_ranges(&self, key: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let path = self.path(key);
        let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
        let read = |range: &Range<u64>| {
            let mut content = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
            match file.read_exact_at(&mut content, range.start) {
                Ok(()) => Ok(content.into()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let context = format!("`{}` is shorter than it should be", display_path(&path));
                    Err(Error::new(ErrorKind::Corrupt, context).with_source(error))
                }
                Err(error) => Err(Error::io("read", &path, error)),
            }
        };
        ranges.iter().map(read).collect()
    }

    fn head(&self, key: &Key) -> Result<Head, Error> {
        let path = self.path(key);
        let found = fs::metadata(&path).map_err(|error| Error::io("look at", &path, error))?;
        Ok(head(&found))
    }

    fn put_if_absent(&self, key: &Key, content: &[u8]) -> Result<bool, Error> {
        let path = self.path(key);
        if path.exists() {
            return Ok(false);
        }
        write(&path, content)?;
        Ok(true)
    }

    fn put_file(&self, key: &Key, file: &Path) -> Result<(), Error> {
        sync(file)?;
        Ok(publish(file, &self.path(key))?)
    }

    fn put_folder(&self, prefix: &Prefix, folder: &Path, _last: &str) -> Result<(), Error> {
        // The folder gets its name at once: no file of it is the last.
        Ok(publish_folder(folder, &self.root.join(prefix.to_string()))?)
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, Error> {
        let root = self.root.join(prefix.to_string());
        let mut listed = Vec::new();
        // As of a bucket: nothing is under a prefix that was never used.
        let mut folders: Vec<PathBuf> = root.is_dir().then(|| root.clone()).into_iter().collect();
        while let Some(folder) = folders.pop() {
            for path in children(&folder)? {
                let found = fs::symlink_metadata(&path).map_err(|error| Error::io("look at", &path, error))?;
                if found.is_dir() {
                    folders.push(path);
                } else if let Ok(name) = path.strip_prefix(&root) {
                    let name = name.to_string_lossy().into_owned();
                    listed.push(Listed {
                        name,
                        head: head(&found),
                    });
                }
            }
        }
        Ok(listed)
    }

    fn delete(&self, key: &Key) -> Result<(), Error> {
        Ok(remove(&self.path(key))?)
    }
}

fn head(found: &Metadata) -> Head {
    Head {
        bytes: found.len(),
        put_at: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
    }
}
