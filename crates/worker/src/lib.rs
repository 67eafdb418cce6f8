//! The worker: it takes jobs from the queue and has each done by its stage, whatever the stages are.
//!
//! A [`Job`] is plain data: what a stage should do, and with which settings. Enqueuing one ([`Run`])
//! links no stage. A [`Stage`] does the jobs of one kind; the program registers the stages that it has ([`Stages`]),
//! and a [`Worker`] leases jobs, keeps their leases alive, settles them by the class of their errors, tracks the errors and
//! raises [`Alert`]s.
//!
//! A job that is killed at any moment is done again by the next worker that leases it: stages store through the catalogue alone,
//! under the [`Context::fence`] of their lease.

#![forbid(unsafe_code)]

mod alert;
mod attempt;
mod context;
mod drive;
mod error;
mod folded;
mod gone;
mod heartbeat;
mod job;
mod progress;
mod run;
mod serve;
mod stage;
mod tracker;
mod worker;

pub use alert::{Alert, AlertForm, AlertRule, AlertRules, AlertSink, Alerts, SEND_TIMEOUT, SendError};
pub use context::Context;
pub use drive::result;
pub use error::{Error, ErrorKind};
pub use gone::held;
pub use job::{
    BuildJob, DedupJob, IndexJob, Job, JobName, LocalKind, PlacePath, ProcessJob, RepositoryPlace, Settings, TrainJob,
};
pub use progress::{Progress, Step, raise};
pub use run::{Enqueued, Run};
pub use serve::{Served, Until};
pub use stage::{Stage, Stages};
pub use tracker::Reporter;
pub use worker::{LEASE, Worker, Workplace};
