//! The store, where it is not the data folder. What its provider knows us by comes from the environment
//! alone, goes to the client of the store, and is kept nowhere else.

use std::path::Path;
use std::sync::Arc;

use codelupe_corpus::{DEFAULT_CACHE_BYTES, DataFolder, Objects, StoreUrl};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::failure::Result;

/// What a store in a bucket is worth beside a catalogue in a file.
pub(crate) const ONE_MACHINE: &str = "the catalogue is a SQLite file, so the store belongs to this machine alone; with \
                                      `--db postgres://…` others share it";

/// The table `[store]` of the config file. Where the store is, an option and a variable say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSettings {
    /// Bytes of models and search indexes of a bucket that are kept in the data folder.
    pub(crate) cache_bytes: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            cache_bytes: DEFAULT_CACHE_BYTES,
        }
    }
}

/// A data folder whose store lies elsewhere.
pub(super) fn folder(data: &Path, url: &StoreUrl, settings: &StoreSettings, runtime: &Handle) -> Result<DataFolder> {
    let objects = open(url, runtime)?;
    Ok(DataFolder::with_store(data, objects, settings.cache_bytes))
}

/// Opens a store by the variables of its provider.
#[cfg(feature = "object-store")]
pub(crate) fn open(url: &StoreUrl, runtime: &Handle) -> Result<Arc<dyn Objects>> {
    let begin = url.provider().variables();
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let variables = variables.filter(|(name, _)| name.starts_with(begin));
    Ok(codelupe_corpus::open_store(url, variables, runtime.clone())?)
}

/// Refuses every store.
#[cfg(not(feature = "object-store"))]
pub(crate) fn open(url: &StoreUrl, _runtime: &Handle) -> Result<Arc<dyn Objects>> {
    let context = format!("this program was built without the feature `object-store`, which `{url}` needs");
    Err(crate::failure::Failure::new(
        codelupe_core::error::ErrorCode::Validation,
        context,
    ))
}
