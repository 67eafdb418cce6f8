//! The queue. Times are those of SQLite's clock, in milliseconds.

#[cfg(test)]
mod plans;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::Sqlite;
use crate::error::Error;
use crate::rows::{
    Enqueued, Failure, Fence, JobFilter, JobRow, JobState, Jobs, LeaseRequest, MAX_VANISHED, NewJob, milliseconds,
};

const ENQUEUE: &str = "
    INSERT INTO jobs (key, name, run, step, priority, version, payload, trace_parent, state, run_at, enqueued_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', now, now
    FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)
    WHERE true
    ON CONFLICT (key) WHERE state IN ('queued', 'running', 'dead') DO NOTHING
    RETURNING id, true AS new";

/// A job that is there moves to the new run, and takes its payload unless it is running; if it was dead, it starts afresh.
const ADOPT: &str = "
    UPDATE jobs SET run = ?2, step = ?3, priority = max(priority, ?4),
        version = CASE WHEN state = 'running' THEN version ELSE ?5 END,
        payload = CASE WHEN state = 'running' THEN payload ELSE ?6 END,
        trace_parent = CASE WHEN state = 'running' THEN trace_parent ELSE ?7 END,
        attempts = CASE WHEN state = 'dead' THEN 0 ELSE attempts END,
        vanished = CASE WHEN state = 'dead' THEN 0 ELSE vanished END,
        run_at = CASE WHEN state = 'running' THEN run_at ELSE CAST(unixepoch('subsec') * 1000 AS INTEGER) END,
        finished_at = NULL,
        state = CASE WHEN state = 'dead' THEN 'queued' ELSE state END
    WHERE key = ?1 AND state IN ('queued', 'running', 'dead')
    RETURNING id, false AS new";

/// Leases that ran out; one that ends later than any can was given by a clock that has been set back.
const TAKE_BACK: &str = "
    UPDATE jobs SET
        state = CASE WHEN vanished + 1 >= ?1 THEN 'dead' ELSE 'queued' END,
        finished_at = CASE WHEN vanished + 1 >= ?1 THEN now END,
        vanished = vanished + 1, run_at = now, lease_until = NULL, error_code = 'lease_lost',
        error_message = 'the worker ' || coalesce(worker, '') || ' vanished in attempt ' || attempts
    FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)
    WHERE state = 'running' AND (lease_until < now OR lease_until > now + 2 * 86400000)";

const LEASE: &str = "
    UPDATE jobs SET
        state = 'running', worker = ?1, lease = lease + 1, attempts = attempts + 1,
        started_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ?2
    WHERE id IN (
        SELECT j.id FROM jobs j, (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)
        WHERE j.state = 'queued' AND (j.run_at <= now OR j.run_at > now + 2 * 86400000)
          AND j.name IN (SELECT value FROM json_each(?3))
          AND (?4 IS NULL OR j.id IN (SELECT value FROM json_each(?4)))
          AND (j.step = 0 OR NOT EXISTS (
              SELECT 1 FROM jobs b
              WHERE b.run = j.run AND b.step < j.step AND b.state IN ('queued', 'running', 'dead')))
        ORDER BY j.priority DESC, j.id LIMIT ?5)
    RETURNING *";

const EXTEND: &str = "
    UPDATE jobs SET lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ?3
    WHERE id = ?1 AND lease = ?2 AND state = 'running'";

const COMPLETE: &str = "
    UPDATE jobs SET
        state = 'done', result = ?3, finished_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        lease_until = NULL, error_code = NULL, error_message = NULL
    WHERE id = ?1 AND lease = ?2 AND state IN ('running', 'done')";

const FAIL: &str = "
    UPDATE jobs SET
        state = CASE WHEN ?5 IS NULL THEN 'dead' ELSE 'queued' END,
        finished_at = CASE WHEN ?5 IS NULL THEN now END,
        vanished = 0, run_at = now + coalesce(?5, 0), lease_until = NULL, error_code = ?3, error_message = ?4
    FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)
    WHERE id = ?1 AND lease = ?2 AND state = 'running'";

const RELEASE: &str = "
    UPDATE jobs SET
        state = 'queued', attempts = attempts - 1, vanished = 0, lease_until = NULL,
        run_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE id = ?1 AND lease = ?2 AND state = 'running'";

/// A canceled job is not queued again when another of its key is open by now.
const RETRY: &str = "
    UPDATE jobs SET
        state = 'queued', attempts = 0, vanished = 0, finished_at = NULL,
        run_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE (?1 IS NULL AND state = 'dead')
       OR (id = ?1 AND (state = 'dead' OR (state = 'canceled' AND NOT EXISTS (
              SELECT 1 FROM jobs o WHERE o.key = jobs.key AND o.state IN ('queued', 'running', 'dead')))))";

const CANCEL: &str = "
    UPDATE jobs SET
        state = 'canceled', lease_until = NULL, finished_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE id = ? AND state IN ('queued', 'running', 'dead')";

const LIST: &str = "
    SELECT * FROM jobs WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY id DESC LIMIT ?3";

const BY_ID: &str = "SELECT * FROM jobs WHERE id IN (SELECT value FROM json_each(?))";

const COUNTS: &str = "SELECT name, state, count(*) FROM jobs GROUP BY name, state ORDER BY name, state";

const PRUNE: &str = "
    DELETE FROM jobs
    WHERE state IN ('done', 'canceled') AND finished_at < CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?";

