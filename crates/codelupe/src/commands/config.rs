//! `codelupe config`.

use codelupe_core::error::ErrorCode;
use codelupe_train::TrainConfig;
use serde::Serialize;
use serde_json::json;

use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::settings::{AlertSettings, Settings, StoreSettings, WEBHOOK_VARIABLE};

/// The table of training.
#[derive(Serialize)]
struct Train<'a> {
    train: &'a TrainConfig,
}

/// The table of the store.
#[derive(Serialize)]
struct Store<'a> {
    store: &'a StoreSettings,
}

/// The table of the file; it takes the comment on the webhook, which is a secret and not printed.
#[derive(Serialize)]
struct Alerts<'a> {
    alerts: &'a AlertSettings,
}

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let alerts = Alerts {
        alerts: &settings.alerts,
    };
    let mut value = json!(settings.config);
    value["train"] = json!(settings.train);
    value["store"] = json!(settings.store);
    value["alerts"] = json!(settings.alerts);
    value["alerts"]["webhook"] = json!(settings.alerts.webhook.as_ref().map(|_| "(set)"));
    let cannot = || Failure::new(ErrorCode::Internal, "the settings cannot be written as TOML");
    let config = toml::to_string_pretty(&settings.config).with_context(cannot)?;
    let train = toml::to_string_pretty(&Train { train: &settings.train }).with_context(cannot)?;
    let store = toml::to_string_pretty(&Store { store: &settings.store }).with_context(cannot)?;
    let alerts = toml::to_string_pretty(&alerts).with_context(cannot)?;
    let note = match settings.alerts.webhook {
        Some(_) => "# webhook is set; it is a secret, and not shown".to_owned(),
        None => format!("# webhook = \"https://…\" says where to; {WEBHOOK_VARIABLE} keeps it out of files"),
    };
    let alerts = alerts.replacen("[alerts]", &format!("[alerts]\n{note}"), 1);
    print(settings.json, &value, || {
        format!("{config}\n{train}\n{store}\n{}", alerts.trim_end())
    })
}
