//! The store of segments and builds, where it is not the data folder. What its provider knows us by comes from the environment
//! alone, goes to the client of the store, and is kept nowhere else.

use std::path::Path;

use codelupe_corpus::{DataFolder, StoreUrl};
use tokio::runtime::Handle;

use crate::failure::Result;

/// What a store in a bucket is worth beside a catalogue in a file.
pub(crate) const ONE_MACHINE: &str = "the catalogue is a SQLite file, so the store belongs to this machine alone; with \
                                      `--db postgres://…` others share it";

/// A data folder whose segments and builds lie in a store.
#[cfg(feature = "object-store")]
pub(super) fn folder(data: &Path, url: &StoreUrl, runtime: &Handle) -> Result<DataFolder> {
    let begin = url.provider().variables();
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let variables = variables.filter(|(name, _)| name.starts_with(begin));
    let objects = codelupe_corpus::open_store(url, variables, runtime.clone())?;
    Ok(DataFolder::with_store(data, objects))
}

#[cfg(not(feature = "object-store"))]
pub(super) fn folder(_data: &Path, url: &StoreUrl, _runtime: &Handle) -> Result<DataFolder> {
    let context = format!("this program was built without the feature `object-store`, which `{url}` needs");
    Err(crate::failure::Failure::new(
        codelupe_core::error::ErrorCode::Validation,
        context,
    ))
}
