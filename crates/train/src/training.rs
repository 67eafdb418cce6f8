//! A training under way: its row, its folder, and what was decided for it.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use codelupe_catalogue::{NewModel, TrainingEnd, TrainingProgress, TrainingRow, TrainingState};
use codelupe_core::{BlobId, error::chain_text, text::display_path};
use codelupe_corpus::{Artifact, Staged};
use codelupe_disk::{Lock, children, read_json, remove};
use codelupe_model::Schedule;
use codelupe_worker::Context;
use serde::{Deserialize, Serialize};

use crate::config::{Mode, TrainConfig};
use crate::cursor::Choice;
use crate::engine::StopToken;
use crate::error::Error;
use crate::format::Material;
use crate::job::{EngineJob, JOB_VERSION};
use crate::registry::{model_artifact, stage, stage_base};

/// How often it is looked whether another process has left a training.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a training will do, decided once: `plan.json`. With it a training goes on after whatever ended the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The name of the model to be made.
    pub(crate) name: String,
    /// The base.
    pub(crate) base: String,
    /// Where it is, as people know it: a folder, or an address.
    pub(crate) base_folder: PathBuf,
    /// The line that the model adds to.
    pub(crate) line: String,
    /// The model that training goes on from.
    pub(crate) parent: Option<String>,
    /// The files.
    pub(crate) choice: Choice,
    /// The samples.
    pub(crate) material: Material,
}

/// A training that has a plan, at work under the lease of its job.
pub(crate) struct Training<'a> {
    pub(crate) context: &'a Context,
    pub(crate) row: TrainingRow,
    pub(crate) folder: TrainingFolder,
    /// The settings that it was started with.
    pub(crate) config: TrainConfig,
    pub(crate) plan: Plan,
    /// The base, as files of this machine.
    pub(crate) base: Staged,
    /// The model that it continues.
    pub(crate) parent: Option<Staged>,
}

impl<'a> Training<'a> {
    /// Reads what was decided for it.
    pub(crate) fn open(context: &'a Context, row: TrainingRow) -> Result<Self, Error> {
        let folder = TrainingFolder::of(context, &row.name);
        let config = serde_json::from_str(&row.config).map_err(|error| Error::damaged(folder.path(), error))?;
        let plan: Plan = read_json(&folder.plan())?.ok_or_else(|| Error::damaged(&folder.plan(), "it is not there"))?;
        let base = stage_base(&context.folder, &plan.base, &plan.base_folder)?;
        let parent = plan.parent.as_deref().map(|parent| stage(&context.folder, parent));
        Ok(Self {
            context,
            row,
            folder,
            config,
            base,
            parent: parent.transpose()?,
            plan,
        })
    }

    /// The model that it makes.
    pub(crate) fn target(&self) -> Artifact {
        model_artifact(&self.plan.name)
    }

    /// The adapter that it continues.
    pub(crate) fn adapter(&self) -> Option<PathBuf> {
        let parent = self.parent.as_ref().filter(|_| self.config.mode == Mode::Lora);
        parent.map(|parent| parent.path().to_owned())
    }

    /// Stopped with the job.
    pub(crate) fn stop(&self) -> StopToken {
        StopToken::within(&self.context.progress)
    }

    /// Notes how far it has come.
    pub(crate) fn advance(&self, state: TrainingState, progress: &TrainingProgress) -> Result<(), Error> {
        let context = self.context;
        let advance = context
            .catalogue
            .advance_training(context.fence, self.row.id, state, progress);
        Ok(context.wait(advance)?)
    }
}

/// Ends a training, with the model that it made and what that has learned.
pub(crate) fn end(
    context: &Context,
    training: i64,
    end: &TrainingEnd,
    made: Option<&NewModel>,
    learned: &[BlobId],
) -> Result<(), Error> {
    let ended = context
        .catalogue
        .end_training(context.fence, training, end, made, learned);
    Ok(context.wait(ended)?)
}

