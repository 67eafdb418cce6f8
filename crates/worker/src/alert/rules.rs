//! When an alert is raised.

use serde::{Deserialize, Serialize};

/// When an alert is raised; every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertRules {
    /// Whether an error that is new to the catalogue raises an alert. Default true.
    pub new_fingerprint: bool,
    /// How often an error must occur within a minute to raise an alert; 0 turns it off. Default 60: one a second is no accident.
    pub rate_per_minute: u64,
    /// Whether the opening of the circuit breaker around the catalogue raises an alert. Default true.
    pub breaker_open: bool,
    /// Seconds within which the same alert, that is the same rule and fingerprint, is not raised again. Default 300.
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
