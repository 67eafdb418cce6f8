//! Training as a stage: choose, learn, judge, keep.

use codelupe_catalogue::TrainingRow;
use codelupe_core::error::{Class, ErrorCode};
use codelupe_worker::{Context, Enqueued, JobName, Run, Settings, Stage, TrainJob, Worker, held, result};

use crate::choose::{Chooser, Chosen};
use crate::config::TrainConfig;
use crate::engine::StopToken;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::handover;
use crate::job::{Tell, TrainEvent};
use crate::judge::judge;
use crate::keep::keep;
use crate::learn::learn;
use crate::outcome::TrainingOutcome;
use crate::training::{self, Training, TrainingFolder};

/// Keeps a model learning: each of its jobs is one training at most.
pub struct TrainStage {
    environment: Environment,
    tell: Box<Tell>,
}

impl TrainStage {
    /// With the environment of engines that are processes, and who is told of progress.
    pub fn new(environment: Environment, tell: impl Fn(&TrainEvent) + Send + Sync + 'static) -> Self {
        Self {
            environment,
            tell: Box::new(tell),
        }
    }

    /// Brings a training to its end. Each step finds out whether it was done already, by an earlier attempt.
    fn go_on(&self, training: &Training<'_>) -> Result<TrainingOutcome, Error> {
        let folder = &training.context.folder;
        if !folder.has(&training.target())? {
            learn(training, &self.environment, &*self.tell)?;
            judge(training)?;
            folder.publish_artifact(&training.target(), &training.folder.result())?;
        }
        keep(training)
    }
}

impl Stage for TrainStage {
    type Input = TrainJob;
    type Output = TrainingOutcome;
    type Error = Error;

    /// Goes on with the open training, or starts one if there is enough that is new, and brings it to its end.
    ///
    /// # Errors
    /// `Canceled` after a stop: the training is open, and the next job goes on with it. So it is after a full disk, a lost
    /// lease and other troubles that pass. After any other error the training has failed, and the catalogue says why.
    fn run(&self, context: &Context, job: TrainJob) -> Result<TrainingOutcome, Error> {
        let config: TrainConfig = job.settings.read()?;
        let row = match open_training(context)? {
            Some(row) => row,
            None => match Chooser::of(context, config)?.start(context, job.force)? {
                Chosen::Training(row) => *row,
                Chosen::Waiting { new_files, needed } => return Ok(TrainingOutcome::Waiting { new_files, needed }),
            },
        };
        let id = row.id;
        let folder = TrainingFolder::of(context, &row.name);
        let _alone = folder.lock(&StopToken::within(&context.progress))?;
        match Training::open(context, row).and_then(|training| self.go_on(&training)) {
            Err(error) if ends_early(&error) && is_over(context, id)? => {
                handover::end(&context.folder, &folder)?;
                training::tidy(&folder)?;
                Ok(TrainingOutcome::Canceled)
            }
            Err(error) if goes_on(&error) => Err(error),
            Err(error) => {
                training::fail(context, id, &error)?;
                handover::end(&context.folder, &folder)?;
                Err(error)
            }
            Ok(outcome) => Ok(outcome),
        }
    }
}

/// Puts a training into the queue.
///
/// # Errors
/// `Config` for settings that are not valid; `Busy` while a worker trains; `Store`.
pub fn enqueue(worker: &Worker, config: &TrainConfig, force: bool, priority: i64) -> Result<Enqueued, Error> {
    config.validate()?;
    let context = worker.context();
    if let Some(job) = context.wait(held(&context.catalogue, JobName::Train))? {
        let context = format!("another process trains in this data folder (job {})", job.id);
        return Err(Error::new(ErrorKind::Busy, context));
    }
    Ok(worker.enqueue(training_run(config, force, priority)?)?)
}

/// Works on a training that was enqueued until it is over.
///
/// # Errors
/// Those of the stage; `Canceled` after a stop.
pub fn drive(worker: &Worker, run: &Enqueued) -> Result<TrainingOutcome, Error> {
    match worker.drive(run) {
        Ok(jobs) => match jobs.first() {
            Some(job) => Ok(result(job)?),
            None => Err(Error::new(ErrorKind::Store, "there is no job to wait for")),
        },
        Err(error) if error.kind() == codelupe_worker::ErrorKind::Elsewhere && error.code() == ErrorCode::Canceled => {
            Ok(TrainingOutcome::Canceled)
        }
        Err(error) => Err(error.into()),
    }
}

/// A run of one training. There is one at a time: its key is always the same.
///
/// # Errors
/// `Store` when the settings have no JSON form.
pub fn training_run(config: &TrainConfig, force: bool, priority: i64) -> Result<Run, Error> {
    let mut run = Run::new(priority);
    let settings = Settings::of(config)?;
    run.add("train".to_owned(), &TrainJob { settings, force })?;
    Ok(run)
}

/// The training that an earlier job left open, if it can go on.
fn open_training(context: &Context) -> Result<Option<TrainingRow>, Error> {
    let Some(training) = context.wait(context.catalogue.open_training())? else {
        return Ok(None);
    };
    let folder = TrainingFolder::of(context, &training.name);
    if folder.plan().is_file() || handover::take_over(context, &training, &folder)? {
        tracing::info!(training = training.name, state = %training.state, "going on with an open training");
        return Ok(Some(training));
    }
    // It had decided nothing yet: another one takes its place.
    let unplanned = Error::new(ErrorKind::Canceled, "ended before its samples were made");
    training::fail(context, training.id, &unplanned)?;
    codelupe_disk::remove(folder.path())?;
    Ok(None)
}

/// Whether an error may mean that somebody has ended the training.
fn ends_early(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::Canceled | ErrorCode::LeaseLost | ErrorCode::Conflict
    )
}

/// Whether the training was ended while it was worked on.
fn is_over(context: &Context, training: i64) -> Result<bool, Error> {
    let open = context.wait(context.catalogue.open_training())?;
    Ok(open.is_none_or(|open| open.id != training))
}

/// Whether a training stays open after an error, for the next job to go on with: what passes, or is wrong with the machine.
/// Memory that is too small for the model stays so.
fn goes_on(error: &Error) -> bool {
    use ErrorCode::{Canceled, DiskFull, Permission, Storage};
    let code = error.code();
    code.class() == Class::Transient || matches!(code, Canceled | DiskFull | Permission | Storage)
}
