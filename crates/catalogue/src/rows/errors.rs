//! Errors that were met, folded by fingerprint.

use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::error::ErrorOccurrence;
use serde::Serialize;
use sqlx::FromRow;

use crate::error::Error;

/// An error that was met, once or often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct ErrorRow {
    /// Sixteen hexadecimal digits over code, component and the message without its changing parts.
    pub fingerprint: String,
    /// The stable code.
    pub code: String,
    /// Who can act on it.
    pub class: String,
    /// What failed.
    pub category: String,
    /// The part of the program that met it.
    pub component: String,
    /// The latest message, with its chain.
    pub message: String,
    /// Where it was met the latest time, as JSON.
    pub context: String,
    /// When it was first met, milliseconds since the Unix epoch.
    pub first_seen: i64,
    /// When it was last met.
    pub last_seen: i64,
    /// How often it was met.
    pub count: i64,
}

/// The errors of the catalogue.
#[async_trait]
pub trait Errors {
    /// Adds occurrences, each with how often it was met. Returns the fingerprints that were not known before.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; nothing is added then.
    async fn record_errors(&self, occurrences: &[(ErrorOccurrence, u64)]) -> Result<Vec<String>, Error>;

    /// The errors met within the last `age`, the latest first.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn errors(&self, age: Option<Duration>, limit: u32) -> Result<Vec<ErrorRow>, Error>;

    /// The error with this fingerprint.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn error(&self, fingerprint: &str) -> Result<Option<ErrorRow>, Error>;

    /// Forgets an error by its fingerprint, or all of them; returns how many.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn forget_errors(&self, fingerprint: Option<&str>) -> Result<u64, Error>;
}

/// Occurrences per addition, capped so that billions of additions do not overflow.
pub(crate) fn storable_count(count: u64) -> i64 {
    i64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