/// Ends a training by an error.
pub(crate) fn fail(context: &Context, training: i64, error: &Error) -> Result<(), Error> {
    let failed = TrainingEnd {
        state: TrainingState::Failed,
        figures: None,
        error: Some((error.code().to_string(), chain_text(error))),
    };
    end(context, training, &failed, None, &[])
}

/// The folder of a training.
#[derive(Debug, Clone)]
pub(crate) struct TrainingFolder(pub(crate) PathBuf);

impl TrainingFolder {
    pub(crate) fn of(context: &Context, training: &str) -> Self {
        Self(context.folder.models().join("trainings").join(training))
    }

    /// The right to write in it. A process that was only paused may still have it: it gives it up when it sees that its lease
    /// is gone.
    ///
    /// # Errors
    /// `Canceled` after a stop; `Store`.
    pub(crate) fn lock(&self, stop: &StopToken) -> Result<Lock, Error> {
        let path = self.path().join("lock");
        let mut told = false;
        loop {
            if let Some(lock) = Lock::try_alone(&path)? {
                return Ok(lock);
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(training = %display_path(self.path()), "waiting for another process that is at it");
            }
            stop.check()?;
            thread::sleep(LOOK_EVERY);
        }
    }

    /// The name of the training.
    pub(crate) fn name(&self) -> String {
        let name = self.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint")
    }

    pub(crate) fn result(&self) -> PathBuf {
        self.0.join("result")
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }
}

impl Training<'_> {
    /// What an engine is given.
    pub(crate) fn job(&self) -> EngineJob {
        let (config, plan, folder) = (&self.config, &self.plan, &self.folder);
        let steps = steps(config, plan.material.rows);
        EngineJob {
            version: JOB_VERSION,
            base: self.base.path().to_owned(),
            base_name: plan.base_folder.display().to_string(),
            lora: (config.mode == Mode::Lora).then(|| config.lora.clone()),
            adapter: self.adapter(),
            train: folder.path().join("train"),
            validation: plan.material.validation.then(|| folder.path().join("validation")),
            optimizer: config.optimizer,
            schedule: Schedule {
                peak: config.peak_rate(),
                warmup: share(steps, config.warmup_share),
                steps,
                floor: config.floor_share,
            },
            steps,
            rows_per_step: config.rows_per_step,
            rows_at_once: config.rows_at_once,
            recompute: config.recompute,
            checkpoint_steps: config.checkpoint_steps,
            validation_steps: config.validation_steps,
            validation_rows: config.validation_rows,
            patience: config.patience,
            seed: config.seed,
            checkpoint: folder.checkpoint(),
            out: folder.result(),
        }
    }
}

/// Steps that see each row `epochs` times, within the bound.
fn steps(config: &TrainConfig, rows: u64) -> u64 {
    let all = (rows * u64::from(config.epochs)).div_ceil(config.rows_per_step).max(1);
    if config.max_steps > 0 {
        all.min(config.max_steps)
    } else {
        all
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number is between 0 and the number"
)]
fn share(of: u64, share: f64) -> u64 {
    (of as f64 * share).round() as u64
}

/// Removes what only a training under way needs: samples and checkpoints. Events, plan and report stay.
pub(crate) fn tidy(training: &TrainingFolder) -> Result<(), Error> {
    for name in ["train", "validation", "held_out", "holes", "checkpoint", "result"] {
        remove(&training.path().join(name))?;
    }
    Ok(())
}

/// The folders of trainings, oldest first by their number.
pub(crate) fn folders(parent: &Path) -> Result<Vec<PathBuf>, Error> {
    if !parent.exists() {
        return Ok(Vec::new());
    }
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix("training-")?.parse().ok();
    let found = children(parent)?.into_iter();
    let mut found: Vec<(u64, PathBuf)> = found.filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_see_each_row_as_often_as_wanted() {
        let config = TrainConfig {
            epochs: 2,
            rows_per_step: 8,
            ..TrainConfig::default()
        };
        assert_eq!(steps(&config, 20), 5);
        assert_eq!(steps(&config, 0), 1);
        let bounded = TrainConfig { max_steps: 3, ..config };
        assert_eq!(steps(&bounded, 20), 3);
    }
}
