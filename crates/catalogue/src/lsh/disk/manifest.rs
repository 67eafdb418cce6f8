//! The manifest: which files are the index. Its renaming is the one moment at which an index changes.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use codelupe_core::{LshParameters, text::display_name};
use serde::{Deserialize, Serialize};

use super::list::ListEntry;
use super::sorted::SortedEntry;
use crate::error::{Error, ErrorKind};
use codelupe_disk::{publish, sync, write_new};

const NAME: &str = "manifest.json";

/// What becomes the manifest.
const NEW_NAME: &str = "manifest.json.new";

/// The version of the files.
const FORMAT: u32 = 2;

/// What the index is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) parameters: LshParameters,
    /// The number of the next document.
    pub(super) next: u32,
    /// The number of the next file.
    pub(super) next_file: u64,
    /// In order of their numbers, which do not overlap.
    pub(super) sorted_files: Vec<SortedEntry>,
    /// The removed documents that are still in sorted files.
    pub(super) removed: Option<ListEntry>,
    pub(super) comparisons: Option<ComparisonsEntry>,
}

/// Comparisons with their threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComparisonsEntry {
    /// The bits of an f64: they, and not their decimals, are equal or not.
    pub(super) threshold: u64,
    pub(super) list: ListEntry,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: u32,
    /// Of the index as compact JSON.
    crc32: u32,
    index: Manifest,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// An empty index.
    pub(super) const fn new(parameters: LshParameters) -> Self {
        Self {
            parameters,
            next: 0,
            next_file: 0,
            sorted_files: Vec::new(),
            removed: None,
            comparisons: None,
        }
    }

    /// The files it names.
    pub(super) fn files(&self) -> HashSet<&str> {
        let lists = self.removed.iter();
        let lists = lists.chain(self.comparisons.iter().map(|comparisons| &comparisons.list));
        let sorted_files = self.sorted_files.iter().map(|sorted| sorted.name.as_str());
        sorted_files.chain(lists.map(|list| list.name.as_str())).collect()
    }

    /// Bytes of the files it names.
    pub(super) fn bytes(&self) -> u64 {
        let lists = self.removed.iter();
        let lists = lists.chain(self.comparisons.iter().map(|comparisons| &comparisons.list));
        self.sorted_files.iter().map(|sorted| sorted.bytes).sum::<u64>() + lists.map(|list| list.bytes).sum::<u64>()
    }

    /// Reads what [`read`] gave.
    pub(super) fn parse(folder: &Path, text: &[u8]) -> Result<Self, Error> {
        let name = display_name(folder.join(NAME).as_os_str().as_encoded_bytes());
        let corrupt = |what: String| Error::new(ErrorKind::LshCorrupt, format!("`{name}` {what}"));
        let format = serde_json::from_slice::<Format>(text).map(|found| found.format);
        if let Ok(format) = format
            && format != FORMAT
        {
            return Err(corrupt(format!(
                "is of version {format}, and this program knows {FORMAT}"
            )));
        }
        let envelope: Envelope =
            serde_json::from_slice(text).map_err(|error| corrupt(format!("is damaged: {error}")))?;
        let whole = envelope.index.to_text()?;
        if whole != text {
            return Err(corrupt("is damaged: it is not what its checksum says".to_owned()));
        }
        Ok(envelope.index)
    }

    fn to_text(&self) -> Result<Vec<u8>, Error> {
        let failed =
            |error| Error::new(ErrorKind::Invalid, "cannot write an LSH index as JSON").with_source(Box::new(error));
        let envelope = Envelope {
            format: FORMAT,
            crc32: crc32fast::hash(&serde_json::to_vec(self).map_err(failed)?),
            index: self.clone(),
        };
        serde_json::to_vec(&envelope).map_err(failed)
    }

    /// Writes it beside the one that counts.
    pub(super) fn prepare(&self, folder: &Path) -> Result<(), Error> {
        write_new(&folder.join(NEW_NAME), &self.to_text()?)?;
        Ok(sync(folder)?)
    }
}

/// Makes the manifest that was prepared the one that counts.
pub(super) fn commit(folder: &Path) -> Result<(), Error> {
    Ok(publish(&folder.join(NEW_NAME), &folder.join(NAME))?)
}

/// The text of the manifest, if there is one.
pub(super) fn read(folder: &Path) -> Result<Option<Vec<u8>>, Error> {
    let path = folder.join(NAME);
    match fs::read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &path, error)),
    }
}

/// Removes the manifest, and with it the index.
pub(super) fn remove(folder: &Path) -> Result<(), Error> {
    let path = folder.join(NAME);
    match fs::remove_file(&path) {
        Ok(()) => Ok(sync(folder)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::own_io("remove", &path, error)),
    }
}

/// Whether a file of that name is the index's own.
pub(super) fn is_ours(name: &str) -> bool {
    let numbered = |kind: &str| {
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == NEW_NAME || ["sorted", "removed", "comparisons"].into_iter().any(numbered)
}
