//! Keeping a lease while its job runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codelupe_catalogue::{Catalogue, Error, Fence, JobState};
use codelupe_core::error::ErrorCode;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::progress::Progress;

/// How often it is looked whether the job was canceled, where a lease is extended less often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Extends a lease three times within its duration, until it is dropped. When the lease is lost, or the job was canceled, the
/// job is asked to stop: what it would store is refused anyway.
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(
        runtime: &Handle,
        catalogue: Catalogue,
        progress: Arc<Progress>,
        fence: Fence,
        lease: Duration,
    ) -> Self {
        let taken_up = progress.take_up();
        Self(runtime.spawn(async move {
            let mut extended = Instant::now();
            loop {
                tokio::time::sleep(LOOK_EVERY.min(lease / 3)).await;
                let held = if extended.elapsed() < lease / 3 {
                    holds(&catalogue, fence).await
                } else {
                    extended = Instant::now();
                    catalogue.extend(fence, lease).await
                };
                match held {
                    Ok(true) => {}
                    Ok(false) => return progress.abandon(taken_up),
                    // The lease may hold until the database is back; if not, another worker has the job then. That it is
                    // away, the catalogue says itself.
                    Err(error) if error.code() == ErrorCode::Unavailable => {
                        tracing::debug!(job = fence.job, %error, "no heartbeat");
                    }
                    Err(error) => tracing::warn!(job = fence.job, %error, "no heartbeat"),
                }
            }
        }))
    }
}

async fn holds(catalogue: &Catalogue, fence: Fence) -> Result<bool, Error> {
    let jobs = catalogue.jobs_by_id(&[fence.job]).await?;
    Ok(jobs
        .iter()
        .any(|job| job.state == JobState::Running && job.fence() == fence))
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
