//! `codelupe errors`.

use std::time::{Duration, UNIX_EPOCH};

use codelupe_core::text::display_bounded;

use codelupe_core::error::{ErrorCode, Fingerprint};
use codelupe_inspect::{self as inspect, MetError, ShownError};
use codelupe_worker::{Alert, AlertSink};
use comfy_table::Table;
use serde_json::json;

use super::jobs::age;
use crate::app::App;
use crate::cli::{ErrorsArguments, ErrorsCommand, ForgetArguments, ListErrorsArguments};
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::report::tables;
use crate::settings::WEBHOOK_VARIABLE;
use crate::webhook::Webhook;

/// How many errors are listed unless told otherwise.
const LISTED: u32 = 20;

/// Bytes of a message in the list.
const BRIEF_MESSAGE: usize = 60;

pub(crate) async fn run(app: &App, arguments: &ErrorsArguments) -> Result<()> {
    if arguments.command.is_some() && !arguments.list.is_empty() {
        let text = "--since and --limit belong to the list: `codelupe errors list --since 24h`";
        return Err(Failure::new(ErrorCode::Validation, text));
    }
    match &arguments.command {
        None => list(app, &arguments.list).await,
        Some(ErrorsCommand::List(arguments)) => list(app, arguments).await,
        Some(ErrorsCommand::Show { fingerprint }) => show(app, *fingerprint).await,
        Some(ErrorsCommand::Forget(arguments)) => forget(app, arguments).await,
        Some(ErrorsCommand::TestAlert) => test_alert(app).await,
    }
}

async fn list(app: &App, arguments: &ListErrorsArguments) -> Result<()> {
    let limit = arguments.limit.unwrap_or(LISTED);
    let list = inspect::errors(app.catalogue().await?, arguments.since, limit).await?;
    print(app.settings.json, &json!(list), || match list.errors.as_slice() {
        [] => "No errors.".to_owned(),
        errors => table(errors).to_string(),
    })
}

fn table(errors: &[MetError]) -> Table {
    let mut table = tables::table(&["fingerprint", "code", "component", "count", "last", "message"], &[3]);
    for MetError(error) in errors {
        table.add_row([
            error.fingerprint.clone(),
            error.code.clone(),
            error.component.clone(),
            error.count.to_string(),
            age(error.last_seen),
            display_bounded(error.message.as_bytes(), BRIEF_MESSAGE),
        ]);
    }
    table
}

async fn show(app: &App, fingerprint: Fingerprint) -> Result<()> {
    let shown = inspect::error(app.catalogue().await?, fingerprint).await?;
    let shown = shown.ok_or_else(|| unknown(fingerprint))?;
    print(app.settings.json, &json!(shown), || text(&shown))
}

fn text(shown: &ShownError) -> String {
    let MetError(error) = &shown.error;
    let unknown = "not known to this version of the program";
    let meaning = shown.describe.unwrap_or(unknown);
    [
        format!("{}  {}", error.fingerprint, error.message),
        format!("  code       {}: {meaning}", error.code),
        format!("  class      {}", error.class),
        format!("  category   {}", error.category),
        format!("  component  {}", error.component),
        format!("  context    {}", error.context),
        format!(
            "  count      {}, first {}, last {}",
            error.count,
            time(error.first_seen),
            time(error.last_seen)
        ),
        format!("  policy     {}", shown.policy.as_deref().unwrap_or(unknown)),
    ]
    .join("\n")
}

/// A time in milliseconds since the Unix epoch, by RFC 3339.
fn time(at: i64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(at).unwrap_or_default()));
    // A year of five digits is none that the format can write.
    let year_10_000 = UNIX_EPOCH + Duration::from_hours(70_389_528);
    match at.filter(|at| *at < year_10_000) {
        Some(at) => humantime::format_rfc3339_seconds(at).to_string(),
        None => "at an unknown time".to_owned(),
    }
}

fn unknown(fingerprint: Fingerprint) -> Failure {
    let failure = Failure::new(ErrorCode::NotFound, format!("there is no error {fingerprint}"));
    failure.with_hint("`codelupe errors` lists them")
}

async fn forget(app: &App, arguments: &ForgetArguments) -> Result<()> {
    let catalogue = app.writable_catalogue().await?;
    let wanted = arguments.fingerprint.map(|fingerprint| fingerprint.to_string());
    let forgotten = catalogue.forget_errors(wanted.as_deref()).await?;
    if let (Some(fingerprint), 0) = (arguments.fingerprint, forgotten) {
        return Err(unknown(fingerprint));
    }
    print(app.settings.json, &json!({ "forgotten": forgotten }), || {
        format!("{forgotten} errors forgotten")
    })
}

async fn test_alert(app: &App) -> Result<()> {
    let Some(url) = app.settings.alerts.webhook.clone() else {
        let text = format!("no webhook is set: `webhook` in [alerts] of the config file, or {WEBHOOK_VARIABLE}");
        return Err(Failure::new(ErrorCode::Validation, text));
    };
    let form = app.settings.alerts.form;
    let sent = match Webhook::new(url, form) {
        Ok(webhook) => webhook.send(&Alert::test()).await,
        Err(error) => Err(error),
    };
    sent.doing("the test alert did not arrive")?;
    print(app.settings.json, &json!({ "arrived": true, "form": form }), || {
        "the test alert has arrived".to_owned()
    })
}
