//! A process at work: takes jobs from the queue and does them, one at a time, each by its stage.
//!
//! A command enqueues its jobs and works on them until they are over ([`Worker::drive`]); a worker takes whatever there is
//! ([`Worker::serve`]). Both go the same way, so any number of processes may share the work.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use codelupe_catalogue::{Catalogue, CatalogueUrl, Fence, JobRow, Migrate};
use codelupe_corpus::{DataFolder, WriteLock, remove_unlinked};
use tokio::runtime::Handle;

use crate::alert::Alerts;
use crate::context::Context;
use crate::error::Error;
use crate::gone;
use crate::progress::Progress;
use crate::run::{Enqueued, Run};
use crate::stage::Stages;
use crate::tracker::Tracker;

/// How long a lease holds without a heartbeat, unless configured otherwise: a worker that vanished is replaced after this.
pub const LEASE: Duration = Duration::from_mins(1);

/// Where a worker works, and how.
#[derive(Debug, Clone)]
pub struct Workplace {
    /// The data folder.
    pub folder: DataFolder,
    /// The catalogue.
    pub catalogue: CatalogueUrl,
    /// Whether an old schema is migrated at start.
    pub migrate: Migrate,
    /// How long a lease holds without a heartbeat.
    pub lease: Duration,
    /// Which errors raise alerts, and where alerts go; without it there are none.
    pub alerts: Option<Alerts>,
}

/// A process at work on a data folder.
pub struct Worker {
    /// The data folder.
    pub folder: DataFolder,
    /// The catalogue.
    pub catalogue: Catalogue,
    /// What a display reads, and how the work is stopped.
    pub progress: Arc<Progress>,
    pub(crate) name: String,
    pub(crate) lease: Duration,
    pub(crate) runtime: Handle,
    pub(crate) tracker: Tracker,
    pub(crate) stages: Stages,
    lock: WriteLock,
}

impl Worker {
    /// Opens a data folder for writing: takes its lock, makes the catalogue if there is none, removes what a crash left
    /// behind.
    ///
    /// # Errors
    /// `Store` when the folder cannot be made or is damaged, or the catalogue cannot be opened or is not this folder's.
    pub async fn open(place: Workplace, stages: Stages, progress: Arc<Progress>) -> Result<Self, Error> {
        let folder = place.folder;
        let mut lock = folder.lock()?;
        let catalogue = Catalogue::open(&place.catalogue, place.migrate).await?;
        let (identity, claimed) = (catalogue.identity().await?, folder.clone());
        let linked: Arc<HashSet<String>> = Arc::new(catalogue.segments().await?.into_values().collect());
        let known = Arc::clone(&linked);
        let checked = move || {
            claimed
                .claim(&identity)
                .and_then(|()| claimed.refuse_other_store(&known))
        };
        blocking(checked).await?;
        if lock.is_alone() {
            remove_orphans(&folder, &lock, &catalogue, linked).await?;
            gone::take_over(&catalogue).await?;
            lock.share()?;
        }
        let tracker = Tracker::start(catalogue.clone(), place.alerts);
        Ok(Self {
            folder,
            catalogue,
            progress,
            name: gone::worker_name(),
            lease: place.lease,
            lock,
            runtime: Handle::current(),
            tracker,
            stages,
        })
    }

    /// What the stages work with, outside of any job.
    pub fn context(&self) -> Context {
        self.context_of(None)
    }

    pub(crate) fn context_of(&self, fence: Option<Fence>) -> Context {
        Context {
            folder: self.folder.clone(),
            catalogue: self.catalogue.clone(),
            progress: Arc::clone(&self.progress),
            fence,
            errors: self.tracker.reporter(),
            runtime: self.runtime.clone(),
        }
    }

    /// Puts the jobs of a run into the queue.
    ///
    /// # Errors
    /// `Store` when the catalogue fails. Nothing is enqueued then.
    pub fn enqueue(&self, run: Run) -> Result<Enqueued, Error> {
        self.wait(run.enqueue(&self.catalogue))
    }

    /// Waits for a call of the catalogue; workers are blocking and must not run on a runtime's own thread.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Closes the catalogue and gives the lock back.
    pub async fn close(self) {
        self.tracker.close().await;
        self.catalogue.close().await;
        drop(self.lock);
    }
}

/// Removes what interrupted writers left behind.
async fn remove_orphans(
    folder: &DataFolder,
    lock: &WriteLock,
    catalogue: &Catalogue,
    linked: Arc<HashSet<String>>,
) -> Result<(), Error> {
    let removed = folder.remove_orphans(lock, |name| linked.contains(name))?;
    if removed > 0 {
        tracing::info!(removed, "removed files that an interrupted run left behind");
    }
    if folder.is_own_store() {
        return Ok(());
    }
    let (objects, since) = (Arc::clone(folder.objects()), running_since(catalogue).await?);
    let swept = move || remove_unlinked(&*objects, |name| linked.contains(name), since, SystemTime::now());
    match blocking(swept).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(
            removed,
            "removed segments of the store that an interrupted run left behind"
        ),
        // They cost space and do no harm; whoever works here need not be allowed to remove anything.
        Err(error) => tracing::warn!(%error, "what interrupted runs left in the store stays there"),
    }
    Ok(())
}

/// When the oldest attempt of all that run now began: nothing that was written before can still be linked.
async fn running_since(catalogue: &Catalogue) -> Result<Option<SystemTime>, Error> {
    let started = |job: JobRow| u64::try_from(job.started_at.unwrap_or_default()).unwrap_or_default();
    let oldest = gone::running(catalogue, None).await?.into_iter().map(started).min();
    Ok(oldest.map(|started| SystemTime::UNIX_EPOCH + Duration::from_millis(started)))
}

/// Waits for a call that blocks, beside the runtime's own threads.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(answer) => answer,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
