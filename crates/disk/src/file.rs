//! Files that are replaced atomically.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::Error;
use crate::publish::{forget, partial, publish, sync};

/// Writes a file, which replaces the one at its path atomically.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`; the old file stays in place.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace_file(path, |new| {
        File::create(new)
            .and_then(|mut file| file.write_all(content))
            .map_err(|error| Error::own_io("write", path, error))
    })
}

/// Writes a file under a name that does not count yet, and makes its content durable; its folder is not synced.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`; the file may be there in part then.
pub fn write_new(path: &Path, content: &[u8]) -> Result<(), Error> {
    File::create(path)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(|error| Error::own_io("write", path, error))
}

/// Lets `fill` write a new file, which then replaces the one at `path` atomically.
///
/// # Errors
/// What `fill` fails with; `DiskFull`, `Permission` or `Io`. The old file stays in place.
pub fn replace_file<T, E: From<Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let new = partial(path);
    let filled = fill(&new).and_then(|filled| {
        sync(&new)?;
        publish(&new, path)?;
        Ok(filled)
    });
    filled.inspect_err(|_| forget(&new))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_file_is_replaced_whole_or_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let failing = |new: &Path| {
            fs::write(new, "half").unwrap();
            Err::<(), _>(Error::new(ErrorKind::Io, "stopped"))
        };
        replace_file(&path, failing).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace_file(&path, |new| {
            fs::write(new, "three").map_err(|error| Error::own_io("write", new, error))
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_gone_is_a_fault_of_the_machine() {
        let error = write(Path::new("/no/such/folder/file"), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.code(), codelupe_core::error::ErrorCode::Storage);
    }
}
