//! What is measured: this program, and other libraries by a script in Python. Each run is a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use codelupe_core::error::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Runs every peer; says how each is called.
const PEERS: &str = include_str!("peers.py");

/// The libraries that [`PEERS`] knows.
const LIBRARIES: [&str; 6] = [
    "gaoya",
    "rensa",
    "datasketch-affine32",
    "datasketch",
    "text-dedup",
    "datatrove",
];

/// Who finds the duplicates.
#[derive(Debug)]
pub(crate) enum Contestant {
    /// This program.
    Own,
    /// A library of [`PEERS`], by a Python that may have it.
    Peer { python: PathBuf, library: &'static str },
}

/// What came of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// It ran.
    Run(Run),
    /// It is not there, or failed.
    Missing {
        /// Why.
        missing: String,
    },
}

/// The figures of one run. Documents are named by their place in the list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    /// CPU time from text to signatures.
    pub(crate) sign_seconds: f64,
    /// CPU time from text to the documents to remove.
    pub(crate) total_seconds: f64,
    /// The most memory that the process held, texts and program among it.
    pub(crate) peak_bytes: u64,
    /// The documents to remove.
    pub(crate) removed: Vec<u32>,
    /// The pairs taken for near-duplicates, the earlier document first.
    pub(crate) pairs: Vec<(u32, u32)>,
}

impl Answer {
    pub(crate) const fn failed(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl Contestant {
    /// This program alone, or with all libraries.
    pub(crate) fn all(python: Option<&Path>) -> Vec<Self> {
        let peers = python.into_iter().flat_map(|python| {
            LIBRARIES.map(|library| Self::Peer {
                python: python.to_owned(),
                library,
            })
        });
        std::iter::once(Self::Own).chain(peers).collect()
    }

    /// The name in tables.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Own => "codelupe",
            Self::Peer { library, .. } => library,
        }
    }

    /// Runs it once over the files of a list.
    ///
    /// # Errors
    /// When the program cannot be started, or this one fails. That a library fails is a result.
    pub(crate) fn run(&self, list: &Path) -> anyhow::Result<Answer> {
        let output = self.command()?.arg(list).stderr(Stdio::piped()).output();
        let output =
            output.with_context(|| Failure::new(ErrorCode::Validation, format!("cannot start {}", self.name())))?;
        let told = String::from_utf8_lossy(&output.stderr);
        let answer = match self {
            Self::Own => &output.stdout,
            // Libraries print things of their own.
            Self::Peer { .. } => output
                .stdout
                .trim_ascii()
                .rsplit(|byte| *byte == b'\n')
                .next()
                .unwrap_or(&[]),
        };
        match (self, serde_json::from_slice(answer)) {
            (_, Ok(answer)) => Ok(answer),
            (Self::Own, Err(error)) => Err(error).with_context(|| format!("the own run failed: {told}")),
            (Self::Peer { .. }, Err(_)) => Ok(Answer::Missing {
                missing: told.trim().lines().last().unwrap_or("no answer").to_owned(),
            }),
        }
    }

    fn command(&self) -> anyhow::Result<Command> {
        Ok(match self {
            Self::Own => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["dedup", "--list"]);
                command
            }
            Self::Peer { python, library } => {
                let mut command = Command::new(python);
                command.args(["-c", PEERS, library]);
                command
            }
        })
    }
}

/// The texts that a list names.
pub(crate) fn read(list: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let list = std::fs::read_to_string(list).context("cannot read the list of files")?;
    list.lines()
        .map(|path| std::fs::read(path).with_context(|| format!("cannot read {path}")))
        .collect()
}
