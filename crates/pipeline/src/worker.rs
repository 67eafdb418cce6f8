//! A process at work: takes jobs from the queue and does them, one at a time, each by its stage.
//!
//! `run` and the single stages enqueue their jobs and work on them until they are over ([`Worker::drive`]); a worker takes
//! whatever there is ([`Worker::serve`]). Both go the same way, so any number of processes may share the work.

mod attempt;
mod drive;
mod gone;
mod heartbeat;
mod plan;
mod serve;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Fence, Migrate};
use codelupe_corpus::{DataFolder, WriteLock};
use codelupe_forge::Token;
use tokio::runtime::Handle;

pub use drive::Outcome;
pub use plan::{Enqueued, Plan};
pub use serve::{Served, Until};

use crate::alert::Alerts;
use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::progress::Progress;
use crate::tools::Tools;
use crate::tracker::Tracker;

/// How long a lease holds without a heartbeat, unless told otherwise: a worker that vanished is replaced after this.
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
    /// What of the errors is told to somebody, and where; none without it.
    pub alerts: Option<Alerts>,
    /// What forges know us by; each is sent to its own forge alone.
    pub tokens: Vec<Token>,
}

/// A process at work on a data folder.
pub struct Worker {
    /// The data folder.
    pub folder: DataFolder,
    /// The catalogue.
    pub catalogue: Catalogue,
    /// What a display reads and how to stop.
    pub progress: Arc<Progress>,
    name: String,
    lease: Duration,
    lock: WriteLock,
    runtime: Handle,
    tracker: Tracker,
    tokens: Vec<Token>,
    tools: Mutex<Option<Arc<Tools>>>,
}

impl Worker {
    /// Opens a data folder for writing: takes its lock, makes the catalogue if there is none, removes what a crash left
    /// behind.
    ///
    /// # Errors
    /// `Store` when the folder cannot be made or is damaged, or the catalogue cannot be opened or is not this folder's.
    pub async fn open(place: Workplace, progress: Arc<Progress>) -> Result<Self, Error> {
        let folder = place.folder;
        let mut lock = folder.lock()?;
        let catalogue = Catalogue::open(&place.catalogue, place.migrate).await?;
        folder.claim(&catalogue.identity().await?)?;
        if lock.is_alone() {
            remove_orphans(&folder, &lock, &catalogue).await?;
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
            tokens: place.tokens,
            tools: Mutex::new(None),
        })
    }

    /// What the stages work with, outside of any job.
    ///
    /// # Errors
    /// `Config` when a setting is not valid.
    pub fn context(&self, config: &Config) -> Result<Context, Error> {
        self.context_of(config, None)
    }

    fn context_of(&self, config: &Config, fence: Option<Fence>) -> Result<Context, Error> {
        config.validate()?;
        Ok(Context {
            folder: self.folder.clone(),
            catalogue: self.catalogue.clone(),
            config: config.clone(),
            progress: Arc::clone(&self.progress),
            fence,
            errors: self.tracker.reporter(),
            tools: self.tools(config)?,
            tokens: self.tokens.clone(),
            runtime: self.runtime.clone(),
        })
    }

    fn tools(&self, config: &Config) -> Result<Arc<Tools>, Error> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tools) = tools.as_ref().filter(|tools| tools.are_for(config)) {
            return Ok(Arc::clone(tools));
        }
        let made = Arc::new(Tools::new(config)?);
        *tools = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Waits for a store call; workers are blocking and must not run on a runtime's own thread.
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
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
async fn remove_orphans(folder: &DataFolder, lock: &WriteLock, catalogue: &Catalogue) -> Result<(), Error> {
    let linked: HashSet<String> = catalogue.segments().await?.into_values().collect();
    let removed = folder.remove_orphans(lock, |name| linked.contains(name))?;
    if removed > 0 {
        tracing::info!(removed, "removed files that an interrupted run left behind");
    }
    Ok(())
}
