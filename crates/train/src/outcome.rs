//! What came of a training.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::events::Figures;

/// What came of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TrainingOutcome {
    /// It ended well.
    Finished(Box<Finished>),
    /// There is too little that is new.
    Waiting {
        /// New files.
        new_files: u64,
        /// From so many on a training starts.
        needed: u64,
    },
    /// It was canceled by request.
    Canceled,
}

/// A training that ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The training.
    pub training: String,
    /// The model that it made.
    pub model: String,
    /// Where it is: a folder, or an address.
    pub folder: String,
    /// The report.
    pub report: PathBuf,
    /// Whether it is in use now.
    pub promoted: bool,
    /// New files that are left for the next training.
    pub left: u64,
    /// Losses, speed, memory.
    pub figures: Figures,
}
