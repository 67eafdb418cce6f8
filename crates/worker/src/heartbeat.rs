//! Keeping a lease while its job runs.

use std::sync::Arc;
use std::time::Duration;

use codelupe_catalogue::{Catalogue, Fence};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::progress::Progress;

/// Extends a lease three times within its duration, until it is dropped. When the lease is lost, the job is told to stop:
/// what it would store is refused anyway.
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(
        runtime: &Handle,
        catalogue: Catalogue,
        (progress, taken_up): (Arc<Progress>, u64),
        fence: Fence,
        lease: Duration,
    ) -> Self {
        Self(runtime.spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                match catalogue.extend(fence, lease).await {
                    Ok(true) => {}
                    Ok(false) => return progress.abandon(taken_up),
                    // The lease may hold until the database is back; if not, another worker has the job then.
                    Err(error) => tracing::warn!(job = fence.job, %error, "no heartbeat"),
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
