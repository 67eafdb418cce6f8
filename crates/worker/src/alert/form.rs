//! The forms in which an alert is written.

use serde::{Deserialize, Serialize};

use super::{Alert, json, slack};

/// The form of an alert on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertForm {
    /// One JSON object with every field, of version 1; see `docs/errors.md`.
    #[default]
    Json,
    /// A message for an incoming webhook of Slack.
    Slack,
}

impl AlertForm {
    /// The alert as JSON text, at most some 16 KB.
    pub fn body(self, alert: &Alert) -> String {
        match self {
            Self::Json => json::body(alert),
            Self::Slack => slack::body(alert),
        }
    }
}
