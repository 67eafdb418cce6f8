//! Taking over from workers of this machine that are gone, without waiting for their leases to run out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codelupe_catalogue::{Catalogue, JobFilter, JobRow, JobState};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::error::Error;
use crate::job::JobName;

/// Leases that are looked at; those beyond run out by themselves.
const LOOK_AT: u32 = 10_000;

/// Host and process: where to look for a worker.
pub(crate) fn worker_name() -> String {
    format!("{}/{}", host(), std::process::id())
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Ends the leases of workers of this machine whose process is not there any more, so that a run that was killed goes on
/// immediately. One that only seems to be gone loses its lease and nothing else: what it would store is refused, and done again.
pub(crate) async fn take_over(catalogue: &Catalogue) -> Result<(), Error> {
    let host = host();
    for job in running(catalogue, None).await? {
        let worker = job.worker.as_deref().unwrap_or_default();
        if is_gone(worker, &host) {
            tracing::info!(job = job.id, worker, "taking over from a worker that is gone");
            catalogue.extend(job.fence(), Duration::ZERO).await?;
        }
    }
    Ok(())
}

/// A job of this kind that a worker is doing: its lease holds, and the worker is not known to be gone.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn held(catalogue: &Catalogue, name: JobName) -> Result<Option<JobRow>, Error> {
    let host = host();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    let jobs = running(catalogue, Some(name)).await?.into_iter();
    Ok(jobs
        .filter(|job| job.lease_until.is_some_and(|until| until > now))
        .find(|job| !is_gone(job.worker.as_deref().unwrap_or_default(), &host)))
}

pub(crate) async fn running(catalogue: &Catalogue, name: Option<JobName>) -> Result<Vec<JobRow>, Error> {
    let filter = JobFilter {
        state: Some(JobState::Running),
        name: name.map(|name| name.as_str().to_owned()),
        limit: LOOK_AT,
    };
    Ok(catalogue.jobs(&filter).await?)
}

fn is_gone(worker: &str, host: &str) -> bool {
    let process = worker.strip_prefix(host).and_then(|rest| rest.strip_prefix('/'));
    let pid = process.and_then(|pid| pid.parse().ok()).filter(|pid: &i32| *pid > 0);
    let Some(pid) = pid.and_then(Pid::from_raw) else {
        return false;
    };
    test_kill_process(pid) == Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_can_be_seen_to_be_gone() {
        let check = |worker: &str, expected| assert_eq!(is_gone(worker, "here"), expected, "{worker}");
        // Linux gives no process a number over 2^22 (proc(5), pid_max).
        check("here/2147483647", true);
        check(&format!("here/{}", std::process::id()), false);
        check("there/2147483647", false);
        check("here", false);
        check("here/", false);
        check("here/-1", false);
        check("here/x", false);
    }
}
