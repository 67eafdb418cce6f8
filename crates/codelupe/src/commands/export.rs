//! `codelupe export`.

use std::path::{Path, PathBuf};

use codelupe_core::error::ErrorCode;
use codelupe_corpus::{DataFolder, Format, Key, Objects, export, export_to_store};
use codelupe_disk::work_name;
use serde_json::json;
use tokio::runtime::Handle;

use crate::app::App;
use crate::cli::{ExportArguments, ExportFormat};
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::settings::open_store;

pub(crate) async fn run(app: &App, arguments: &ExportArguments) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let build = match &arguments.build {
        Some(name) => catalogue.build(name).await?,
        None => catalogue.latest_build().await?,
    };
    let Some(build) = build else {
        let what = arguments
            .build
            .as_ref()
            .map_or("no build yet".to_owned(), |name| format!("no build `{name}`"));
        let failure = Failure::new(ErrorCode::NotFound, format!("there is {what}"));
        return Err(failure.with_hint("`codelupe build` makes a build"));
    };
    let format = match arguments.format {
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::JsonLines => Format::JsonLines,
    };
    let (folder, target) = (app.settings.folder.clone(), arguments.target.clone());
    let (name, runtime) = (build.name.clone(), Handle::current());
    let work = move || write(&folder, &name, &target, format, &runtime);
    let written = tokio::task::spawn_blocking(work).await.map_err(Failure::defect)??;
    let value = json!({ "build": build.name, "folder": arguments.target, "files": written });
    print(app.settings.json, &value, || {
        format!(
            "{} is in {}: {} files",
            build.name,
            arguments.target.display(),
            written.len()
        )
    })
}

/// An export is not put into a store of ours, among what the catalogue links.
fn refuse_store(target: &dyn Objects, own: &str) -> Result<()> {
    let place = target.place("");
    let is_below = place
        .strip_prefix(own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below || target.head(&Key::Identity).is_ok() {
        let text = format!("`{place}` is a store, or in one: an export needs a prefix of its own");
        return Err(Failure::new(ErrorCode::Conflict, text));
    }
    Ok(())
}

/// Writes an export into a folder, or into a bucket when `target` is the address of one.
fn write(folder: &DataFolder, build: &str, target: &Path, format: Format, runtime: &Handle) -> Result<Vec<PathBuf>> {
    let objects = folder.objects();
    let Some(url) = target.to_str().filter(|target| target.contains("://")) else {
        let written = export(objects, build, target, format, |path| {
            tracing::info!(path = %path.display(), "written");
        });
        return Ok(written?);
    };
    let store = open_store(&url.parse()?, runtime)?;
    refuse_store(&*store, &objects.place(""))?;
    let work = folder.tmp().join(work_name("export"));
    let written = export_to_store(objects, build, &*store, &work, format, |name| {
        tracing::info!(path = %store.place(name), "written");
    })?;
    Ok(written.iter().map(|name| store.place(name).into()).collect())
}
