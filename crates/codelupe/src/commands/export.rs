//! `codelupe export`.

use codelupe_core::error::ErrorCode;
use codelupe_corpus::{Format, export};
use serde_json::json;

use crate::app::App;
use crate::cli::{ExportArguments, ExportFormat};
use crate::failure::{Failure, Result};
use crate::output::print;

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
        return Err(Failure::new(ErrorCode::NotFound, format!("there is {what}")));
    };
    let format = match arguments.format {
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::JsonLines => Format::JsonLines,
    };
    let written = export(
        app.settings.folder.objects(),
        &build.name,
        &arguments.target,
        format,
        |path| tracing::info!(path = %path.display(), "written"),
    )?;
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
