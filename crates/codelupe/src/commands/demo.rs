//! `codelupe demo`: the whole way on real code that is on this machine already.

use std::path::{Path, PathBuf};

use codelupe_core::ErrorCode;
use codelupe_forge::Source;

use super::run::{first, whole_way};
use crate::cli::{DemoArguments, QueueArguments};
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, arguments: &DemoArguments) -> anyhow::Result<()> {
    let source = source()?;
    tracing::info!(%source, "demo: real code of this machine");
    let limit = arguments.limit;
    let queue = QueueArguments {
        enqueue: false,
        priority: 0,
    };
    whole_way(settings, queue, move |context| first(context, source, limit)).await
}

/// The crate sources that cargo unpacked, each crate a repository; else the folder we stand in.
fn source() -> anyhow::Result<Source> {
    if let Some(crates) = crate_sources() {
        return Ok(Source::Repositories(crates));
    }
    let here = std::env::current_dir()?;
    if here.join("Cargo.toml").is_file() || here.join(".git").exists() {
        return Ok(Source::Repository(here));
    }
    let text = "cargo's home holds no crate sources, and this folder is no checkout; try `codelupe run FOLDER`";
    Err(Failure::new(ErrorCode::NotFound, text).into())
}

/// The folder below `registry/src` in cargo's home that holds the most crates.
fn crate_sources() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let registries = folders(&home.join("registry").join("src"));
    let counted = registries
        .into_iter()
        .map(|registry| (folders(&registry).len(), registry));
    counted
        .filter(|(crates, _)| *crates > 0)
        .max()
        .map(|(_, registry)| registry)
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
