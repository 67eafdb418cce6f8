//! The folder of an index on disk.
//!
//! ```text
//! index.json      which generation is the index: {"format":2,"generation":"generation-7"}
//! generation-7/   the files of the engine
//! generation-8/   a build that runs, or one that was killed
//! build.lock      held while a build runs
//! ```
//! Putting a new `index.json` over the old one is the moment at which a new index replaces the old.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codelupe_core::text::display_path;
use codelupe_disk::{Lock, children, make_folder, remove, sync, sync_all, write};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The version of everything on disk: this folder, the schema, the tokenizer and the engine's own format.
pub(crate) const FORMAT: u32 = 2;

const POINTER: &str = "index.json";
const LOCK: &str = "build.lock";
const PREFIX: &str = "generation-";

/// The content of `index.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    format: u32,
    generation: String,
}

/// The folder of the engine's files of the current index.
///
/// # Errors
/// [`ErrorKind::Missing`] without an index, [`ErrorKind::UnknownFormat`] for that of another version,
/// [`ErrorKind::Corrupt`] for a damaged `index.json`, and those of reading it.
pub(crate) fn current(folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(POINTER);
    let text = fs::read(&path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            let context = format!("no search index in `{}`; build one first", display_path(folder));
            Error::new(ErrorKind::Missing, context)
        } else {
            Error::own_io("read", &path, source)
        }
    })?;
    let damaged = || {
        let context = format!("`{}` is damaged; build the index again", display_path(&path));
        Error::new(ErrorKind::Corrupt, context)
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let format = value
        .get("format")
        .and_then(serde_json::Value::as_u64)
        .ok_or_else(damaged)?;
    if format != u64::from(FORMAT) {
        let context = format!(
            "the search index in `{}` has format {format} and this program reads format {FORMAT}; build the index again",
            display_path(folder)
        );
        return Err(Error::new(ErrorKind::UnknownFormat, context));
    }
    let pointer: Pointer = serde_json::from_value(value).map_err(|_| damaged())?;
    number_of(&pointer.generation).ok_or_else(damaged)?;
    Ok(folder.join(pointer.generation))
}

/// A generation that is being written; the folder is locked as long as it lives.
#[derive(Debug)]
pub(crate) struct NewGeneration {
    folder: PathBuf,
    name: String,
    _lock: Lock,
}

impl NewGeneration {
    /// Locks `folder`, removes what killed builds left there, and makes the folder of a new generation.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] while another build runs, and those of writing.
    pub(crate) fn create(folder: &Path) -> Result<Self, Error> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        let kept = named_by_pointer(folder);
        let found = generations(folder)?;
        if let Keep::Only(kept) = &kept {
            for (_, name) in found.iter().filter(|(_, name)| Some(name) != kept.as_ref()) {
                remove(&folder.join(name))?;
            }
        }
        let number = found.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        let generation = Self {
            folder: folder.to_owned(),
            name: format!("{PREFIX}{number}"),
            _lock: lock,
        };
        make_folder(&generation.path())?;
        Ok(generation)
    }

    /// The folder for the engine's files.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Makes this generation the index, safe against a power cut at any moment, and removes all others.
    ///
    /// # Errors
    /// Those of writing; the old index stays the index then.
    pub(crate) fn publish(self) -> Result<(), Error> {
        sync_all(&self.path())?;
        sync(&self.folder)?;
        let pointer = Pointer {
            format: FORMAT,
            generation: self.name.clone(),
        };
        let text = serde_json::to_vec(&pointer)
            .map_err(|source| Error::new(ErrorKind::Internal, format!("cannot write `{POINTER}`: {source}")))?;
        write(&self.folder.join(POINTER), &text)?;
        for (_, name) in generations(&self.folder)? {
            if name != self.name
                && let Err(error) = remove(&self.folder.join(name))
            {
                tracing::warn!(%error, "an old search index stays until the next build");
            }
        }
        Ok(())
    }
}

/// Which generations a new build must leave alone.
enum Keep {
    /// This one, or none.
    Only(Option<String>),
    /// `index.json` cannot be understood: keep all until there is a new one.
    All,
}

/// Reads `index.json` as far as any version can be read.
fn named_by_pointer(folder: &Path) -> Keep {
    match fs::read(folder.join(POINTER)) {
        Ok(text) => match serde_json::from_slice::<Pointer>(&text) {
            Ok(pointer) => Keep::Only(Some(pointer.generation)),
            Err(_) => Keep::All,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Keep::Only(None),
        Err(_) => Keep::All,
    }
}

fn lock(folder: &Path) -> Result<Lock, Error> {
    Lock::try_alone(&folder.join(LOCK))?.ok_or_else(|| {
        let context = format!("another process builds the search index in `{}`", display_path(folder));
        Error::new(ErrorKind::Locked, context)
    })
}

/// The number and the name of every generation in `folder`.
fn generations(folder: &Path) -> Result<Vec<(u64, String)>, Error> {
    let generation = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        Some((number_of(name)?, name.to_owned()))
    };
    Ok(children(folder)?.into_iter().filter_map(generation).collect())
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let plain = digits.len() < 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = generations(folder).unwrap().into_iter().map(|g| g.1).collect();
        names.sort();
        names
    }

    #[test]
    fn a_killed_build_leaves_the_index_alone_and_is_cleaned_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        NewGeneration::create(dir.path()).unwrap().publish().unwrap();
        drop(NewGeneration::create(dir.path()).unwrap()); // killed
        assert_eq!(current(dir.path()).unwrap(), dir.path().join("generation-1"));
        assert_eq!(names(dir.path()), ["generation-1", "generation-2"]);

        let next = NewGeneration::create(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["generation-1", "generation-3"]);
        next.publish().unwrap();
        assert_eq!(names(dir.path()), ["generation-3"]);
    }

    #[test]
    fn two_builds_at_once_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = NewGeneration::create(dir.path()).unwrap();
        let refused = NewGeneration::create(dir.path()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked);
        drop(first);
        NewGeneration::create(dir.path()).unwrap();
    }

    #[test]
    fn a_pointer_that_cannot_be_read_is_named_and_a_build_keeps_what_it_may_name() {
        let check = |pointer: &str, expected: ErrorKind, kept: bool| {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("generation-4")).unwrap();
            fs::write(dir.path().join(POINTER), pointer).unwrap();
            assert_eq!(current(dir.path()).unwrap_err().kind(), expected, "{pointer}");
            let build = NewGeneration::create(dir.path()).unwrap();
            assert_eq!(dir.path().join("generation-4").exists(), kept, "{pointer}");
            build.publish().unwrap();
            assert_eq!(names(dir.path()), ["generation-5"], "{pointer}");
        };
        let unknown = ErrorKind::UnknownFormat;
        check(r#"{"format":99,"generation":"generation-4"}"#, unknown, true);
        check(r#"{"format":99,"segments":[]}"#, unknown, true);
        check("", ErrorKind::Corrupt, true);
        check("{\"format\":2}", ErrorKind::Corrupt, true);
        check(r#"{"format":2,"generation":"../x"}"#, ErrorKind::Corrupt, false);
    }
}
