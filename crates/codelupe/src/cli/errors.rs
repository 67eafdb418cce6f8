//! The commands about errors.

use std::time::Duration;

use clap::{Args, Subcommand};
use codelupe_core::error::Fingerprint;

pub(super) const EXAMPLES: &str = "\
Without a command, it lists. Occurrences of one error are one line, and how often it was met is counted.

Examples:
  codelupe errors --since 24h
  codelupe errors show 3f9a0c1be77d2045
  CODELUPE_ALERT_WEBHOOK=https://hooks.slack.com/services/… codelupe errors test-alert";

#[derive(Debug, Args)]
pub(crate) struct ErrorsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ErrorsCommand>,
    #[command(flatten)]
    pub(crate) list: ListErrorsArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ErrorsCommand {
    /// List errors, the latest first.
    List(ListErrorsArguments),
    /// Show one error: where it was met, what it means, what is done about it.
    Show {
        /// Its fingerprint, as the list shows it.
        fingerprint: Fingerprint,
    },
    /// Forget errors, so that they are new when they are met again.
    Forget(ForgetArguments),
    /// Send a test alert to the webhook, and say whether it arrived.
    TestAlert,
}

#[derive(Debug, Args)]
pub(crate) struct ListErrorsArguments {
    /// Only errors met within the last so long: 90s, 15min, 24h, 7days.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) since: Option<Duration>,
    /// The most errors to list; 20 without it.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
}

impl ListErrorsArguments {
    pub(crate) const fn is_empty(&self) -> bool {
        self.since.is_none() && self.limit.is_none()
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ForgetArguments {
    /// The error's fingerprint.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// All errors.
    #[arg(long)]
    pub(crate) all: bool,
}
