//! Random sequences of operations by three workers, beside a model that is one vector.

use std::cmp::Reverse;
use std::time::Duration;

use codelupe_catalogue::{Fence, JobFilter, JobRow, JobState, MAX_VANISHED, NewJob};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::{HOUR, World, failure, job, request, worlds};

/// What is done. A lease or a job is named by its place among those that were given so far, modulo their number.
#[derive(Debug, Clone)]
enum Operation {
    Enqueue {
        key: u8,
        run: u8,
        step: i64,
        priority: i64,
    },
    Lease {
        worker: u8,
        limit: u32,
    },
    Extend(usize),
    Complete(Vec<usize>),
    Fail(usize, Option<Duration>),
    Release(usize),
    Cancel(usize),
    Retry(Option<usize>),
    /// All leases run out.
    Expire,
    /// All waits are over.
    Wait,
}

fn operation() -> impl Strategy<Value = Operation> {
    let place = 0..64usize;
    let retry_after = prop_oneof![Just(None), Just(Some(Duration::ZERO)), Just(Some(HOUR))];
    prop_oneof![
        4 => (0..5u8, 0..2u8, 0..3i64, -1..2i64)
            .prop_map(|(key, run, step, priority)| Operation::Enqueue { key, run, step, priority }),
        6 => (0..3u8, 0..4u32).prop_map(|(worker, limit)| Operation::Lease { worker, limit }),
        1 => place.clone().prop_map(Operation::Extend),
        2 => proptest::collection::vec(place.clone(), 0..3).prop_map(Operation::Complete),
        2 => (place.clone(), retry_after).prop_map(|(place, after)| Operation::Fail(place, after)),
        1 => place.clone().prop_map(Operation::Release),
        1 => place.clone().prop_map(Operation::Cancel),
        1 => proptest::option::of(place).prop_map(Operation::Retry),
        3 => Just(Operation::Expire),
        1 => Just(Operation::Wait),
    ]
}

/// A job as the model has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    id: i64,
    key: String,
    run: String,
    step: i64,
    priority: i64,
    version: i64,
    state: JobState,
    attempts: i64,
    vanished: i64,
    lease: i64,
}

impl From<&JobRow> for Expected {
    fn from(row: &JobRow) -> Self {
        Self {
            id: row.id,
            key: row.key.clone(),
            run: row.run.clone(),
            step: row.step,
            priority: row.priority,
            version: row.version,
            state: row.state,
            attempts: row.attempts,
            vanished: row.vanished,
            lease: row.lease,
        }
    }
}

/// The jobs, and which of them have a lease that ran out or a wait that is not over.
#[derive(Debug, Default)]
struct Model {
    jobs: Vec<Expected>,
    expired: Vec<i64>,
    waiting: Vec<i64>,
    fences: Vec<Fence>,
}

impl Model {
    fn get(&mut self, id: i64) -> Option<&mut Expected> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// The job of a lease that holds.
    fn held(&mut self, fence: Fence) -> Option<&mut Expected> {
        self.get(fence.job)
            .filter(|job| job.lease == fence.lease && job.state == JobState::Running)
    }

    fn open(&self, key: &str) -> Option<usize> {
        self.jobs.iter().position(|job| job.key == key && is_open(job))
    }

    /// Whether a job is made; otherwise one is adopted.
    fn enqueue(&mut self, new: &NewJob, id: i64) -> bool {
        let Some(place) = self.open(&new.key) else {
            self.jobs.push(Expected {
                id,
                key: new.key.clone(),
                run: new.run.clone(),
                step: new.step,
                priority: new.priority,
                version: new.version,
                state: JobState::Queued,
                attempts: 0,
                vanished: 0,
                lease: 0,
            });
            return true;
        };
        let job = &mut self.jobs[place];
        job.run.clone_from(&new.run);
        job.step = new.step;
        job.priority = job.priority.max(new.priority);
        if job.state != JobState::Running {
            job.version = new.version;
        }
        if job.state == JobState::Dead {
            (job.state, job.attempts, job.vanished) = (JobState::Queued, 0, 0);
        }
        let id = job.id;
        self.waiting.retain(|waiting| *waiting != id);
        false
    }

