//! Files that are there whole or not at all: written beside their place, synced, then renamed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, View};

use crate::error::{Error, Result};

/// A tensor of floats to be written.
pub(crate) struct FloatTensor<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) values: &'a [f32],
}

impl View for FloatTensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn data_len(&self) -> usize {
        self.values.len() * 4
    }
}

/// Writes named tensors, one after the other, into a file that is not there yet, and syncs it. The same input gives the same
/// bytes.
pub(crate) fn write_tensors<V: View>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, V)>,
    metadata: HashMap<String, String>,
) -> Result<()> {
    safetensors::serialize_to_file(tensors, Some(metadata), path).map_err(|e| match e {
        safetensors::SafeTensorError::IoError(e) => Error::io("write", path, e),
        other => Error::unreadable(path, other),
    })?;
    sort_metadata(path).map_err(|e| Error::io("write", path, e))?;
    sync(path)
}

/// Puts the entries of a file's metadata in order: the library writes them in that of a hash map, which is another one in
/// each process. Their text is as long in any order, so nothing else moves.
fn sort_metadata(path: &Path) -> io::Result<()> {
    const NAME: &[u8] = b"\"__metadata__\":";
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut header = vec![0; usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?];
    file.read_exact(&mut header)?;
    let Some(start) = header.windows(NAME.len()).position(|part| part == NAME) else {
        return Ok(());
    };
    let start = start + NAME.len();
    let mut entries = serde_json::Deserializer::from_slice(&header[start..]).into_iter::<BTreeMap<String, String>>();
    let Some(Ok(sorted)) = entries.next() else {
        return Ok(());
    };
    let text = serde_json::to_vec(&sorted)?;
    if text.len() == entries.byte_offset() {
        file.seek(SeekFrom::Start((length.len() + start) as u64))?;
        file.write_all(&text)?;
    }
    Ok(())
}

/// Writes a file that is not there yet, and syncs it.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(bytes)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// Writes a JSON file for people and programs.
pub(crate) fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    write_bytes(path, format!("{value:#}\n").as_bytes())
}

/// Lets `fill` make a new folder, which then takes its place at once. What was at that place, if it is a folder, is
/// gone then; whoever is killed in between leaves a folder that ends in `.tmp` or `.old`, which the next one removes or
/// puts back.
pub(crate) fn replace_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (fresh, old) = (beside(folder, "tmp"), beside(folder, "old"));
    remove_folder(&fresh)?;
    if old.exists() && !folder.exists() {
        // Someone was killed between the two renamings.
        rename(&old, folder)?;
    }
    remove_folder(&old)?;
    fs::create_dir_all(&fresh).map_err(|e| Error::io("create", &fresh, e))?;
    fill(&fresh)?;
    sync(&fresh)?;
    if folder.exists() {
        rename(folder, &old)?;
    }
    rename(&fresh, folder)?;
    sync_parent(folder)?;
    remove_folder(&old)
}

/// Lets `fill` make a new file, which then takes its place at once.
pub(crate) fn replace_file(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let fresh = beside(path, "tmp");
    fill(&fresh)?;
    rename(&fresh, path)?;
    sync_parent(path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("rename", from, e))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder, e)),
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|e| Error::io("sync", path, e))
}

fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tensors_and_metadata_give_the_same_bytes() {
        let root = tempfile::tempdir().unwrap();
        let write = |number: usize| {
            let path = root.path().join(number.to_string());
            let entries = (0..8).map(|key| (format!("key {key}"), format!("\"{key}\"")));
            let tensor = FloatTensor {
                shape: &[2],
                values: &[1.0, 2.0],
            };
            write_tensors(&path, [("a".to_owned(), tensor)], entries.collect()).unwrap();
            let bytes = fs::read(&path).unwrap();
            let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert_eq!(read.tensor("a").unwrap().shape(), [2]);
            let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
            assert_eq!(header.metadata().as_ref().unwrap()["key 7"], "\"7\"");
            bytes
        };
        let first = write(0);
        assert!((1..8).all(|number| write(number) == first));
    }

    #[test]
    fn a_folder_that_is_not_filled_leaves_the_old_one_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("adapter");
        let fill = |text: &'static str| move |folder: &Path| write_bytes(&folder.join("file"), text.as_bytes());
        replace_folder(&folder, fill("one")).unwrap();
        let failing = |folder: &Path| {
            write_bytes(&folder.join("file"), b"two")?;
            Err(Error::invalid("stopped"))
        };
        replace_folder(&folder, failing).unwrap_err();
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"one");
        replace_folder(&folder, fill("three")).unwrap();
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"three");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        // As if killed between the two renamings.
        fs::rename(&folder, beside(&folder, "old")).unwrap();
        replace_folder(&folder, failing).unwrap_err();
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"three");
    }
}
