//! `codelupe train --watch`.

use std::time::{Duration, Instant};

use codelupe_core::{ErrorCode, error::chain_text};
use codelupe_train::{Error, ErrorKind, Outcome, Request, StopToken, Trainer};

use super::tell;
use crate::report;

/// How often it is looked for news and signals.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The pause after a training that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Trains whenever enough is new, or was waited for long enough, or somebody asks, until stopped.
pub(super) fn watch(trainer: &Trainer, first: Request, max_wait: u64, stop: &StopToken) -> Result<(), Error> {
    let max_wait = Duration::from_secs(max_wait.saturating_mul(60));
    let mut force = first.force;
    let mut waiting_since: Option<Instant> = None;
    let mut failed = 0;
    while !stop.is_stopped() {
        let waited = waiting_since.is_some_and(|since| since.elapsed() >= max_wait);
        let request = Request {
            force: std::mem::take(&mut force) || trainer.is_asked()? || waited,
        };
        match trainer.train_once(request, &mut tell) {
            Ok(Outcome::Waiting { new_files: 0, .. }) => {
                waiting_since = None;
                pause(LOOK_EVERY, stop);
            }
            Ok(Outcome::Waiting { new_files, needed }) => {
                if waiting_since.is_none() {
                    tracing::info!(new_files, needed, "waiting for more");
                }
                waiting_since.get_or_insert_with(Instant::now);
                pause(LOOK_EVERY, stop);
            }
            Ok(outcome) => {
                tracing::info!("{}", report::training(&outcome));
                waiting_since = None;
                failed = 0;
            }
            Err(error) if stop.is_stopped() => return stopped(error),
            Err(error) if waits_for_data(&error) => pause(LOOK_EVERY, stop),
            Err(error) => {
                tracing::error!(error = chain_text(&error), "a training failed");
                pause((FIRST_PAUSE * 2_u32.pow(failed)).min(LONGEST_PAUSE), stop);
                failed = (failed + 1).min(6);
            }
        }
    }
    Ok(())
}

/// There is no build yet: somebody else makes one.
fn waits_for_data(error: &Error) -> bool {
    error.kind() == ErrorKind::Nothing && error.code() == ErrorCode::NotFound
}

/// A stop that was asked for is no failure.
fn stopped(error: Error) -> Result<(), Error> {
    if error.kind() == ErrorKind::Canceled {
        Ok(())
    } else {
        Err(error)
    }
}

fn pause(time: Duration, stop: &StopToken) {
    let end = Instant::now() + time;
    while !stop.is_stopped() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
}
