//! Values kept in JSON files.

use std::fs;
use std::io;
use std::path::Path;

use codelupe_core::{error::Cause, text::display_path};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::file::write;

/// The most bytes of a JSON file that are read: a plan that names a million files has 45 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Writes a value as JSON for people and programs, which replaces the file atomically.
///
/// # Errors
/// `DiskFull`, `Permission` or `Io`; the old file stays in place.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| damaged(path, error))?;
    text.push(b'\n');
    write(path, &text)
}

/// Reads a JSON value; `None` if there is no file.
///
/// # Errors
/// `Corrupt` for a file that does not hold such a value or is larger than 64 MiB; `Permission` or `Io`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let bytes = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::own_io("read", path, error)),
        Ok(found) => found.len(),
    };
    if bytes > MAX_BYTES {
        return Err(damaged(path, format!("it has {bytes} bytes")));
    }
    let text = fs::read(path).map_err(|error| Error::own_io("read", path, error))?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, source: impl Into<Cause>) -> Error {
    Error::new(ErrorKind::Corrupt, format!("`{}` is damaged", display_path(path))).with_source(source)
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
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("value.json"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
