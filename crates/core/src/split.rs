//! Splits of a corpus.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The part of a corpus that a file belongs to. All files of a repository are in the same split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What a model learns from.
    Train,
    /// What decides when to stop and which settings are best.
    Validation,
    /// What a finished model is judged by, and nothing else.
    HeldOut,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::HeldOut];

    /// The stable name in tables, folders and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::HeldOut => "held_out",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
