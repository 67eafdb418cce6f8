//! Artifacts: folders of files that count only as a whole, and that are read as files of this machine: models, what a training
//! needs to go on elsewhere, search indexes.
//!
//! In the data folder an artifact is a folder, which appears at once. In a bucket it is the files below its name and, put last,
//! their list with sizes and hashes; whoever needs it stages it in the cache of the machine.

use std::fmt;

/// Where artifacts of trainings are.
pub(crate) const TRAININGS: &str = "models/trainings";

/// Where search indexes are.
pub(crate) const SEARCHES: &str = "search";

/// A folder of files that counts only as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Artifact {
    /// The model of that name.
    Model(String),
    /// A part of the training of that name.
    Training(String, TrainingPart),
    /// The search index of the build of that digest.
    Search(String),
}

/// What is kept of a training where several machines may work on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrainingPart {
    /// What it decided before it began.
    Plan,
    /// Everything that it goes on from after that step.
    Checkpoint(u64),
    /// Events and report of one that is over.
    Record,
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(name) => write!(f, "models/{name}"),
            Self::Training(name, part) => write!(f, "{TRAININGS}/{name}/{part}"),
            Self::Search(digest) => write!(f, "{SEARCHES}/{digest}"),
        }
    }
}

impl fmt::Display for TrainingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("plan"),
            Self::Checkpoint(step) => write!(f, "{CHECKPOINTS}/{step}"),
            Self::Record => f.write_str("record"),
        }
    }
}

/// Where the checkpoints of a training are, below its name.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
