//! When an alert is raised.

use serde::{Deserialize, Serialize};

/// When an alert is raised; every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertRules {
    /// An error that the catalogue has not known is told. Default true.
    pub new_fingerprint: bool,
    /// An error that is met so often within a minute is told; 0 turns it off. Default 60: one a second is no accident.
    pub rate_per_minute: u64,
    /// That the circuit breaker around the catalogue opened is told. Default true.
    pub breaker_open: bool,
    /// The same alert, that is the same rule and fingerprint, is not raised again within so many seconds. Default 300.
    pub quiet_seconds: u64,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            new_fingerprint: true,
            rate_per_minute: 60,
            breaker_open: true,
            quiet_seconds: 300,
        }
    }
}
