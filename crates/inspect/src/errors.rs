//! The errors that were met: which, and what is done about each.

use std::time::Duration;

use codelupe_catalogue::{Catalogue, ErrorRow};
use codelupe_core::error::{Action, ErrorCode, Fingerprint};
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::json::{parsed_or_text, serialize_changed};

/// Errors that were met.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorList {
    /// The latest first.
    pub errors: Vec<MetError>,
}

/// An error that was met; its context is serialized as the object that it is.
#[derive(Debug, Clone)]
pub struct MetError(pub ErrorRow);

impl Serialize for MetError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_changed(&self.0, serializer, |fields| {
            fields.insert("context".to_owned(), parsed_or_text(&self.0.context));
        })
    }
}

/// An error with what its code means. A newer program may know more codes: then there is no meaning.
#[derive(Debug, Clone, Serialize)]
pub struct ShownError {
    /// The error.
    #[serde(flatten)]
    pub error: MetError,
    /// What its code says.
    pub describe: Option<&'static str>,
    /// What is done with the work that meets it.
    pub policy: Option<String>,
}

/// The errors that were met within the last `age`, at most `limit`.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn errors(catalogue: &Catalogue, age: Option<Duration>, limit: u32) -> Result<ErrorList, Error> {
    let errors = catalogue.errors(age, limit).await?;
    Ok(ErrorList {
        errors: errors.into_iter().map(MetError).collect(),
    })
}

/// An error by its fingerprint; none when it was not met.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn error(catalogue: &Catalogue, fingerprint: Fingerprint) -> Result<Option<ShownError>, Error> {
    let Some(row) = catalogue.error(&fingerprint.to_string()).await? else {
        return Ok(None);
    };
    let code: Option<ErrorCode> = row.code.parse().ok();
    Ok(Some(ShownError {
        error: MetError(row),
        describe: code.map(ErrorCode::describe),
        policy: code.map(handling),
    }))
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
