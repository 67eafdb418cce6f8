//! The list of an artifact's files, put last, by which it is whole and can be checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use codelupe_disk::{files, write_json};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// The files of an artifact: `files.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileList {
    format: u32,
    /// By path below the artifact.
    pub(crate) files: BTreeMap<String, ListedFile>,
}

/// One file of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedFile {
    /// Its size.
    pub(crate) bytes: u64,
    /// SHA-256 of its content, in hex.
    pub(crate) sha256: String,
}

impl FileList {
    /// Its own name.
    pub(crate) const NAME: &str = "files.json";

    /// The list of a folder's files, each of which is read.
    ///
    /// # Errors
    /// `Permission` or `Io`.
    pub(crate) fn of(folder: &Path) -> Result<Self, Error> {
        let mut list = BTreeMap::new();
        for name in files(folder)?.into_iter().filter(|name| name != Self::NAME) {
            let path = folder.join(&name);
            let listed = hash(&path).map_err(|error| Error::io("read", &path, error))?;
            list.insert(name, listed);
        }
        Ok(Self {
            format: FORMAT,
            files: list,
        })
    }

    /// Puts the list beside the files.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        Ok(write_json(&folder.join(Self::NAME), self)?)
    }

    /// Reads a list that came from a store; `place` names the artifact.
    ///
    /// # Errors
    /// `Corrupt` for what is no list, or has a path that leads out of the artifact.
    pub(crate) fn read(content: &[u8], place: &str) -> Result<Self, Error> {
        let list: Self = serde_json::from_slice(content)
            .map_err(|error| Error::new(ErrorKind::Corrupt, format!("`{place}` is damaged")).with_source(error))?;
        let stays_inside = |name: &String| {
            Path::new(name)
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        if list.format != FORMAT || !list.files.keys().all(stays_inside) {
            let context = format!("`{place}` is damaged, or of a version that this program does not know");
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        Ok(list)
    }

    /// The size of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }
}

/// The size and the hash of a file.
pub(crate) fn hash(path: &Path) -> io::Result<ListedFile> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok(ListedFile {
        bytes,
        sha256: hex::encode(hash.finalize()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_inside_of_its_artifact() {
        let list = |name: &str| {
            let text = format!(r#"{{"format":1,"files":{{"{name}":{{"bytes":1,"sha256":"00"}}}}}}"#);
            FileList::read(text.as_bytes(), "models/tiny")
        };
        assert_eq!(list("a/b.json").unwrap().bytes(), 1);
        for name in ["../x", "/etc/passwd", "a/../../x"] {
            assert_eq!(list(name).unwrap_err().kind(), ErrorKind::Corrupt, "{name}");
        }
        assert_eq!(FileList::read(b"{", "x").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
