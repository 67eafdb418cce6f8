//! Jobs: work that any worker may take, that nobody does twice to effect, and that no crash loses.
//!
//! ```text
//!            enqueue              lease                complete
//!   (nothing) ─────▶ queued ───────────────▶ running ───────────▶ done
//!                     ▲  ▲                   │ │ │
//!                     │  └─ fail, try again ─┘ │ └─ fail for good ─▶ dead ─ retry ─▶ queued
//!                     └──── release, or the lease ran out           (cancel: all but done ─▶ canceled)
//! ```
//!
//! A lease is a row's counter and a time: a worker that takes the job over raises the counter, and the earlier holder's
//! [`Fence`] is void from then on. No row lock is held while a job runs. All times are those of the database, so that the
//! clocks of workers do not matter; a time that lies further ahead than any that is ever set comes from a clock that was
//! set back, and counts as now.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::FromRow;

use crate::error::{Error, ErrorKind};

/// The most bytes that a payload may have: work is named by it, not carried in it.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// A job whose workers vanish this often in a row is dead: it may be what kills them. An attempt that ends in any other way
/// begins a new row.
pub const MAX_VANISHED: i64 = 5;

/// The longest lease and the longest wait for another attempt, in milliseconds: a day.
pub(crate) const MAX_AHEAD_MS: i64 = 24 * 60 * 60 * 1000;

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Names the work: while a job of this key is not over, there is no second one.
    pub key: String,
    /// What kind of work it is.
    pub name: String,
    /// The run that wants it.
    pub run: String,
    /// A job waits for all jobs of its run that have a lower step.
    pub step: i64,
    /// Higher goes first; 0 is normal.
    pub priority: i64,
    /// Version of the payload's form.
    pub version: i64,
    /// The work, as JSON.
    pub payload: String,
    /// The W3C trace context that it is part of.
    pub trace_parent: Option<String>,
}

impl NewJob {
    /// # Errors
    /// `PayloadTooLarge` over [`MAX_PAYLOAD_BYTES`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bytes = self.payload.len();
        if bytes <= MAX_PAYLOAD_BYTES {
            return Ok(());
        }
        let context = format!(
            "the payload of a job `{}` has {bytes} bytes, the limit is {MAX_PAYLOAD_BYTES}",
            self.name
        );
        Err(Error::new(ErrorKind::PayloadTooLarge, context))
    }
}

/// The result of enqueuing a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Enqueued {
    /// The job.
    pub id: i64,
    /// It was made now. Otherwise it was there, and belongs to the new run from now on.
    pub new: bool,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// It is done.
    Done,
    /// It failed for good; its error is kept, and it can be queued again.
    Dead,
    /// Somebody took it out.
    Canceled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Dead, Self::Canceled];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Canceled => "canceled",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no state of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a job: queued, running, done, dead, canceled")]
pub struct ParseJobStateError(String);

impl FromStr for JobState {
    type Err = ParseJobStateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| ParseJobStateError(text.to_owned()))
    }
}

impl TryFrom<String> for JobState {
    type Error = ParseJobStateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The right to store what a job did: the number of its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The job.
    pub job: i64,
    /// The number of the lease; a worker that takes the job over gets a higher one.
    pub lease: i64,
}

/// A job as it stands.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// Names the work.
    pub key: String,
    /// What kind of work it is.
    pub name: String,
    /// The run that wants it.
    pub run: String,
    /// Waits for lower steps of its run.
    pub step: i64,
    /// Higher goes first.
    pub priority: i64,
    /// Version of the payload's form.
    pub version: i64,
    /// The work, as JSON.
    pub payload: String,
    /// The W3C trace context that it is part of.
    pub trace_parent: Option<String>,
    /// How far it is.
    #[sqlx(try_from = "String")]
    pub state: JobState,
    /// How often it was begun; the running attempt counts.
    pub attempts: i64,
    /// How often in a row its worker vanished.
    pub vanished: i64,
    /// Not before this time, milliseconds since the Unix epoch.
    pub run_at: i64,
    /// When it was enqueued, milliseconds since the Unix epoch.
    pub enqueued_at: i64,
    /// When its latest attempt began.
    pub started_at: Option<i64>,
    /// When it was over.
    pub finished_at: Option<i64>,
    /// The worker that holds, or held, its latest lease.
    pub worker: Option<String>,
    /// The number of its latest lease.
    pub lease: i64,
    /// Until when that lease holds.
    pub lease_until: Option<i64>,
    /// Its result, as JSON.
    pub result: Option<String>,
    /// The stable code of its latest error.
    pub error_code: Option<String>,
    /// That error, with its chain.
    pub error_message: Option<String>,
}

