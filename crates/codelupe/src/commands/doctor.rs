//! `codelupe doctor`: what is configured, and whether it works.

use codelupe_catalogue::CatalogueUrl;
use codelupe_core::error::ErrorCode;
use codelupe_inspect::{Check, check_catalogue, check_folder, check_store};

use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::settings::{ONE_MACHINE, Settings};

pub(crate) async fn run(app: &App) -> Result<()> {
    let settings = &app.settings;
    let mut checks = vec![
        Check::of("config", Ok::<_, Failure>(config(settings))),
        check_folder(&settings.folder),
    ];
    if !settings.folder.is_own_store() {
        let identity = match app.catalogue().await {
            Ok(catalogue) => catalogue.identity().await.ok(),
            Err(_) => None,
        };
        checks.push(check_store(&settings.folder, identity, remark(settings)).await);
    }
    match app.catalogue().await {
        Ok(catalogue) => checks.extend(check_catalogue(catalogue, &settings.catalogue, &settings.folder).await),
        Err(error) if error.code() == ErrorCode::NotFound => {
            let none = format!("none yet in {}", settings.catalogue);
            checks.push(Check::of("catalogue", Ok::<_, Failure>(none)));
        }
        Err(error) => checks.push(Check::of("catalogue", Err(error))),
    }
    checks.push(Check::of("search index", search(app).await));
    print(settings.json, &checks, || {
        let lines = checks.iter().map(|check| {
            format!(
                "{} {:<13} {}",
                if check.ok { "ok  " } else { "FAIL" },
                check.what,
                check.says
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    })?;
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.what)
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        let text = format!("not in order: {}", failed.join(", "));
        Err(Failure::new(ErrorCode::Internal, text))
    }
}

fn config(settings: &Settings) -> String {
    match &settings.config_file {
        Some(path) => format!("{}, recipe {}", path.display(), settings.config.recipe()),
        None => format!("defaults, recipe {}", settings.config.recipe()),
    }
}

/// Why a store is of this machine alone, if it is.
fn remark(settings: &Settings) -> Option<&'static str> {
    match settings.catalogue {
        CatalogueUrl::Sqlite(_) => Some(ONE_MACHINE),
        CatalogueUrl::Postgres(_) => None,
    }
}

async fn search(app: &App) -> Result<String> {
    let place = match app.search_place().await {
        Ok(Some(place)) => place,
        Ok(None) => return Ok("none yet".to_owned()),
        Err(error) if error.code() == ErrorCode::NotFound => return Ok("none yet".to_owned()),
        Err(error) => return Err(error),
    };
    app.search().await?;
    Ok(format!("Tantivy in {place}"))
}