    fn lease(&mut self, limit: u32) -> Vec<Fence> {
        for id in std::mem::take(&mut self.expired) {
            let Some(job) = self.get(id).filter(|job| job.state == JobState::Running) else {
                continue;
            };
            job.vanished += 1;
            job.state = if job.vanished >= MAX_VANISHED {
                JobState::Dead
            } else {
                JobState::Queued
            };
        }
        let waits = |job: &Expected| {
            let lower = |other: &Expected| other.run == job.run && other.step < job.step && is_open(other);
            self.waiting.contains(&job.id) || self.jobs.iter().any(lower)
        };
        let ready = self
            .jobs
            .iter()
            .filter(|job| job.state == JobState::Queued && !waits(job));
        let mut ready: Vec<_> = ready.map(|job| (Reverse(job.priority), job.id)).collect();
        ready.sort_unstable();
        ready.truncate(limit as usize);
        let mut leased = Vec::new();
        for (_, id) in ready {
            let Some(job) = self.get(id) else { continue };
            job.state = JobState::Running;
            job.attempts += 1;
            job.lease += 1;
            leased.push(Fence {
                job: id,
                lease: job.lease,
            });
        }
        self.fences.extend(&leased);
        leased
    }

    fn extend(&mut self, fence: Fence) -> bool {
        self.expired
            .retain(|id| *id != fence.job || self.jobs.iter().all(|job| job.id != *id || job.lease != fence.lease));
        self.held(fence).is_some()
    }

    fn complete(&mut self, fences: &[Fence]) -> Vec<i64> {
        let mut completed = Vec::new();
        for fence in fences {
            let job = self.get(fence.job).filter(|job| job.lease == fence.lease);
            if let Some(job) = job.filter(|job| matches!(job.state, JobState::Running | JobState::Done)) {
                job.state = JobState::Done;
                completed.push(job.id);
            }
        }
        completed.sort_unstable();
        completed.dedup();
        completed
    }

    fn fail(&mut self, fence: Fence, retry_after: Option<Duration>) -> bool {
        let Some(job) = self.held(fence) else { return false };
        job.vanished = 0;
        job.state = if retry_after.is_some() {
            JobState::Queued
        } else {
            JobState::Dead
        };
        if retry_after == Some(HOUR) {
            self.waiting.push(fence.job);
        }
        true
    }

    fn release(&mut self, fence: Fence) -> bool {
        let Some(job) = self.held(fence) else { return false };
        (job.state, job.vanished) = (JobState::Queued, 0);
        job.attempts -= 1;
        true
    }

    fn cancel(&mut self, id: i64) -> bool {
        let job = self.get(id).filter(|job| is_open(job));
        job.map(|job| job.state = JobState::Canceled).is_some()
    }

    fn retry(&mut self, id: Option<i64>) -> u64 {
        let open: Vec<String> = self
            .jobs
            .iter()
            .filter(|job| is_open(job))
            .map(|job| job.key.clone())
            .collect();
        let mut retried = 0;
        for job in &mut self.jobs {
            let named = id == Some(job.id);
            let dead = job.state == JobState::Dead && (named || id.is_none());
            if dead || (named && job.state == JobState::Canceled && !open.contains(&job.key)) {
                (job.state, job.attempts, job.vanished) = (JobState::Queued, 0, 0);
                self.waiting.retain(|waiting| *waiting != job.id);
                retried += 1;
            }
        }
        retried
    }
}

fn is_open(job: &Expected) -> bool {
    !matches!(job.state, JobState::Done | JobState::Canceled)
}

