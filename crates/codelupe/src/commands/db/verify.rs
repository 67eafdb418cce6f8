//! `codelupe db verify`.

use std::sync::Arc;

use codelupe_catalogue::Schema;
use codelupe_core::error::ErrorCode;
use serde_json::json;

use crate::app::App;
use crate::failure::{BEGIN_ANEW, Failure, Result};
use crate::output::print;

pub(super) async fn run(app: &App) -> Result<()> {
    let settings = &app.settings;
    let mut schema = Schema::connect_read_only(&settings.catalogue).await?;
    let mut findings = schema.verify().await?;
    schema.close().await;
    if findings.is_empty() {
        findings = contents(app).await?;
    }
    let value = json!({ "catalogue": settings.catalogue.to_string(), "findings": findings });
    print(settings.json, &value, || match findings.as_slice() {
        [] => format!(
            "{}: schema, database, segments and funnel are in order",
            settings.catalogue
        ),
        findings => findings.join("\n"),
    })?;
    match findings.len() {
        0 => Ok(()),
        wrong => {
            let failure = Failure::new(ErrorCode::CorruptStore, format!("{wrong} things are not in order"));
            Err(failure.with_hint(BEGIN_ANEW))
        }
    }
}

/// What is wrong between the rows, and with the files that they name.
async fn contents(app: &App) -> Result<Vec<String>> {
    let catalogue = app.catalogue().await?;
    let mut findings = Vec::new();
    let objects = Arc::clone(app.settings.folder.objects());
    let listed = tokio::task::spawn_blocking(move || codelupe_corpus::list_segments(&*objects));
    let there = listed.await.map_err(Failure::defect)??;
    for name in catalogue.segments().await?.into_values() {
        if !there.contains_key(&name) {
            findings.push(format!("segment {name} is not in the data folder"));
        }
    }
    if !catalogue.stats().await?.funnel.adds_up() {
        findings.push("the funnel does not add up".to_owned());
    }
    findings.sort();
    Ok(findings)
}
