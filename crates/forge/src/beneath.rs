//! Opening files below a folder without ever following a link or waiting for a FIFO.
//!
//! Every name is opened relative to the descriptor of its folder, one segment at a time, so that nobody can swap a folder
//! for a link between a check and its use.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Opens the folder at `path`; a link in its last segment is refused.
pub(crate) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, folder_flags(), Mode::empty())?)
}

/// Opens the folder `name` in `at`.
pub(crate) fn open_folder(at: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(at, name, folder_flags(), Mode::empty())?)
}

/// Opens the folder at the relative `path` under `root`; the empty path is `root` itself.
pub(crate) fn open_folder_path(root: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = root.try_clone()?;
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        folder = open_folder(&folder, name)?;
    }
    Ok(folder)
}

/// Opens the regular file `name` in `at` and tells its size; anything else is `InvalidInput`.
///
/// `O_NONBLOCK` keeps the open of a FIFO from waiting for a writer; that it is a regular file is checked afterwards on
/// the descriptor.
pub(crate) fn open_file(at: impl AsFd, name: &[u8]) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::openat(at, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, metadata.len()))
}

/// What `name` in `at` is, without opening it or following it.
pub(crate) fn stat(at: impl AsFd, name: &[u8]) -> io::Result<Stat> {
    Ok(rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// The type that `stat` found.
pub(crate) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Replaces `buffer` by what `file` holds, reading at most `limit` bytes and one; false when there is more than `limit`.
pub(crate) fn read_at_most(file: &mut File, size_hint: u64, limit: u64, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.clear();
    // One byte more than the file has, so that the end is found without growing the buffer.
    let expected = usize::try_from(size_hint.min(limit))
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    buffer.try_reserve(expected)?;
    Read::take(&mut *file, limit.saturating_add(1)).read_to_end(buffer)?;
    Ok(buffer.len() as u64 <= limit)
}

/// The content of the small regular file at the relative `path` under `root`; `None` where there is no such file.
///
/// # Errors
/// A link or something else than a regular file on the way, more than `limit` bytes, or an error of the system.
pub(crate) fn read_small(root: &OwnedFd, path: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
    let read = || {
        let (folder, name) = split_path(path);
        let (mut file, size) = open_file(open_folder_path(root, folder)?, name)?;
        let mut content = Vec::new();
        if read_at_most(&mut file, size, limit, &mut content)? {
            Ok(content)
        } else {
            let why = format!("{} holds more than {limit} bytes", path.escape_ascii());
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    };
    match read() {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folder and the name of a path.
pub(crate) fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// Whether `error` says that a link stands where none is followed.
pub(crate) fn is_link_refusal(error: &io::Error) -> bool {
    // Linux answers ENOTDIR, not ELOOP, when O_DIRECTORY meets a link.
    [Errno::LOOP, Errno::MLINK, Errno::NOTDIR]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_file_is_cut_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), vec![b'x'; 100]).unwrap();
        let root = open_root(folder.path()).unwrap();
        let check = |hint: u64, limit: u64, expected: bool, length: usize| {
            let (mut file, _) = open_file(&root, b"f").unwrap();
            let mut buffer = vec![1; 7];
            assert_eq!(read_at_most(&mut file, hint, limit, &mut buffer).unwrap(), expected);
            assert_eq!(buffer.len(), length);
        };
        check(100, 100, true, 100);
        check(3, 100, true, 100); // it grew since the hint
        check(3, 99, false, 100);
        check(u64::MAX, 10, false, 11);
        check(0, 0, false, 1);
    }

    #[test]
    fn links_are_refused_in_every_segment() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("real/deep")).unwrap();
        std::fs::write(folder.path().join("real/deep/f"), "x").unwrap();
        std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("f", folder.path().join("real/deep/g")).unwrap();
        let root = open_root(folder.path()).unwrap();
        assert_eq!(
            read_small(&root, b"real/deep/f", 9).unwrap().as_deref(),
            Some(&b"x"[..])
        );
        assert!(read_small(&root, b"real/none", 9).unwrap().is_none());
        for path in [&b"link/deep/f"[..], b"real/deep/g"] {
            assert!(is_link_refusal(&read_small(&root, path, 9).unwrap_err()));
        }
        assert!(read_small(&root, b"real/deep", 9).is_err());
        assert!(read_small(&root, b"real/deep/f", 0).is_err());
    }
}