/// Does one operation to both, and compares what it returns.
async fn apply(world: &World, model: &mut Model, operation: &Operation, round: i64) {
    let catalogue = &world.catalogue;
    let fences = model.fences.clone();
    let fence = |place: &usize| fences.get(place % fences.len().max(1)).copied();
    let ids: Vec<i64> = model.jobs.iter().map(|job| job.id).collect();
    let id = |place: &usize| ids.get(place % ids.len().max(1)).copied();
    match operation {
        Operation::Enqueue {
            key,
            run,
            step,
            priority,
        } => {
            let (run, step, priority) = (run.to_string(), *step, *priority);
            let new = NewJob {
                run,
                step,
                priority,
                version: round,
                ..job(&key.to_string())
            };
            let enqueued = world.enqueue(std::slice::from_ref(&new)).await[0];
            let known = model.open(&new.key).map(|place| model.jobs[place].id);
            assert_eq!(known.unwrap_or(enqueued.id), enqueued.id);
            assert_eq!(model.enqueue(&new, enqueued.id), enqueued.new);
        }
        Operation::Lease { worker, limit } => {
            let leased = catalogue.lease(&request(&worker.to_string(), *limit)).await.unwrap();
            assert!(leased.iter().all(|job| job.worker == Some(worker.to_string())));
            let leased: Vec<Fence> = leased.iter().map(JobRow::fence).collect();
            assert_eq!(leased, model.lease(*limit));
        }
        Operation::Extend(place) => {
            let Some(fence) = fence(place) else { return };
            assert_eq!(catalogue.extend(fence, HOUR).await.unwrap(), model.extend(fence));
        }
        Operation::Complete(places) => {
            let fences: Vec<Fence> = places.iter().filter_map(fence).collect();
            let done: Vec<_> = fences.iter().map(|fence| (*fence, "{}".to_owned())).collect();
            let mut completed = catalogue.complete(&done).await.unwrap();
            completed.sort_unstable();
            assert_eq!(completed, model.complete(&fences));
        }
        Operation::Fail(place, retry_after) => {
            let Some(fence) = fence(place) else { return };
            let failed = catalogue.fail(fence, &failure(*retry_after)).await.unwrap();
            assert_eq!(failed, model.fail(fence, *retry_after));
        }
        Operation::Release(place) => {
            let Some(fence) = fence(place) else { return };
            assert_eq!(catalogue.release(fence).await.unwrap(), model.release(fence));
        }
        Operation::Cancel(place) => {
            let Some(id) = id(place) else { return };
            assert_eq!(catalogue.cancel(id).await.unwrap(), model.cancel(id));
        }
        Operation::Retry(place) => {
            let id = place.as_ref().and_then(id);
            assert_eq!(catalogue.retry(id).await.unwrap(), model.retry(id));
        }
        Operation::Expire => {
            world.expire_leases().await;
            let running = model.jobs.iter().filter(|job| job.state == JobState::Running);
            model.expired = running.map(|job| job.id).collect();
        }
        Operation::Wait => {
            world.execute("UPDATE jobs SET run_at = 1 WHERE state = 'queued'").await;
            model.waiting.clear();
        }
    }
}

async fn check(world: &World, operations: &[Operation]) {
    world.execute("DELETE FROM jobs").await;
    let mut model = Model::default();
    for (round, operation) in (0..).zip(operations) {
        apply(world, &mut model, operation, round).await;
        let filter = JobFilter {
            limit: u32::MAX,
            ..JobFilter::default()
        };
        let mut rows = world.catalogue.jobs(&filter).await.unwrap();
        rows.reverse();
        let rows: Vec<Expected> = rows.iter().map(Expected::from).collect();
        assert_eq!(rows, model.jobs, "after {operation:?}");
    }
}

/// As many sequences as take a few seconds.
const CASES: u32 = 100;

#[test]
fn random_sequences_do_what_the_model_does() {
    let runtime = Runtime::new().unwrap();
    for world in runtime.block_on(worlds()) {
        let config = Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        };
        let sequences = proptest::collection::vec(operation(), 1..80);
        let checked = TestRunner::new(config).run(&sequences, |operations| {
            runtime.block_on(check(&world, &operations));
            Ok(())
        });
        checked.unwrap();
    }
}
