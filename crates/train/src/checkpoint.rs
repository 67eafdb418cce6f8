//! Checkpoints of the native engine: everything that training goes on from, whole or not at all.
//!
//! ```text
//! checkpoint/
//!   STEP/state.safetensors   trained values, moments, steps (codelupe-model)
//!   STEP/progress.json       where in the data, the rate, the best validation loss
//!   best/                    the result with the lowest validation loss so far
//! ```
//!
//! A checkpoint is written beside its place and renamed; then older ones go. Of several, the one of the highest step counts.

use std::path::{Path, PathBuf};

use codelupe_disk::{children, read_json, remove, replace_folder, write_json};
use codelupe_model::Trainer;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Where training is, beside what is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Steps done, taken or skipped.
    pub(crate) step: u64,
    /// What the learning rate is multiplied by.
    pub(crate) rate_scale: f64,
    /// Steps in a row that were skipped.
    pub(crate) skipped: u32,
    /// Rows that are in memory at once.
    pub(crate) rows_at_once: u64,
    /// The lowest validation loss.
    pub(crate) best: Option<f64>,
    /// Measurements since.
    pub(crate) worse: u32,
    /// Whether the best result is kept apart, since it is not the last one.
    pub(crate) best_is_apart: bool,
}

impl Progress {
    pub(crate) const fn start(rows_at_once: u64) -> Self {
        Self {
            step: 0,
            rate_scale: 1.0,
            skipped: 0,
            rows_at_once,
            best: None,
            worse: 0,
            best_is_apart: false,
        }
    }
}

/// Saves both, and removes older checkpoints.
pub(crate) fn save(folder: &Path, trainer: &Trainer<'_>, progress: &Progress) -> Result<(), Error> {
    let place = folder.join(progress.step.to_string());
    replace_folder(&place, |place| {
        trainer.save_state(&state_file(place))?;
        Ok::<_, Error>(write_json(&progress_file(place), progress)?)
    })?;
    for (step, older) in checkpoints(folder)? {
        if step < progress.step {
            remove(&older)?;
        }
    }
    Ok(())
}

/// Takes the latest checkpoint back, if there is one.
pub(crate) fn restore(folder: &Path, trainer: &mut Trainer<'_>) -> Result<Option<Progress>, Error> {
    let Some((_, place)) = checkpoints(folder)?.into_iter().max() else {
        return Ok(None);
    };
    let path = progress_file(&place);
    let progress = read_json(&path)?.ok_or_else(|| Error::damaged(&path, "it is not there"))?;
    trainer.restore(&state_file(&place))?;
    Ok(Some(progress))
}

/// The folder of the best result so far.
pub(crate) fn best(folder: &Path) -> PathBuf {
    folder.join("best")
}

fn state_file(place: &Path) -> PathBuf {
    place.join("state.safetensors")
}

fn progress_file(place: &Path) -> PathBuf {
    place.join("progress.json")
}

/// The checkpoints of a folder, by step.
fn checkpoints(folder: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let step = |path: &Path| path.file_name()?.to_str()?.parse().ok();
    let found = children(folder)?;
    Ok(found
        .into_iter()
        .filter_map(|path| Some((step(&path)?, path)))
        .collect())
}