impl JobRow {
    /// The right that came with its lease.
    pub const fn fence(&self) -> Fence {
        Fence {
            job: self.id,
            lease: self.lease,
        }
    }
}

/// A request for a lease.
#[derive(Debug, Clone)]
pub struct LeaseRequest<'a> {
    /// The worker's name.
    pub worker: &'a str,
    /// The kinds of work it does.
    pub names: &'a [&'a str],
    /// Only these jobs; all without.
    pub ids: Option<&'a [i64]>,
    /// The most jobs to take.
    pub limit: u32,
    /// How long the lease holds without a heartbeat.
    pub lease: Duration,
}

/// How an attempt failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The error's stable code.
    pub code: String,
    /// The error with its chain.
    pub message: String,
    /// When to try again; never without.
    pub retry_after: Option<Duration>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub name: Option<String>,
    /// The most rows.
    pub limit: u32,
}

/// The queue.
#[async_trait]
pub trait Jobs {
    /// Enqueues jobs, in order. One whose key is there already and not over is not made again: it is moved to the new run
    /// and need not wait any longer, has the new payload unless it is running, and starts afresh if it was dead. Of several
    /// of one key the first counts.
    ///
    /// # Errors
    /// `PayloadTooLarge`; `DiskFull`, `Permission`, `Conflict` or `Database`. No job is enqueued then.
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Error>;

    /// Takes jobs, highest priority first, then oldest. Leases that have run out are taken back before that.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn lease(&self, request: &LeaseRequest<'_>) -> Result<Vec<JobRow>, Error>;

    /// Makes a lease hold for `lease` from now on; false when another has taken the job over.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn extend(&self, fence: Fence, lease: Duration) -> Result<bool, Error>;

    /// Ends jobs as done, each with its result as JSON; of those whose lease was lost nothing is changed, and they are
    /// missing in what is returned. A job that this very lease has ended before counts as ended. Each is named once, in any
    /// order.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn complete(&self, done: &[(Fence, String)]) -> Result<Vec<i64>, Error>;

    /// Notes that an attempt failed; false when another has taken the job over.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn fail(&self, fence: Fence, failure: &Failure) -> Result<bool, Error>;

    /// Gives a job back as if it had not been begun; false when another has taken it over.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn release(&self, fence: Fence) -> Result<bool, Error>;

    /// Queues dead or canceled jobs again, all of them or one, with fresh attempts; returns how many.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn retry(&self, id: Option<i64>) -> Result<u64, Error>;

    /// Takes out a job that is queued, dead or running; a running one loses its lease. False when it was over already.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn cancel(&self, id: i64) -> Result<bool, Error>;

    /// Jobs, newest first.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>, Error>;

    /// These jobs, in any order.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn jobs_by_id(&self, ids: &[i64]) -> Result<Vec<JobRow>, Error>;

    /// How many jobs there are by kind and state.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn job_counts(&self) -> Result<Vec<(String, String, i64)>, Error>;

    /// Forgets jobs that were done or canceled longer than `age` ago; returns how many.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn prune_jobs(&self, age: Duration) -> Result<u64, Error>;
}

/// Whole milliseconds, a day at most.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis())
        .unwrap_or(MAX_AHEAD_MS)
        .min(MAX_AHEAD_MS)
}

/// # Errors
/// `LeaseLost` when it does not.
pub(crate) fn lease_must_hold(holds: bool, fence: Fence) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    let context = format!(
        "job {} was taken over by another worker, or canceled; what was done is not stored",
        fence.job
    );
    Err(Error::new(ErrorKind::LeaseLost, context))
}
