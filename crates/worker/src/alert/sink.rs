//! Where alerts go.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::error::{Coded, ErrorCode};

use super::{Alert, AlertRules};

/// Delivers alerts.
#[async_trait]
pub trait AlertSink: Debug + Send + Sync {
    /// Sends one alert. It may be called again for the same alert, when the error's policy says so.
    ///
    /// # Errors
    /// When the alert did not arrive. Neither its text nor its source may hold a secret, such as the address of a webhook:
    /// they are logged.
    async fn send(&self, alert: &Alert) -> Result<(), SendError>;
}

/// Which alerts are raised and where they go.
#[derive(Debug, Clone)]
pub struct Alerts {
    /// When an alert is raised.
    pub rules: AlertRules,
    /// Where it goes.
    pub sink: Arc<dyn AlertSink>,
}

/// An alert did not arrive.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct SendError {
    code: ErrorCode,
    context: String,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl SendError {
    /// An error of a code, whose policy says whether the alert is sent again.
    pub fn new(code: ErrorCode, context: impl Into<String>) -> Self {
        Self {
            code,
            context: context.into(),
            retry_after: None,
            source: None,
        }
    }

    /// With its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// With the time that the receiver asked to wait.
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// How long to wait after failed attempt number `attempt`, the first being 1; `None` when it was the last one.
    pub(super) fn delay_after(&self, attempt: u32, seed: u64) -> Option<Duration> {
        self.code.policy().delay_after(attempt, self.retry_after, seed)
    }
}

impl Coded for SendError {
    fn code(&self) -> ErrorCode {
        self.code
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
