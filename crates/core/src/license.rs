//! Licenses: SPDX expressions and the class that policy decides on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An SPDX license expression such as `MIT OR Apache-2.0` (SPDX specification 2.3, annex D).
///
/// Whether it is valid is for the license detector to say; this type only carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpdxExpression(String);

impl SpdxExpression {
    /// Wraps an expression that a detector or a manifest stated.
    pub fn new(expression: impl Into<String>) -> Self {
        Self(expression.into())
    }

    /// The text of the expression.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpdxExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a license lets a corpus do, from most to least free; the order is the rank in survivor election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseClass {
    /// Every choice the expression offers includes one that is permissive or public domain.
    Permissive,
    /// File- or library-level copyleft, such as MPL-2.0 or LGPL.
    WeakCopyleft,
    /// Strong or network copyleft, such as GPL or AGPL.
    Copyleft,
    /// A license was found and is none of the above (non-commercial, proprietary, unknown text).
    Other,
    /// No license was found.
    None,
}

impl LicenseClass {
    /// All classes, in rank order.
    pub const ALL: [Self; 5] = [
        Self::Permissive,
        Self::WeakCopyleft,
        Self::Copyleft,
        Self::Other,
        Self::None,
    ];

    /// The stable name in tables, metrics and config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permissive => "permissive",
            Self::WeakCopyleft => "weak_copyleft",
            Self::Copyleft => "copyleft",
            Self::Other => "other",
            Self::None => "none",
        }
    }
}

impl fmt::Display for LicenseClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no license class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a license class: expected permissive, weak_copyleft, copyleft, other or none")]
pub struct ParseLicenseClassError(String);

impl FromStr for LicenseClass {
    type Err = ParseLicenseClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| ParseLicenseClassError(text.to_owned()))
    }
}
