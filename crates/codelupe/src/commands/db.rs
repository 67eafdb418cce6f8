//! `codelupe db`.

mod new;
mod rollback;
mod seed;
mod verify;

use codelupe_catalogue::{CatalogueUrl, MigrationState, MigrationStatus, Schema};
use serde_json::json;

use crate::app::App;
use crate::cli::{DbCommand, MigrateArguments};
use crate::failure::Result;
use crate::output::print;
use crate::settings::Settings;

pub(crate) async fn run(app: &App, command: &DbCommand) -> Result<()> {
    let settings = &app.settings;
    match command {
        DbCommand::Migrate(arguments) => migrate(settings, arguments).await,
        DbCommand::Rollback(arguments) => rollback::run(settings, arguments).await,
        DbCommand::Status => status(settings).await,
        DbCommand::New(arguments) => new::run(settings, arguments),
        DbCommand::Seed => seed::run(app).await,
        DbCommand::Verify => verify::run(app).await,
    }
}

async fn migrate(settings: &Settings, arguments: &MigrateArguments) -> Result<()> {
    // The folder of the embedded catalogue may not be there yet.
    let _lock = match &settings.catalogue {
        CatalogueUrl::Sqlite(path) if *path == settings.folder.catalogue() => Some(settings.folder.lock()?),
        _ => None,
    };
    let mut schema = Schema::connect(&settings.catalogue).await?;
    let applied = schema.migrate(arguments.to).await?;
    schema.close().await;
    print(settings.json, &json!({ "applied": applied }), || {
        match applied.as_slice() {
            [] => format!("{}: nothing to do", settings.catalogue),
            applied => format!("{}: applied\n{}", settings.catalogue, lines(applied)),
        }
    })
}

async fn status(settings: &Settings) -> Result<()> {
    let mut schema = Schema::connect_read_only(&settings.catalogue).await?;
    let status = schema.status().await?;
    schema.close().await;
    let pending = status
        .iter()
        .filter(|status| status.state == MigrationState::Pending)
        .count();
    let value = json!({ "catalogue": settings.catalogue.to_string(), "migrations": status });
    print(settings.json, &value, || {
        let next = if pending > 0 { "\nNext: codelupe db migrate" } else { "" };
        format!("{}\n{}{next}", settings.catalogue, lines(&status))
    })
}

fn lines(status: &[MigrationStatus]) -> String {
    let line = |status: &MigrationStatus| format!("  {:04} {:<24} {}", status.version, status.name, status.state);
    status.iter().map(line).collect::<Vec<_>>().join("\n")
}
