//! `codelupe errors`.

use std::time::{Duration, UNIX_EPOCH};

use codelupe_catalogue::ErrorRow;
use codelupe_core::{ErrorCode, error::Action, error::Fingerprint, text::display_bounded};
use codelupe_worker::{Alert, AlertSink};
use comfy_table::Table;
use serde_json::{Value, json};

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
    let catalogue = app.catalogue().await?;
    let errors = catalogue
        .errors(arguments.since, arguments.limit.unwrap_or(LISTED))
        .await?;
    let listed: Vec<Value> = errors.iter().map(value).collect();
    print(app.settings.json, &json!({ "errors": listed }), || {
        match errors.as_slice() {
            [] => "No errors.".to_owned(),
            errors => table(errors).to_string(),
        }
    })
}

fn table(errors: &[ErrorRow]) -> Table {
    let mut table = tables::table(&["fingerprint", "code", "component", "count", "last", "message"], &[3]);
    for error in errors {
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

/// An error with its context as an object.
fn value(error: &ErrorRow) -> Value {
    let mut value = json!(error);
    value["context"] = serde_json::from_str(&error.context).unwrap_or_else(|_| Value::from(error.context.as_str()));
    value
}

async fn show(app: &App, fingerprint: Fingerprint) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let error = catalogue.error(&fingerprint.to_string()).await?;
    let error = error.ok_or_else(|| unknown(fingerprint))?;
    // A newer program may know more codes.
    let code: Option<ErrorCode> = error.code.parse().ok();
    let policy = code.map(handling);
    let mut shown = value(&error);
    shown["describe"] = json!(code.map(ErrorCode::describe));
    shown["policy"] = json!(policy);
    print(app.settings.json, &shown, || {
        let unknown = "not known to this version of the program";
        let meaning = code.map_or(unknown, ErrorCode::describe);
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
            format!("  policy     {}", policy.as_deref().unwrap_or(unknown)),
        ]
        .join("\n")
    })
}

/// A time in milliseconds since the Unix epoch, by RFC 3339.
fn time(at: i64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(at).unwrap_or_default()));
    // A year of five digits is none that the format can write.
    let year_10_000 = UNIX_EPOCH + Duration::from_hours(70_389_528);
    match at.filter(|at| *at < year_10_000) {
        Some(at) => humantime::format_rfc3339_seconds(at).to_string(),
        None => "at a time that is none".to_owned(),
    }
}

/// What is done with the work that met the error.
fn handling(code: ErrorCode) -> String {
    let policy = code.policy();
    let (attempts, first, longest) = (policy.attempts, policy.first_delay, policy.max_delay);
    let tries = format!("up to {attempts} attempts, {first:?} to {longest:?} apart, each a random part longer");
    let breaker = if code.counts_for_breaker() {
        "; it counts for the circuit breaker"
    } else {
        ""
    };
    let what = match policy.action {
        Action::Backoff => format!("tried again: {tries}"),
        Action::WaitAsTold => format!("tried again when the server allows it: {tries}"),
        Action::HalveBatch => format!("tried again at once with half of the batch, up to {attempts} attempts"),
        Action::RecordAndSkip => "recorded; the work goes on without what met it".to_owned(),
        Action::DeadLetter => {
            "not tried again; a job that ends by it is dead until somebody looks: `codelupe jobs list --state dead`"
                .to_owned()
        }
        Action::StopRun => "the run stops, and goes on from there when what was in the way is gone".to_owned(),
    };
    what + breaker
}

fn unknown(fingerprint: Fingerprint) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("there is no error {fingerprint}"))
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
