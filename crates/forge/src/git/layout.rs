//! The git directory on disk, checked before anything in it is opened by path.
//!
//! The object database is read through memory maps opened by path, which would follow links and wait for FIFOs. So every
//! name that it could open is looked at first: folders must be folders and files regular files, and nothing may point to
//! objects or references elsewhere (`commondir`, `objects/info/alternates`).

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use codelupe_core::text::display_path;
use rustix::fs::{Dir, FileType};

use crate::beneath;
use crate::error::{Error, ErrorKind};

/// The largest `objects/info/alternates` that is looked at, in bytes.
const MAX_ALTERNATES_BYTES: u64 = 1 << 20;

/// An open git directory.
pub(crate) struct GitFolder {
    path: PathBuf,
    fd: OwnedFd,
}

impl GitFolder {
    /// Opens the git directory of the repository at `repository`: its folder `.git`, or itself when bare.
    pub(crate) fn open(repository: &Path) -> Result<Self, Error> {
        let root = beneath::open_root(repository).map_err(|error| Error::at(repository, "open repository", error))?;
        let has_folder = beneath::stat(&root, b".git").is_ok_and(|stat| beneath::file_type(&stat).is_dir());
        let (path, fd) = if has_folder {
            let path = repository.join(".git");
            let fd = beneath::open_folder(&root, b".git").map_err(|error| Error::at(&path, "open", error))?;
            (path, fd)
        } else {
            (repository.to_owned(), root)
        };
        let folder = Self { path, fd };
        if beneath::stat(&folder.fd, b"commondir").is_ok() {
            return Err(folder.error(ErrorKind::OutsideRepository, "commondir names another repository"));
        }
        Ok(folder)
    }

    /// The folder of the object database, after checking that reading it stays inside and never blocks.
    pub(crate) fn objects(&self) -> Result<PathBuf, Error> {
        let objects = self.real_folder(&self.fd, "objects")?;
        for name in self.list(&objects, "objects")? {
            let is_fan = name.len() == 2 && name.iter().all(u8::is_ascii_hexdigit);
            if is_fan || name == b"pack" || name == b"info" {
                let shown = format!("objects/{}", name.escape_ascii());
                self.check_files(&objects, &name, &shown)?;
            }
        }
        let alternates = self.read_small("objects/info/alternates", MAX_ALTERNATES_BYTES)?;
        if alternates.is_some_and(|content| !content.trim_ascii().is_empty()) {
            let why =
                "objects/info/alternates borrows the objects of another repository (`git repack -a -d` copies them)";
            return Err(self.error(ErrorKind::OutsideRepository, why));
        }
        Ok(self.path.join("objects"))
    }

    /// The content of a small file; `None` where there is none.
    pub(crate) fn read_small(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        beneath::read_small(&self.fd, path.as_bytes(), limit).map_err(|error| self.read_error(path, error))
    }

    /// The content of a loose reference; `None` where there is none, or a folder has its name.
    pub(crate) fn read_reference(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match beneath::read_small(&self.fd, name.as_bytes(), limit) {
            Ok(content) => Ok(content),
            Err(error) if self.is_folder(name) || self.is_below_file(name, &error) => Ok(None),
            Err(error) => Err(self.read_error(name, error)),
        }
    }

    /// An error about this repository.
    pub(crate) fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("{}: {why}", display_path(&self.path)))
    }

    fn is_folder(&self, name: &str) -> bool {
        beneath::open_folder_path(&self.fd, name.as_bytes()).is_ok()
    }

    /// Whether `name` cannot exist because a regular file stands where a folder of it would be.
    fn is_below_file(&self, name: &str, error: &io::Error) -> bool {
        let is_file = |path: &str| {
            let (folder, name) = beneath::split_path(path.as_bytes());
            let stat = beneath::open_folder_path(&self.fd, folder).and_then(|at| beneath::stat(at, name));
            stat.is_ok_and(|stat| beneath::file_type(&stat).is_file())
        };
        error.kind() == io::ErrorKind::NotADirectory
            && name.match_indices('/').any(|(slash, _)| is_file(&name[..slash]))
    }

    fn read_error(&self, path: &str, error: io::Error) -> Error {
        if beneath::is_link_refusal(&error) || error.kind() == io::ErrorKind::InvalidInput {
            let why = format!("{path} is a link or not a regular file");
            self.error(ErrorKind::OutsideRepository, &why).with_source(error)
        } else {
            Error::at(&self.path.join(path), "read", error)
        }
    }

    fn real_folder(&self, at: &OwnedFd, name: &str) -> Result<OwnedFd, Error> {
        beneath::open_folder(at, name.as_bytes()).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::Corrupt,
                _ if beneath::is_link_refusal(&error) => ErrorKind::OutsideRepository,
                _ => return Error::at(&self.path.join(name), "open", error),
            };
            self.error(kind, &format!("{name} is not a folder")).with_source(error)
        })
    }

    /// Checks that `objects/name` is a folder with nothing but regular files, or folders that are never entered.
    fn check_files(&self, objects: &OwnedFd, name: &[u8], shown: &str) -> Result<(), Error> {
        let folder = beneath::open_folder(objects, name).map_err(|error| self.read_error(shown, error))?;
        let listing = Dir::read_from(&folder).map_err(|error| self.read_error(shown, error.into()))?;
        for entry in listing {
            let entry = entry.map_err(|error| self.read_error(shown, error.into()))?;
            let name = entry.file_name().to_bytes();
            let kind = match entry.file_type() {
                FileType::Unknown => beneath::stat(&folder, name).map_or(FileType::Unknown, |s| beneath::file_type(&s)),
                known => known,
            };
            if !matches!(kind, FileType::RegularFile | FileType::Directory) {
                let why = format!("{shown}/{} is a link or not a regular file", name.escape_ascii());
                return Err(self.error(ErrorKind::OutsideRepository, &why));
            }
        }
        Ok(())
    }

    fn list(&self, folder: &OwnedFd, shown: &str) -> Result<Vec<Vec<u8>>, Error> {
        let listing = Dir::read_from(folder).map_err(|error| self.read_error(shown, error.into()))?;
        listing
            .map(|entry| entry.map(|entry| entry.file_name().to_bytes().to_vec()))
            .collect::<Result<_, _>>()
            .map_err(|error| self.read_error(shown, error.into()))
    }
}
