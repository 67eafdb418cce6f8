//! The table `[alerts]` of the config file.

use std::env::{self, VarError};
use std::sync::Arc;

use codelupe_core::error::{ErrorCode, chain_text};
use codelupe_worker::{AlertForm, AlertRules, Alerts};
use serde::Serialize;
use toml::{Table, Value};

use crate::failure::{Context as _, Failure, Result};
use crate::webhook::{Webhook, WebhookUrl};

/// The variable that holds the webhook's address.
pub(crate) const WEBHOOK_VARIABLE: &str = "CODELUPE_ALERT_WEBHOOK";

/// What is told to whom. As it is printed, the webhook is not part of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct AlertSettings {
    #[serde(skip)]
    pub(crate) webhook: Option<WebhookUrl>,
    pub(crate) form: AlertForm,
    #[serde(flatten)]
    pub(crate) rules: AlertRules,
}

impl AlertSettings {
    /// Reads the table; what it leaves out has its default.
    pub(super) fn read(table: Value) -> Result<Self> {
        let invalid = |text: &str| Failure::new(ErrorCode::Validation, text);
        let Value::Table(mut table) = table else {
            return Err(invalid("`alerts` is not a table"));
        };
        let webhook = match table.remove("webhook") {
            None => None,
            // Its error does not repeat it.
            Some(Value::String(text)) => Some(text.parse()?),
            Some(_) => return Err(invalid("`alerts.webhook` is not a text")),
        };
        let form = table.remove("form").map_or(Ok(AlertForm::default()), Value::try_into);
        let rules = Table::try_into(table);
        Ok(Self {
            webhook,
            form: form.with_context(|| invalid("`alerts.form` is not valid"))?,
            rules: rules.with_context(|| invalid("`alerts` is not valid"))?,
        })
    }

    /// With the webhook of the environment; an empty text there means none.
    pub(super) fn with_environment(mut self) -> Result<Self> {
        let invalid = || Failure::new(ErrorCode::Validation, format!("{WEBHOOK_VARIABLE} is not valid"));
        match env::var(WEBHOOK_VARIABLE) {
            Ok(text) if text.is_empty() => self.webhook = None,
            Ok(text) => self.webhook = Some(text.parse().with_context(invalid)?),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => return Err(invalid()),
        }
        Ok(self)
    }

    /// Where alerts go, if anywhere. That none can be sent is no reason not to work.
    pub(crate) fn sink(&self) -> Option<Alerts> {
        let webhook = Webhook::new(self.webhook.clone()?, self.form);
        let sent = webhook.map(|webhook| Alerts {
            rules: self.rules.clone(),
            sink: Arc::new(webhook),
        });
        sent.inspect_err(|error| tracing::warn!("no alerts will be sent: {}", chain_text(error)))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AlertSettings> {
        AlertSettings::read(text.parse::<Table>().unwrap().remove("alerts").unwrap())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let check = |text: &str, webhook: bool, form: AlertForm, change: fn(&mut AlertRules)| {
            let settings = read(text).unwrap();
            let mut rules = AlertRules::default();
            change(&mut rules);
            assert_eq!(
                (settings.webhook.is_some(), settings.form, settings.rules),
                (webhook, form, rules),
                "{text}"
            );
        };
        check("[alerts]", false, AlertForm::Json, |_| ());
        check(
            "[alerts]\nwebhook = 'https://a.example/b'\nform = 'slack'",
            true,
            AlertForm::Slack,
            |_| (),
        );
        check(
            "[alerts]\nrate_per_minute = 0\nnew_fingerprint = false",
            false,
            AlertForm::Json,
            |rules| {
                rules.rate_per_minute = 0;
                rules.new_fingerprint = false;
            },
        );
    }

    #[test]
    fn what_is_not_valid_is_named_and_the_webhook_never_is() {
        let check = |text: &str, word: &str| {
            let error = chain_text(&read(text).unwrap_err());
            assert!(error.contains(word) && !error.contains("hush"), "{text}: {error}");
        };
        check("alerts = 1", "not a table");
        check("[alerts]\nwebhook = ['https://hush']", "not a text");
        check("[alerts]\nwebhook = 'hush'", "not valid");
        check("[alerts]\nform = 'xml'", "form");
        check("[alerts]\nrate_per_hour = 1", "rate_per_hour");
        check("[alerts]\nquiet_seconds = -1", "quiet_seconds");
        check("[alerts]\nwebhook = 'https://hush'\nbreaker_open = 1", "breaker_open");
    }
}
