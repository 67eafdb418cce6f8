//! The frozen weights of a model folder, mapped into memory: they take page cache, no memory of their own, and are
//! never copied as a whole.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::config::{HEAD, ModelConfig, TensorSpec, read_bounded};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Weight, widen};

/// The weights in one file.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";

/// Which tensor is in which file, if there are several.
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";

/// The largest index that is read, in bytes; that of a model with 80 layers has about 60,000.
const MAX_INDEX_BYTES: u64 = 16 << 20;

/// The most files of one model.
const MAX_SHARDS: usize = 4096;

/// The bytes of each tensor that go into the fingerprint.
const SAMPLED: usize = 64;

/// The mapped files and where in them each tensor of the model lies.
#[derive(Debug)]
pub(crate) struct Weights {
    files: Vec<Mmap>,
    tensors: HashMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    /// Maps the files of a folder and checks that they hold every tensor that the config asks for, in its shape.
    pub(crate) fn open(folder: &Path, config: &ModelConfig) -> Result<Self> {
        let mut weights = Self {
            files: Vec::new(),
            tensors: HashMap::new(),
        };
        let paths = shards(folder)?;
        let wanted: HashMap<String, Vec<usize>> = config.tensors().into_iter().map(|s| (s.name, s.shape)).collect();
        for path in &paths {
            weights.add(path, &wanted)?;
        }
        // In the order of the model, so that the first missing one is named.
        let missing = |spec: &TensorSpec| !weights.tensors.contains_key(&spec.name);
        match config.tensors().into_iter().find(missing) {
            Some(TensorSpec { name, .. }) => {
                let path = paths.first().map_or(folder, PathBuf::as_path);
                Err(Error::corrupt(path, format!("the tensor `{name}` is missing")))
            }
            None => Ok(weights),
        }
    }

    fn add(&mut self, path: &Path, wanted: &HashMap<String, Vec<usize>>) -> Result<()> {
        let map = map(path)?;
        // Checks that the tensors cover exactly the bytes that there are: a truncated file ends here.
        let file = SafeTensors::deserialize(&map).map_err(|e| Error::unreadable(path, e))?;
        for (name, view) in file.iter() {
            let Some(shape) = wanted.get(name) else {
                if is_of_no_effect(name) {
                    continue;
                }
                // A bias or a layer that the config knows nothing of: without it the model would be another.
                return Err(Error::corrupt(path, format!("the config knows no tensor `{name}`")));
            };
            if view.shape() != shape {
                let found = view.shape();
                let text = format!("the tensor `{name}` has the shape {found:?}, the config says {shape:?}");
                return Err(Error::corrupt(path, text));
            }
            let dtype = match view.dtype() {
                safetensors::Dtype::F32 => Dtype::F32,
                safetensors::Dtype::BF16 => Dtype::Bf16,
                safetensors::Dtype::F16 => Dtype::F16,
                other => return Err(Error::corrupt(path, format!("the tensor `{name}` is of {other:?}"))),
            };
            let start = view.data().as_ptr() as usize - map.as_ptr() as usize;
            let place = Place {
                file: self.files.len(),
                dtype,
                shape: shape.clone(),
                bytes: start..start + view.data().len(),
            };
            self.tensors.insert(name.to_owned(), place);
        }
        self.files.push(map);
        Ok(())
    }

    /// A matrix by its name; `None` if there is none.
    pub(crate) fn matrix(&self, name: &str) -> Option<Weight<'_>> {
        let place = self.tensors.get(name)?;
        let &[rows, columns] = place.shape.as_slice() else {
            return None;
        };
        Some(Weight::bytes(place.dtype, self.bytes(place)?, rows, columns))
    }

    /// All values of a tensor, as floats.
    pub(crate) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let place = self.tensors.get(name)?;
        let mut values = vec![0.0; place.shape.iter().product()];
        widen(place.dtype, self.bytes(place)?, &mut values);
        Some(values)
    }

    /// FNV-1a over names, shapes and 64 bytes of every tensor, spread evenly.
    pub(crate) fn fingerprint(&self, config: &ModelConfig) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for TensorSpec { name, shape } in config.tensors() {
            take(format!("{name} {shape:?}").as_bytes());
            let bytes = self
                .tensors
                .get(&name)
                .and_then(|place| self.bytes(place))
                .unwrap_or(&[]);
            for index in 0..SAMPLED.min(bytes.len()) {
                take(&bytes[index * bytes.len() / SAMPLED.min(bytes.len())..][..1]);
            }
        }
        hash
    }

    fn bytes(&self, place: &Place) -> Option<&[u8]> {
        self.files.get(place.file)?.get(place.bytes.clone())
    }
}

/// Whether a model computes the same without this tensor: a head that is tied, buffers of old versions.
fn is_of_no_effect(name: &str) -> bool {
    name == HEAD || name.ends_with("rotary_emb.inv_freq")
}

/// The files that hold the weights of a folder.
fn shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let index = folder.join(INDEX_FILE);
    if !index.exists() {
        return Ok(vec![folder.join(WEIGHTS_FILE)]);
    }
    let bytes = read_bounded(&index, MAX_INDEX_BYTES)?;
    let Index { weight_map } = serde_json::from_slice(&bytes).map_err(|e| Error::unreadable(&index, e))?;
    let mut names: Vec<String> = weight_map.into_values().collect();
    names.sort();
    names.dedup();
    if names.len() > MAX_SHARDS {
        return Err(Error::corrupt(
            &index,
            format!("{} files, more than {MAX_SHARDS}", names.len()),
        ));
    }
    let is_plain = |name: &String| Path::new(name).file_name().is_some_and(|file| file == name.as_str());
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        return Err(Error::corrupt(&index, format!("{name:?} is not the name of a file")));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Maps a file for reading. Truncating a mapped file ends this process with a bus error, as in every program that maps
/// files; weights are replaced by renaming.
pub(crate) fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    #[expect(unsafe_code, reason = "a file can only be mapped so")]
    // SAFETY: the map is only read, through this crate, as bytes and numbers of which every pattern is valid.
    let map = unsafe { Mmap::map(&file) };
    map.map_err(|e| Error::io("map", path, e))
}
