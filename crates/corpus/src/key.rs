//! The names of everything in the store.

use std::fmt;

use crate::artifact::{Artifact, SEARCHES, TRAININGS};

/// The name of one object of the store. Its text is the object's path below the root of the store, be that a folder or the
/// prefix of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The identity of the catalogue that the store belongs to.
    Identity,
    /// The segment of that name.
    Segment(String),
    /// The manifest of the build of that name: what makes it whole.
    Manifest(String),
    /// The dataset card of the build of that name.
    Card(String),
    /// One file of rows of a build.
    Shard {
        /// The build's name.
        build: String,
        /// The path below the build, as its manifest has it.
        path: String,
    },
    /// One file of an artifact.
    Artifact {
        /// Which one.
        artifact: Artifact,
        /// The path below it.
        path: String,
    },
    /// One file of an export, in a store of its own.
    Export(String),
}

impl Key {
    /// One file of an artifact.
    pub(crate) fn of(artifact: &Artifact, path: &str) -> Self {
        Self::Artifact {
            artifact: artifact.clone(),
            path: path.to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("catalogue-id"),
            Self::Segment(name) => write!(f, "{}/{name}.parquet", Prefix::Segments),
            Self::Manifest(build) => write!(f, "{}/{MANIFEST}", Prefix::Build(build.clone())),
            Self::Card(build) => write!(f, "{}/{CARD}", Prefix::Build(build.clone())),
            Self::Shard { build, path } => write!(f, "{}/{path}", Prefix::Build(build.clone())),
            Self::Artifact { artifact, path } => write!(f, "{artifact}/{path}"),
            Self::Export(path) => f.write_str(path),
        }
    }
}

/// The last part of [`Key::Manifest`].
pub(crate) const MANIFEST: &str = "manifest.json";

/// The last part of [`Key::Card`].
pub(crate) const CARD: &str = "README.md";

/// What several objects have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// All segments.
    Segments,
    /// All of the build of that name.
    Build(String),
    /// All of an artifact.
    Artifact(Artifact),
    /// All artifacts of trainings.
    Trainings,
    /// All search indexes.
    Searches,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segments => f.write_str("segments"),
            Self::Build(name) => write!(f, "builds/{name}"),
            Self::Artifact(artifact) => artifact.fmt(f),
            Self::Trainings => f.write_str(TRAININGS),
            Self::Searches => f.write_str(SEARCHES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_path_that_its_file_always_had() {
        let build = || "one".to_owned();
        let shard = Key::Shard {
            build: build(),
            path: "train/00000.parquet".to_owned(),
        };
        let weights = Key::Artifact {
            artifact: Artifact::Model("tiny".to_owned()),
            path: "model.safetensors".to_owned(),
        };
        for (key, text) in [
            (Key::Identity, "catalogue-id"),
            (Key::Segment("0f".to_owned()), "segments/0f.parquet"),
            (Key::Manifest(build()), "builds/one/manifest.json"),
            (Key::Card(build()), "builds/one/README.md"),
            (shard, "builds/one/train/00000.parquet"),
            (weights, "models/tiny/model.safetensors"),
        ] {
            assert_eq!(key.to_string(), text);
        }
    }
}
