//! What becomes of jobs when a worker ends early.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codelupe_catalogue::{Catalogue, CatalogueUrl, JobState, Migrate};
use codelupe_core::error::ErrorCode;
use codelupe_corpus::DataFolder;
use codelupe_worker::{
    Context, Enqueued, IndexJob, JobName, LEASE, Run, Served, Settings, Stage, Stages, Until, Worker, Workplace,
};

codelupe_core::coded_error! {
    /// What a stage fails with.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// The disk is full.
        DiskFull = DiskFull,
    }
}

/// Fails as often as it is told to, by a full disk.
struct Failing(Arc<AtomicUsize>);

impl Stage for Failing {
    type Input = IndexJob;
    type Output = ();
    type Error = Error;

    fn run(&self, _: &Context, _: IndexJob) -> Result<(), Error> {
        let left = self.0.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(());
        }
        self.0.store(left - 1, Ordering::SeqCst);
        Err(Error::new(ErrorKind::DiskFull, "no room"))
    }
}

/// A worker on a data folder of its own, whose jobs fail as often as `failures` says.
async fn open(root: &Path, failures: &Arc<AtomicUsize>) -> Worker {
    let folder = DataFolder::new(root.join("data"));
    let place = Workplace {
        catalogue: CatalogueUrl::Sqlite(folder.catalogue()),
        folder,
        migrate: Migrate::Refused,
        lease: LEASE,
        alerts: None,
    };
    let stages = Stages::default().with(Failing(Arc::clone(failures)));
    Worker::open(place, stages, Arc::default()).await.unwrap()
}

/// Enqueues jobs of these keys.
async fn enqueue(catalogue: &Catalogue, keys: &[&str]) -> Enqueued {
    let mut run = Run::new(0);
    for key in keys {
        let settings = Settings::of(&()).unwrap();
        run.add((*key).to_owned(), &IndexJob { settings }).unwrap();
    }
    run.enqueue(catalogue).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_in_a_job_ends_the_worker_and_gives_the_job_back() {
    let root = tempfile::tempdir().unwrap();
    let worker = open(root.path(), &Arc::new(AtomicUsize::new(1))).await;
    let catalogue = worker.catalogue.clone();
    let enqueued = enqueue(&catalogue, &["index"]).await;
    let (worker, served) = serve(worker).await;
    assert_eq!(served.unwrap_err().code(), ErrorCode::DiskFull);
    let jobs = catalogue.jobs_by_id(&enqueued.jobs).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].state), (1, JobState::Queued), "{jobs:?}");

    let (worker, served) = serve(worker).await;
    let done = Served {
        done: 1,
        ..Served::default()
    };
    assert_eq!(served.unwrap(), done);
    worker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_takes_out_the_jobs_that_are_its_own_alone() {
    let root = tempfile::tempdir().unwrap();
    let worker = open(root.path(), &Arc::default()).await;
    let catalogue = worker.catalogue.clone();
    let earlier = enqueue(&catalogue, &["earlier"]).await;
    let run = enqueue(&catalogue, &["earlier", "own", "joined"]).await;
    assert_eq!((run.known, &run.new[..]), (1, &run.jobs[1..]));
    let later = enqueue(&catalogue, &["joined"]).await;
    assert_eq!((&run.jobs[0], &run.jobs[2]), (&earlier.jobs[0], &later.jobs[0]));

    worker.progress.stop();
    let jobs = run.jobs.clone();
    let driven = tokio::task::spawn_blocking(move || (worker.drive(&run).map(drop), worker));
    let (stopped, worker) = driven.await.unwrap();
    assert_eq!(stopped.unwrap_err().code(), ErrorCode::Canceled);
    let rows = catalogue.jobs_by_id(&jobs).await.unwrap();
    let states: BTreeMap<&str, JobState> = rows.iter().map(|job| (job.key.as_str(), job.state)).collect();
    let expected = [
        ("earlier", JobState::Queued),
        ("joined", JobState::Queued),
        ("own", JobState::Canceled),
    ];
    assert_eq!(states, expected.into());
    worker.close().await;
}

async fn serve(worker: Worker) -> (Worker, Result<Served, codelupe_worker::Error>) {
    let served = tokio::task::spawn_blocking(move || {
        let served = worker.serve(&[JobName::Index], Until::Idle);
        (worker, served)
    });
    served.await.unwrap()
}
