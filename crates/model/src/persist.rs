//! Tensors in files.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

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

/// Writes named tensors, one after the other, into a file that is not there yet. The same input gives the same bytes.
pub(crate) fn write_tensors<V: View>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, V)>,
    metadata: HashMap<String, String>,
) -> Result<()> {
    safetensors::serialize_to_file(tensors, Some(metadata), path).map_err(|e| match e {
        safetensors::SafeTensorError::IoError(e) => Error::own_io("write", path, e),
        other => Error::unreadable(path, other),
    })?;
    sort_metadata(path).map_err(|e| Error::own_io("write", path, e))
}

/// Sorts the entries of a file's metadata: the library writes them in the order of a hash map, which differs between
/// processes. Their text has the same length in any order, so nothing else moves.
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

#[cfg(test)]
mod tests {
    use std::fs;

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
}
