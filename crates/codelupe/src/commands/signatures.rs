//! `codelupe signatures`.

use codelupe_dedup::datasketch::Scheme;
use codelupe_pipeline::signatures::{self, ExportScheme};
use serde_json::json;
use tokio::runtime::Handle;

use crate::app::App;
use crate::cli::{ExportSignaturesArguments, ImportSignaturesArguments, SignatureScheme, SignaturesCommand};
use crate::failure::{Failure, Result};
use crate::output::print;

pub(crate) async fn run(app: &App, command: &SignaturesCommand) -> Result<()> {
    match command {
        SignaturesCommand::Export(arguments) => export(app, arguments).await,
        SignaturesCommand::Import(arguments) => import(app, arguments).await,
    }
}

async fn export(app: &App, arguments: &ExportSignaturesArguments) -> Result<()> {
    let scheme = match arguments.scheme {
        SignatureScheme::Codelupe => ExportScheme::Codelupe,
        SignatureScheme::DatasketchLegacy => ExportScheme::Datasketch(Scheme::Legacy, arguments.num_perm),
        SignatureScheme::DatasketchAffine32 => ExportScheme::Datasketch(Scheme::Affine32, arguments.num_perm),
    };
    let catalogue = app.catalogue().await?.clone();
    let (config, folder, target) = (
        app.settings.config.clone(),
        app.settings.folder.clone(),
        arguments.target.clone(),
    );
    let runtime = Handle::current();
    let work = move || signatures::export(&config, &folder, &catalogue, &runtime, scheme, &target);
    let written = tokio::task::spawn_blocking(work).await.map_err(Failure::defect)??;
    print(
        app.settings.json,
        &json!({ "file": arguments.target, "signatures": written }),
        || format!("{written} signatures are in {}", arguments.target.display()),
    )
}

async fn import(app: &App, arguments: &ImportSignaturesArguments) -> Result<()> {
    let (config, source) = (app.settings.config.clone(), arguments.source.clone());
    let imported = app
        .work(app.settings.workplace(), move |worker, pipeline| {
            signatures::import(&pipeline.context(worker.context(), &config)?, &source)
        })
        .await?;
    print(app.settings.json, &imported, || {
        format!(
            "{} signatures read: {} new in the index, {} known, {} of contents that are not in the corpus. Next: codelupe dedup",
            imported.read, imported.inserted, imported.known, imported.unknown
        )
    })
}
