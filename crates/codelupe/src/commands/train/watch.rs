//! `codelupe train --watch`.

use std::time::{Duration, Instant};

use codelupe_catalogue::{JobFilter, JobRow, JobState};
use codelupe_core::error::{ErrorCode, chain_text};
use codelupe_train::{Chooser, Counted, Error, ErrorKind, TrainConfig, training_run};
use codelupe_worker::{JobName, Progress, Until, Worker, result};

use crate::cli::QueueArguments;
use crate::report;

/// How often it is looked for news and requests.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The pause after a training that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Enqueues a training whenever enough is new, or was waited for long enough, until stopped; and trains what is in the queue,
/// whoever asked for it, unless workers are to.
pub(super) fn watch(worker: &Worker, config: &TrainConfig, force: bool, queue: QueueArguments) -> Result<(), Error> {
    let context = worker.context();
    let (folder, catalogue) = (context.folder.clone(), context.catalogue.clone());
    let chooser = Chooser::new(config.clone(), folder, catalogue, context.runtime.clone())?;
    let mut news = News::new(chooser, config, force);
    let mut failed = 0;
    while !worker.progress.is_stopping() {
        match round(worker, config, &mut news, queue) {
            Ok(0) => failed = 0,
            Ok(dead) => failed += dead,
            Err(_) if worker.progress.is_stopping() => break,
            Err(error) => {
                tracing::error!(error = chain_text(&error), "a training failed");
                failed += 1;
            }
        }
        pause(after(failed), &worker.progress);
    }
    Ok(())
}

/// Enqueues a training if one is wanted, and trains what is in the queue; returns how many failed for good.
fn round(worker: &Worker, config: &TrainConfig, news: &mut News, queue: QueueArguments) -> Result<u32, Error> {
    if !is_pending(worker)?
        && let Some(force) = wanted(worker, news)?
    {
        worker.enqueue(training_run(config, force, queue.priority)?)?;
        news.forget();
    }
    if queue.enqueue {
        return Ok(0);
    }
    let served = worker.serve(&[JobName::Train], Until::Idle)?;
    if served.done > 0 {
        tell_last(worker)?;
    }
    Ok(u32::try_from(served.dead).unwrap_or(u32::MAX))
}

/// Whether a training is wanted, and whether it starts however little is new. One that is open is gone on with.
fn wanted(worker: &Worker, news: &mut News) -> Result<Option<bool>, Error> {
    let context = worker.context();
    match context.wait(context.catalogue.open_training())? {
        Some(_) => Ok(Some(false)),
        None => news.look(),
    }
}

/// Says what the last training came to.
fn tell_last(worker: &Worker) -> Result<(), Error> {
    if let Some(job) = latest(worker, JobState::Done)? {
        tracing::info!("{}", report::training(&result(&job)?));
    }
    Ok(())
}

/// Whether a training waits or is under way: there is one at a time, and one that waits for another attempt waits on.
fn is_pending(worker: &Worker) -> Result<bool, Error> {
    Ok(latest(worker, JobState::Queued)?.is_some() || latest(worker, JobState::Running)?.is_some())
}

fn latest(worker: &Worker, state: JobState) -> Result<Option<JobRow>, Error> {
    let context = worker.context();
    let filter = JobFilter {
        state: Some(state),
        name: Some(JobName::Train.as_str().to_owned()),
        limit: 1,
    };
    Ok(context.wait(context.catalogue.jobs(&filter))?.pop())
}

/// What is new, and since when it waits.
struct News {
    chooser: Chooser,
    min_new_files: u64,
    max_wait: Duration,
    force: bool,
    counted: Option<Counted>,
    waiting_since: Option<Instant>,
}

impl News {
    fn new(chooser: Chooser, config: &TrainConfig, force: bool) -> Self {
        Self {
            chooser,
            min_new_files: config.min_new_files,
            max_wait: Duration::from_secs(config.max_wait_minutes.saturating_mul(60)),
            force,
            counted: None,
            waiting_since: None,
        }
    }

    /// Whether a training is wanted, and whether it starts however little is new.
    fn look(&mut self) -> Result<Option<bool>, Error> {
        let counted = match self.chooser.count(self.counted.take()) {
            Ok(counted) => counted,
            Err(error) if waits_for_data(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let new_files = counted.new_files;
        self.counted = Some(counted);
        if new_files == 0 {
            self.waiting_since = None;
            return Ok(None);
        }
        if self.force || new_files >= self.min_new_files {
            return Ok(Some(self.force));
        }
        if self.waiting_since.is_none() {
            tracing::info!(new_files, needed = self.min_new_files, "waiting for more");
        }
        let since = self.waiting_since.get_or_insert_with(Instant::now);
        Ok((since.elapsed() >= self.max_wait).then_some(true))
    }

    /// What was new is being learned.
    fn forget(&mut self) {
        self.force = false;
        self.counted = None;
        self.waiting_since = None;
    }
}

/// There is no build yet: somebody else makes one.
fn waits_for_data(error: &Error) -> bool {
    error.kind() == ErrorKind::Nothing && error.code() == ErrorCode::NotFound
}

fn after(failed: u32) -> Duration {
    match failed {
        0 => LOOK_EVERY,
        failed => (FIRST_PAUSE * 2_u32.pow((failed - 1).min(6))).min(LONGEST_PAUSE),
    }
}

fn pause(time: Duration, progress: &Progress) {
    let end = Instant::now() + time;
    while !progress.is_stopping() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
}
