//! Files that are there whole or not at all, and what the machine has left.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, shown};

/// The most bytes of a JSON file of ours that are read.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Writes a file beside its place, makes it durable and moves it there.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let partial = path.with_extension("partial");
    File::create(&partial)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(|error| Error::io("write", &partial, error))?;
    rename(&partial, path)
}

/// Writes a value as JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| Error::damaged(path, error))?;
    write(path, &text)
}

/// Reads a value of JSON; none if there is no file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, error)),
        Ok(metadata) if metadata.len() > MAX_JSON_BYTES => {
            return Err(Error::damaged(path, format!("it has {} bytes", metadata.len())));
        }
        Ok(_) => {}
    }
    let text = fs::read(path).map_err(|error| Error::io("read", path, error))?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| Error::damaged(path, error))
}

/// Moves a finished file or folder to its place and makes the move durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| Error::io("rename a finished file to", to, error))?;
    let Some(parent) = to.parent() else { return Ok(()) };
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io("sync the folder", parent, error))
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::io("make the folder", path, error))
}

/// Removes a folder with all it holds, if it is there.
pub(crate) fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Copies the files of these names that are there.
pub(crate) fn copy(names: &[&str], from: &Path, to: &Path) -> Result<(), Error> {
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        if source.is_file() {
            fs::copy(&source, &target).map_err(|error| Error::io("copy to", &target, error))?;
        }
    }
    Ok(())
}

/// The value of a line `NAME: N kB` of a file of `/proc`, in bytes; none on systems without.
fn proc_bytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes of memory that can be used without swapping, of the machine and of the control group; none where it is not told.
pub(crate) fn available_memory() -> Option<u64> {
    let machine = proc_bytes("/proc/meminfo", "MemAvailable");
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .map(|most| most.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (one, other) => one.or(other),
    }
}

/// The most memory that this process has had, in bytes; 0 where it is not told.
pub(crate) fn peak_memory() -> u64 {
    proc_bytes("/proc/self/status", "VmHWM").unwrap_or(0)
}

/// The last part of a path, for a user.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| shown(path), |name| shown(Path::new(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back_and_what_is_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), None);
        write_json(&path, &[1, 2]).unwrap();
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), Some(vec![1, 2]));
        fs::write(&path, "[1,").unwrap();
        let error = read_json::<Vec<u8>>(&path).unwrap_err();
        assert!(error.to_string().contains("value.json"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_tells_its_memory() {
        assert!(available_memory().unwrap() > 1 << 20);
        assert!(peak_memory() > 1 << 20);
    }
}
