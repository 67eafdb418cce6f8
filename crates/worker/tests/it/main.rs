//! What is wrong with the machine ends the worker, and the job is left to others.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codelupe_catalogue::{CatalogueUrl, JobState, Migrate};
use codelupe_core::error::ErrorCode;
use codelupe_corpus::DataFolder;
use codelupe_worker::{
    Context, IndexJob, JobName, LEASE, Progress, Run, Served, Settings, Stage, Stages, Until, Worker, Workplace,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_in_a_job_ends_the_worker_and_gives_the_job_back() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::new(root.path().join("data"));
    let place = Workplace {
        catalogue: CatalogueUrl::Sqlite(folder.catalogue()),
        folder,
        migrate: Migrate::Refused,
        lease: LEASE,
        alerts: None,
    };
    let failures = Arc::new(AtomicUsize::new(1));
    let stages = Stages::default().with(Failing(Arc::clone(&failures)));
    let worker = Worker::open(place, stages, Arc::new(Progress::default()))
        .await
        .unwrap();
    let mut run = Run::new(0);
    let settings = Settings::of(&()).unwrap();
    run.add("index".to_owned(), &IndexJob { settings }).unwrap();
    let catalogue = worker.catalogue.clone();
    let enqueued = run.enqueue(&catalogue).await.unwrap();
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

async fn serve(worker: Worker) -> (Worker, Result<Served, codelupe_worker::Error>) {
    let served = tokio::task::spawn_blocking(move || {
        let served = worker.serve(&[JobName::Index], Until::Idle);
        (worker, served)
    });
    served.await.unwrap()
}