#[async_trait]
impl Jobs for Sqlite {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Error> {
        jobs.iter().try_for_each(NewJob::check)?;
        let enqueue = || async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut enqueued = Vec::with_capacity(jobs.len());
            let mut ids = HashMap::new();
            for job in jobs {
                let row = match ids.get(&job.key) {
                    Some(&id) => Enqueued { id, new: false },
                    None => enqueue_one(&mut transaction, job).await?,
                };
                ids.insert(&job.key, row.id);
                enqueued.push(row);
            }
            transaction.commit().await?;
            Ok(enqueued)
        };
        self.guard.run(Operation::EnqueueJobs, enqueue).await
    }

    async fn lease(&self, request: &LeaseRequest<'_>) -> Result<Vec<JobRow>, Error> {
        let names = serde_json::json!(request.names).to_string();
        let ids = request.ids.map(|ids| serde_json::json!(ids).to_string());
        let lease = || async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(TAKE_BACK)
                .bind(MAX_VANISHED)
                .execute(&mut *transaction)
                .await?;
            let jobs = sqlx::query_as(LEASE)
                .bind(request.worker)
                .bind(milliseconds(request.lease))
                .bind(&names)
                .bind(&ids)
                .bind(i64::from(request.limit))
                .fetch_all(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(jobs)
        };
        let mut jobs: Vec<JobRow> = self.guard.run(Operation::LeaseJobs, lease).await?;
        jobs.sort_by_key(|job| (Reverse(job.priority), job.id));
        Ok(jobs)
    }

    async fn extend(&self, fence: Fence, lease: Duration) -> Result<bool, Error> {
        let query = || {
            let query = sqlx::query(EXTEND).bind(fence.job).bind(fence.lease);
            query.bind(milliseconds(lease)).execute(&self.pool)
        };
        self.guard
            .run(Operation::ExtendLease, query)
            .await
            .map(|done| done.rows_affected() == 1)
    }

    async fn complete(&self, done: &[(Fence, String)]) -> Result<Vec<i64>, Error> {
        let complete = || async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut completed = BTreeSet::new();
            for (fence, result) in done {
                let query = sqlx::query(COMPLETE).bind(fence.job).bind(fence.lease).bind(result);
                if query.execute(&mut *transaction).await?.rows_affected() == 1 {
                    completed.insert(fence.job);
                }
            }
            transaction.commit().await?;
            Ok(completed.into_iter().collect())
        };
        self.guard.run(Operation::CompleteJobs, complete).await
    }

    async fn fail(&self, fence: Fence, failure: &Failure) -> Result<bool, Error> {
        let query = || {
            let query = sqlx::query(FAIL).bind(fence.job).bind(fence.lease);
            let query = query.bind(&failure.code).bind(&failure.message);
            query.bind(failure.retry_after.map(milliseconds)).execute(&self.pool)
        };
        self.guard
            .run(Operation::NoteFailedJob, query)
            .await
            .map(|done| done.rows_affected() == 1)
    }

    async fn release(&self, fence: Fence) -> Result<bool, Error> {
        let query = || {
            sqlx::query(RELEASE)
                .bind(fence.job)
                .bind(fence.lease)
                .execute(&self.pool)
        };
        self.guard
            .run(Operation::ReleaseJob, query)
            .await
            .map(|done| done.rows_affected() == 1)
    }

    async fn retry(&self, id: Option<i64>) -> Result<u64, Error> {
        let query = || sqlx::query(RETRY).bind(id).execute(&self.pool);
        self.guard
            .run(Operation::QueueJobsAgain, query)
            .await
            .map(|done| done.rows_affected())
    }

    async fn cancel(&self, id: i64) -> Result<bool, Error> {
        let query = || sqlx::query(CANCEL).bind(id).execute(&self.pool);
        self.guard
            .run(Operation::CancelJob, query)
            .await
            .map(|done| done.rows_affected() == 1)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>, Error> {
        let query = || {
            let query = sqlx::query_as(LIST).bind(filter.state.map(JobState::as_str));
            query
                .bind(&filter.name)
                .bind(i64::from(filter.limit))
                .fetch_all(&self.pool)
        };
        self.guard.run(Operation::ReadJobs, query).await
    }

    async fn jobs_by_id(&self, ids: &[i64]) -> Result<Vec<JobRow>, Error> {
        let ids = serde_json::json!(ids).to_string();
        let query = || sqlx::query_as(BY_ID).bind(&ids).fetch_all(&self.pool);
        self.guard.run(Operation::ReadJobs, query).await
    }

    async fn job_counts(&self) -> Result<Vec<(String, String, i64)>, Error> {
        let query = || sqlx::query_as(COUNTS).fetch_all(&self.pool);
        self.guard.run(Operation::CountJobs, query).await
    }

    async fn prune_jobs(&self, age: Duration) -> Result<u64, Error> {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let query = || sqlx::query(PRUNE).bind(age).execute(&self.pool);
        self.guard
            .run(Operation::ForgetJobs, query)
            .await
            .map(|done| done.rows_affected())
    }
}

async fn enqueue_one(connection: &mut sqlx::SqliteConnection, job: &NewJob) -> Result<Enqueued, sqlx::Error> {
    let new: Option<Enqueued> = sqlx::query_as(ENQUEUE)
        .bind(&job.key)
        .bind(&job.name)
        .bind(&job.run)
        .bind(job.step)
        .bind(job.priority)
        .bind(job.version)
        .bind(&job.payload)
        .bind(&job.trace_parent)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(new) = new {
        return Ok(new);
    }
    let adopt = sqlx::query_as(ADOPT).bind(&job.key).bind(&job.run).bind(job.step);
    let adopt = adopt.bind(job.priority).bind(job.version).bind(&job.payload);
    adopt.bind(&job.trace_parent).fetch_one(connection).await
}
