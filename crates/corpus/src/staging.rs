//! Artifacts of a data folder and its store: published, staged, listed, removed.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use codelupe_disk::{make_folder, publish_folder, remove};

use crate::artifact::{Artifact, CHECKPOINTS, TrainingPart};
use crate::error::{Error, ErrorKind};
use crate::file_list::FileList;
use crate::folder::DataFolder;
use crate::key::{Key, Prefix};
use crate::staged::Staged;

impl DataFolder {
    /// How people know the place of an artifact: a path, or an address.
    pub fn artifact_place(&self, artifact: &Artifact) -> String {
        self.objects().place(&artifact.to_string())
    }

    /// Whether an artifact is there.
    ///
    /// # Errors
    /// As [`crate::Objects::get`].
    pub fn has(&self, artifact: &Artifact) -> Result<bool, Error> {
        if self.is_own_store() {
            return Ok(self.artifact_folder(artifact).is_dir());
        }
        match self.objects().head(&Key::of(artifact, FileList::NAME)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a finished folder of this machine an artifact, over one of that name; the folder itself is gone then.
    ///
    /// # Errors
    /// As [`crate::Objects::put_folder`]. The folder is still there then.
    pub fn publish_artifact(&self, artifact: &Artifact, folder: &Path) -> Result<(), Error> {
        if self.is_own_store() {
            let place = self.artifact_folder(artifact);
            if let Some(parent) = place.parent() {
                make_folder(parent)?;
            }
            return Ok(publish_folder(folder, &place)?);
        }
        FileList::of(folder)?.write(folder)?;
        let prefix = Prefix::Artifact(artifact.clone());
        self.objects().put_folder(&prefix, folder, FileList::NAME)
    }

    /// Makes an artifact a folder of this machine, which is its own in the data folder, and else one of the cache.
    ///
    /// # Errors
    /// `NotFound` without one; `Conflict` when the folder to stage in is somebody else's; `Corrupt` when what is read is not what
    /// was put; `CacheFull` when the cache may not hold it; `DiskFull`, `Permission` or `Io` of this machine; else as
    /// [`crate::Objects::get`].
    pub fn stage(&self, artifact: &Artifact) -> Result<Staged, Error> {
        if let Some(cache) = self.cache() {
            self.refuse_foreign()?;
            return cache.stage(&**self.objects(), artifact);
        }
        let folder = self.artifact_folder(artifact);
        if folder.is_dir() {
            return Ok(Staged::here(folder));
        }
        let place = self.artifact_place(artifact);
        Err(Error::new(ErrorKind::NotFound, format!("`{place}` is not there")))
    }

    /// One small file of an artifact, for which the whole need not be staged.
    ///
    /// # Errors
    /// As [`crate::Objects::get`].
    pub fn read_of(&self, artifact: &Artifact, path: &str) -> Result<Bytes, Error> {
        self.objects().get(&Key::of(artifact, path))
    }

    /// Removes an artifact, if it is there.
    ///
    /// # Errors
    /// As [`crate::Objects::delete`].
    pub fn remove_artifact(&self, artifact: &Artifact) -> Result<(), Error> {
        if self.is_own_store() {
            return Ok(remove(&self.artifact_folder(artifact))?);
        }
        // Without its list it counts no longer, whatever becomes of the rest.
        self.objects().delete(&Key::of(artifact, FileList::NAME))?;
        for listed in self.objects().list(&Prefix::Artifact(artifact.clone()))? {
            self.objects().delete(&Key::of(artifact, &listed.name))?;
        }
        Ok(())
    }

    /// What the store has of trainings, by their names. Of a data folder that is its own store: nothing, since a training works
    /// in it.
    ///
    /// # Errors
    /// As [`crate::Objects::list`].
    pub fn stored_trainings(&self) -> Result<Vec<(String, TrainingPart)>, Error> {
        if self.is_own_store() {
            return Ok(Vec::new());
        }
        let listed = self.objects().list(&Prefix::Trainings)?;
        Ok(listed.iter().filter_map(|listed| whole_part(&listed.name)).collect())
    }

    /// The digests of the builds whose search index is an artifact in the store.
    ///
    /// # Errors
    /// As [`crate::Objects::list`].
    pub fn stored_searches(&self) -> Result<Vec<String>, Error> {
        if self.is_own_store() {
            return Ok(Vec::new());
        }
        let listed = self.objects().list(&Prefix::Searches)?.into_iter();
        Ok(listed
            .filter_map(|listed| {
                let digest = listed.name.strip_suffix(FileList::NAME)?.strip_suffix('/')?;
                Some(digest.to_owned())
            })
            .collect())
    }

    fn artifact_folder(&self, artifact: &Artifact) -> PathBuf {
        self.root().join(artifact.to_string())
    }
}

/// The training and the part whose list of files an object is.
fn whole_part(name: &str) -> Option<(String, TrainingPart)> {
    let (training, part) = name.strip_suffix(FileList::NAME)?.strip_suffix('/')?.split_once('/')?;
    let part = match part.split_once('/') {
        None if part == "plan" => TrainingPart::Plan,
        None if part == "record" => TrainingPart::Record,
        Some((CHECKPOINTS, step)) => TrainingPart::Checkpoint(step.parse().ok()?),
        _ => return None,
    };
    Some((training.to_owned(), part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::TRAININGS;

    #[test]
    fn parts_of_trainings_are_known_by_their_names() {
        for part in [TrainingPart::Plan, TrainingPart::Record, TrainingPart::Checkpoint(12)] {
            let name = Artifact::Training("training-3".to_owned(), part).to_string();
            let below = name.strip_prefix(TRAININGS).unwrap().trim_start_matches('/');
            let listed = format!("{below}/{}", FileList::NAME);
            assert_eq!(whole_part(&listed), Some(("training-3".to_owned(), part)));
            assert_eq!(whole_part(&format!("{below}/other.json")), None);
        }
        assert_eq!(whole_part("training-3/checkpoints/x/files.json"), None);
    }
}
