//! The state of a training in one file: trained values, moments and progress.

use std::collections::HashMap;
use std::path::Path;

use codelupe_core::text::display_path;
use codelupe_disk::replace_file;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::persist::{FloatTensor, write_tensors};
use crate::tensor::widen;
use crate::weights::map;

/// The version of the file, in its header. Another one is refused.
const FORMAT: &str = "codelupe-training-state-1";

/// The prefixes of the three tensors of each trained one.
const PARTS: [&str; 3] = ["value.", "first_moment.", "second_moment."];

/// How far a training is, and what it trains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) steps: u64,
    pub(crate) seed: u64,
    /// Of the base and the adapter's scale.
    pub(crate) fingerprint: String,
}

/// Writes the file, whole or not at all.
pub(crate) fn save(path: &Path, layout: &Layout, parts: [&Vec<f32>; 3], progress: Progress) -> Result<()> {
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("steps".to_owned(), progress.steps.to_string()),
        ("seed".to_owned(), progress.seed.to_string()),
        ("fingerprint".to_owned(), progress.fingerprint),
    ]);
    replace_file(path, |path| {
        let tensors = PARTS.into_iter().zip(parts).flat_map(|(prefix, values)| {
            layout.tensors().iter().map(move |slot| {
                let (shape, values) = (slot.shape.as_slice(), &values[slot.range.clone()]);
                (format!("{prefix}{}", slot.name), FloatTensor { shape, values })
            })
        });
        write_tensors(path, tensors, metadata)
    })
}

/// Reads the file.
pub(crate) fn load(path: &Path, layout: &Layout, fingerprint: String) -> Result<([Vec<f32>; 3], Progress)> {
    let map = map(path)?;
    let (_, header) = SafeTensors::read_metadata(&map).map_err(|e| Error::unreadable(path, e))?;
    let file = SafeTensors::deserialize(&map).map_err(|e| Error::unreadable(path, e))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry = |key: &str| metadata.get(key).map_or("", String::as_str);
    if entry("format") != FORMAT {
        let found = entry("format");
        return Err(Error::corrupt(
            path,
            format!("a state of the format {found:?}, not {FORMAT:?}"),
        ));
    }
    if entry("fingerprint") != fingerprint {
        return Err(mismatch(path, "it is of another base or of other settings"));
    }
    let number = |key: &str| {
        entry(key)
            .parse()
            .map_err(|e: std::num::ParseIntError| Error::unreadable(path, e))
    };
    let progress = Progress {
        steps: number("steps")?,
        seed: number("seed")?,
        fingerprint,
    };
    let mut parts = PARTS.map(|_| vec![0.0; layout.len()]);
    for (prefix, values) in PARTS.into_iter().zip(&mut parts) {
        for slot in layout.tensors() {
            let name = format!("{prefix}{}", slot.name);
            let view = file
                .tensor(&name)
                .map_err(|_| mismatch(path, &format!("it lacks `{name}`")))?;
            if view.shape() != slot.shape || view.dtype() != Dtype::F32 {
                return Err(mismatch(path, &format!("`{name}` has another shape")));
            }
            widen(crate::tensor::Dtype::F32, view.data(), &mut values[slot.range.clone()]);
        }
    }
    Ok((parts, progress))
}

fn mismatch(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Mismatch,
        format!("`{}` is not the state of this training: {why}", display_path(path)),
    )
}
