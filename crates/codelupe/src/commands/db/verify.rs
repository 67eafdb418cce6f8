//! `codelupe db verify`.

use codelupe_catalogue::{Catalogue, Schema};
use codelupe_core::ErrorCode;
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::output::print;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> Result<()> {
    let mut schema = Schema::connect_read_only(&settings.catalogue).await?;
    let mut findings = schema.verify().await?;
    schema.close().await;
    if findings.is_empty() {
        findings = contents(settings).await?;
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
        wrong => Err(Failure::new(
            ErrorCode::CorruptStore,
            format!("{wrong} things are not in order"),
        )),
    }
}

/// What is wrong between the rows, and with the files that they name.
async fn contents(settings: &Settings) -> Result<Vec<String>> {
    let catalogue = Catalogue::open_read_only(&settings.catalogue).await?;
    let mut findings = Vec::new();
    for name in catalogue.segments().await?.into_values() {
        if !settings.folder.segment(&name).is_file() {
            findings.push(format!("segment {name} is not in the data folder"));
        }
    }
    if !catalogue.stats().await?.funnel.adds_up() {
        findings.push("the funnel does not add up".to_owned());
    }
    findings.sort();
    Ok(findings)
}
