//! Folders that are replaced atomically.

use std::path::Path;

use crate::error::Error;
use crate::folder::make_folder;
use crate::publish::{forget, partial, publish, remove, rename, sync_all};

/// Lets `fill` write into a new, empty folder, which then replaces the folder at `path`. A process that is killed between
/// the two renames leaves the old folder under `.NAME.old`, and the next call puts it back.
///
/// # Errors
/// What `fill` fails with; `DiskFull`, `Permission` or `Io`. The old folder stays in place.
pub fn replace_folder<T, E: From<Error>>(folder: &Path, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let (new, old) = (partial(folder), partial(folder).with_extension("old"));
    remove(&new)?;
    if old.exists() && !folder.exists() {
        rename(&old, folder)?;
    }
    remove(&old)?;
    make_folder(&new)?;
    let filled = fill(&new).and_then(|filled| {
        sync_all(&new)?;
        Ok(filled)
    });
    let filled = filled.inspect_err(|_| forget(&new))?;
    if folder.exists() {
        rename(folder, &old)?;
    }
    publish(&new, folder)?;
    remove(&old)?;
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::ErrorKind;
    use crate::folder::children;

    #[test]
    fn a_folder_that_is_not_filled_leaves_the_old_one_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("adapter");
        let put = |folder: &Path, text: &str| {
            let path = folder.join("file");
            fs::write(&path, text).map_err(|error| Error::own_io("write", &path, error))
        };
        let failing = |folder: &Path| {
            put(folder, "two")?;
            Err::<(), _>(Error::new(ErrorKind::Io, "stopped"))
        };
        let read = || fs::read(folder.join("file")).unwrap();
        replace_folder(&folder, |new| put(new, "one")).unwrap();
        replace_folder(&folder, failing).unwrap_err();
        assert_eq!(read(), b"one");
        assert_eq!(children(root.path()).unwrap(), std::slice::from_ref(&folder));
        replace_folder(&folder, |new| put(new, "three")).unwrap();
        assert_eq!(read(), b"three");
        assert_eq!(children(root.path()).unwrap(), std::slice::from_ref(&folder));
        // As if killed between the two renamings.
        fs::rename(&folder, root.path().join(".adapter.old")).unwrap();
        replace_folder(&folder, failing).unwrap_err();
        assert_eq!(read(), b"three");
    }
}
