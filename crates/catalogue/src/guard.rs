//! How a database is spoken to: an error that may pass is tried again, and a server that keeps failing is left alone for a
//! while. Every operation of a catalogue is one transaction that may be done twice, so a lost answer does no harm.

use std::time::{Duration, Instant};

use codelupe_core::breaker::{Breaker, BreakerConfig, State};
use codelupe_telemetry::{
    BreakerLabels, CATALOGUE_BREAKER_STATE, CATALOGUE_CALL_DURATION, CATALOGUE_CALLS, CATALOGUE_RETRIES, CallLabels,
    CallOutcome, Operation, OperationLabels,
};

use crate::error::{Error, ErrorKind};
use crate::outage::Outage;

/// How long one operation may take. Figures over a hundred million files take minutes; a network that swallows the answer
/// takes forever.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(15);

/// Retries and a breaker around one database.
#[derive(Debug)]
pub(crate) struct Guard {
    breaker: Breaker,
    outage: Outage,
}

impl Guard {
    pub(crate) fn new() -> Self {
        Self {
            breaker: Breaker::new(BreakerConfig::default()),
            outage: Outage::default(),
        }
    }

    pub(crate) fn breaker_state(&self) -> State {
        self.breaker.state()
    }

    /// Does `work`, again if the policy of its error says so. What it is goes into the error: "cannot link a batch in the catalogue".
    pub(crate) async fn run<T, F, R>(&self, operation: Operation, mut work: F) -> Result<T, Error>
    where
        F: FnMut() -> R + Send,
        R: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        self.run_store(operation, move || {
            let work = work();
            async move { work.await.map_err(|error| Error::database(operation, error)) }
        })
        .await
    }

    /// The same for work that has errors of its own.
    pub(crate) async fn run_store<T, F, R>(&self, operation: Operation, mut work: F) -> Result<T, Error>
    where
        F: FnMut() -> R + Send,
        R: Future<Output = Result<T, Error>> + Send,
    {
        let started = CATALOGUE_CALL_DURATION.start();
        let result = self.try_until_done(operation, &mut work).await;
        CATALOGUE_CALL_DURATION.stop(started, OperationLabels { operation });
        let outcome = result
            .as_ref()
            .map_or_else(|error| CallOutcome::Failed(error.code()), |_| CallOutcome::Done);
        CATALOGUE_CALLS.add(CallLabels { operation, outcome }, 1);
        result
    }

    async fn try_until_done<T, F, R>(&self, operation: Operation, work: &mut F) -> Result<T, Error>
    where
        F: FnMut() -> R + Send,
        R: Future<Output = Result<T, Error>> + Send,
    {
        let mut attempt = 1;
        loop {
            let error = match self.once(operation, Box::pin(work())).await {
                Ok(done) => {
                    self.say_back();
                    return Ok(done);
                }
                Err(error) => error,
            };
            let again = error
                .may_pass()
                .then(|| error.code().policy().delay_after(attempt, None, seed()))
                .flatten();
            let Some(delay) = again else { return Err(error) };
            self.say_away(operation, attempt, delay, &error);
            CATALOGUE_RETRIES.add(OperationLabels { operation }, 1);
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// What passes within one attempt is no outage.
    fn say_away(&self, operation: Operation, attempt: u32, delay: Duration, error: &Error) {
        let doing = operation.meaning();
        if attempt > 1 && self.outage.begin() {
            tracing::warn!(doing, %error, "the catalogue does not answer; trying again");
        } else {
            tracing::debug!(doing, attempt, ?delay, %error, "trying again");
        }
    }

    fn say_back(&self) {
        if let Some(lasted) = self.outage.end() {
            tracing::info!(?lasted, "the catalogue answers again");
        }
    }

    async fn once<T>(&self, operation: Operation, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let permit = self.breaker.try_acquire(Instant::now()).map_err(|open| {
            let wait = Duration::from_secs(open.retry_after.as_secs() + 1);
            let context =
                format!("cannot {operation} in the catalogue: it kept failing and is left alone for {wait:?}");
            Error::new(ErrorKind::Unavailable, context)
        })?;
        let result = tokio::time::timeout(OPERATION_TIMEOUT, work).await.unwrap_or_else(|_| {
            let context =
                format!("cannot {operation} in the catalogue: there was no answer within {OPERATION_TIMEOUT:?}");
            Err(Error::new(ErrorKind::Timeout, context))
        });
        match &result {
            Err(error) if error.code().counts_for_breaker() => permit.failure(Instant::now()),
            _ => permit.success(),
        }
        self.record_state();
        result
    }

    fn record_state(&self) {
        if CATALOGUE_BREAKER_STATE.is_recorded() {
            let now = self.breaker.state();
            for state in State::ALL {
                CATALOGUE_BREAKER_STATE.set(BreakerLabels { state }, i64::from(state == now));
            }
        }
    }
}

/// Differs from call to call, so that workers which failed together do not come back together.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    use codelupe_telemetry::Registry;

    use super::*;

    /// Runs an operation that fails a given number of times with this error; returns how often it ran and its result.
    async fn attempts(guard: &Guard, failures: u32, kind: ErrorKind) -> (u32, Result<u32, ErrorKind>) {
        let done = AtomicU32::new(0);
        let work = || async {
            let before = done.fetch_add(1, Ordering::Relaxed);
            if before < failures {
                Err(Error::new(kind, "x"))
            } else {
                Ok(before)
            }
        };
        let result = guard.run_store(Operation::LinkBatch, work).await;
        (done.into_inner(), result.map_err(|error| error.kind()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_nothing_else() {
        let check = async |failures, kind, expected| {
            assert_eq!(attempts(&Guard::new(), failures, kind).await, expected, "{kind:?}");
        };
        check(2, ErrorKind::Busy, (3, Ok(2))).await;
        check(4, ErrorKind::Unavailable, (5, Ok(4))).await;
        // As often as the policy says, and not for ever.
        check(u32::MAX, ErrorKind::Busy, (9, Err(ErrorKind::Busy))).await;
        for kind in [
            ErrorKind::Database,
            ErrorKind::DiskFull,
            ErrorKind::LeaseLost,
            ErrorKind::Stale,
            ErrorKind::Auth,
        ] {
            check(1, kind, (1, Err(kind))).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_retries_and_how_they_ended_are_recorded() {
        let mut registry = Registry::default();
        codelupe_telemetry::register(&mut registry);
        // Operations that no other test of this process uses: all record into one registry.
        let fail = |kind| async move { Err::<(), _>(Error::new(kind, "x")) };
        let guard = Guard::new();
        guard
            .run_store(Operation::PromoteModel, || fail(ErrorKind::Busy))
            .await
            .unwrap_err();
        guard
            .run_store(Operation::RemoveModel, || fail(ErrorKind::DiskFull))
            .await
            .unwrap_err();
        let mut text = String::new();
        prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).unwrap();
        for line in [
            "codelupe_catalogue_calls_total{operation=\"promote_model\",outcome=\"database\"} 1",
            "codelupe_catalogue_retries_total{operation=\"promote_model\"} 8",
            "codelupe_catalogue_calls_total{operation=\"remove_model\",outcome=\"disk_full\"} 1",
            "codelupe_catalogue_call_duration_seconds_count{operation=\"remove_model\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_keeps_failing_is_left_alone() {
        let guard = Guard::new();
        let limit = BreakerConfig::default().failures;
        assert_eq!(
            attempts(&guard, u32::MAX, ErrorKind::Unavailable).await,
            (limit, Err(ErrorKind::Unavailable))
        );
        assert_eq!(guard.breaker_state(), State::Open);
        assert_eq!(
            attempts(&guard, 0, ErrorKind::Unavailable).await,
            (0, Err(ErrorKind::Unavailable))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_begins_with_the_second_failure_of_a_call_and_ends_with_an_answer() {
        let guard = Guard::new();
        attempts(&guard, 1, ErrorKind::Unavailable).await.1.unwrap();
        assert_eq!(guard.outage.end(), None);
        attempts(&guard, u32::MAX, ErrorKind::Busy).await.1.unwrap_err();
        attempts(&guard, u32::MAX, ErrorKind::Busy).await.1.unwrap_err();
        assert!(!guard.outage.begin(), "it goes on");
        attempts(&guard, 0, ErrorKind::Busy).await.1.unwrap();
        assert_eq!(guard.outage.end(), None, "it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_an_error() {
        let asked = AtomicU32::new(0);
        let ask = || {
            asked.fetch_add(1, Ordering::Relaxed);
            pending::<Result<(), Error>>()
        };
        let error = Guard::new().run_store(Operation::ReadBuild, ask).await.unwrap_err();
        assert_eq!((error.kind(), asked.into_inner()), (ErrorKind::Timeout, 1), "{error}");
    }
}
