//! The queue. Times are those of the server's clock, in milliseconds.

#[cfg(test)]
mod plans;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::{Postgres, storable};
use crate::error::Error;
use crate::rows::{
    Enqueued, Failure, Fence, JobFilter, JobRow, JobState, Jobs, LeaseRequest, MAX_VANISHED, NewJob, milliseconds,
};

/// A job that is there moves to the new run, and takes its payload unless it is running; if it was dead, it starts afresh.
/// A row that was inserted has no other version (`xmax` 0).
const ENQUEUE: &str = "
    INSERT INTO jobs (key, name, run, step, priority, version, payload, trace_parent, state, run_at, enqueued_at)
    SELECT key, name, run, step, priority, version, payload, trace_parent, 'queued', now, now
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
        WITH ORDINALITY AS new (key, name, run, step, priority, version, payload, trace_parent, place),
        (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
    ORDER BY place
    ON CONFLICT (key) WHERE state IN ('queued', 'running', 'dead') DO UPDATE SET
        run = excluded.run, step = excluded.step, priority = greatest(jobs.priority, excluded.priority),
        version = CASE WHEN jobs.state = 'running' THEN jobs.version ELSE excluded.version END,
        payload = CASE WHEN jobs.state = 'running' THEN jobs.payload ELSE excluded.payload END,
        trace_parent = CASE WHEN jobs.state = 'running' THEN jobs.trace_parent ELSE excluded.trace_parent END,
        attempts = CASE WHEN jobs.state = 'dead' THEN 0 ELSE jobs.attempts END,
        vanished = CASE WHEN jobs.state = 'dead' THEN 0 ELSE jobs.vanished END,
        run_at = CASE WHEN jobs.state = 'running' THEN jobs.run_at ELSE excluded.run_at END,
        finished_at = NULL,
        state = CASE WHEN jobs.state = 'dead' THEN 'queued' ELSE jobs.state END
    RETURNING key, id, xmax = 0 AS new";

/// Leases that ran out; one that ends later than any can was given by a clock that has been set back. The array is computed
/// once: evaluated for each row, its query would lock other rows.
const TAKE_BACK: &str = "
    WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
    UPDATE jobs SET
        state = CASE WHEN vanished + 1 >= $1 THEN 'dead' ELSE 'queued' END,
        finished_at = CASE WHEN vanished + 1 >= $1 THEN (SELECT now FROM clock) END,
        vanished = vanished + 1, run_at = (SELECT now FROM clock), lease_until = NULL, error_code = 'lease_lost',
        error_message = 'the worker ' || coalesce(worker, '') || ' vanished in attempt ' || attempts
    WHERE id = ANY (ARRAY (
        SELECT id FROM jobs
        WHERE state = 'running'
          AND (lease_until < (SELECT now FROM clock) OR lease_until > (SELECT now + 2 * 86400000 FROM clock))
        FOR UPDATE SKIP LOCKED))";

const LEASE: &str = "
    WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
    UPDATE jobs SET
        state = 'running', worker = $1, lease = lease + 1, attempts = attempts + 1,
        started_at = (SELECT now FROM clock), lease_until = (SELECT now + $2 FROM clock)
    WHERE id = ANY (ARRAY (
        SELECT j.id FROM jobs j
        WHERE j.state = 'queued'
          AND (j.run_at <= (SELECT now FROM clock) OR j.run_at > (SELECT now + 2 * 86400000 FROM clock))
          AND j.name = ANY ($3)
          AND ($4::bigint[] IS NULL OR j.id = ANY ($4))
          AND (j.step = 0 OR NOT EXISTS (
              SELECT 1 FROM jobs b
              WHERE b.run = j.run AND b.step < j.step AND b.state IN ('queued', 'running', 'dead')))
        ORDER BY j.priority DESC, j.id LIMIT $5 FOR UPDATE OF j SKIP LOCKED))
    RETURNING *";

const EXTEND: &str = "
    UPDATE jobs SET lease_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3
    WHERE id = $1 AND lease = $2 AND state = 'running'";

const COMPLETE: &str = "
    UPDATE jobs SET
        state = 'done', result = ended.result, finished_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        lease_until = NULL, error_code = NULL, error_message = NULL
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS ended (id, lease, result)
    WHERE jobs.id = ended.id AND jobs.lease = ended.lease AND jobs.state IN ('running', 'done')
    RETURNING jobs.id";

const FAIL: &str = "
    UPDATE jobs SET
        state = CASE WHEN $5::bigint IS NULL THEN 'dead' ELSE 'queued' END,
        finished_at = CASE WHEN $5::bigint IS NULL THEN now END,
        vanished = 0, run_at = now + coalesce($5, 0), lease_until = NULL, error_code = $3, error_message = $4
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
    WHERE id = $1 AND lease = $2 AND state = 'running'";

const RELEASE: &str = "
    UPDATE jobs SET
        state = 'queued', attempts = attempts - 1, vanished = 0, lease_until = NULL,
        run_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE id = $1 AND lease = $2 AND state = 'running'";

/// A canceled job is not queued again when another of its key is open by now.
const RETRY: &str = "
    UPDATE jobs SET
        state = 'queued', attempts = 0, vanished = 0, finished_at = NULL,
        run_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE ($1::bigint IS NULL AND state = 'dead')
       OR (id = $1 AND (state = 'dead' OR (state = 'canceled' AND NOT EXISTS (
              SELECT 1 FROM jobs o WHERE o.key = jobs.key AND o.state IN ('queued', 'running', 'dead')))))";

const CANCEL: &str = "
    UPDATE jobs SET
        state = 'canceled', lease_until = NULL, finished_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE id = $1 AND state IN ('queued', 'running', 'dead')";

const LIST: &str = "
    SELECT * FROM jobs WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR name = $2) ORDER BY id DESC LIMIT $3";

const BY_ID: &str = "SELECT * FROM jobs WHERE id = ANY ($1)";

const COUNTS: &str = "SELECT name, state, count(*) FROM jobs GROUP BY name, state ORDER BY name, state";

const PRUNE: &str = "
    DELETE FROM jobs
    WHERE state IN ('done', 'canceled') AND finished_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1";

#[async_trait]
impl Jobs for Postgres {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Error> {
        jobs.iter().try_for_each(NewJob::check)?;
        // One statement cannot touch a row twice.
        let keys: Vec<_> = jobs.iter().map(|job| storable(&job.key)).collect();
        let mut seen = HashSet::new();
        let first = jobs.iter().zip(&keys).filter(|(_, key)| seen.insert(*key));
        let unique: Vec<&NewJob> = first.map(|(job, _)| job).collect();
        let rows: Vec<EnqueuedRow> = self
            .guard
            .run(Operation::EnqueueJobs, || self.enqueue_unique(&unique))
            .await?;
        let mut rows: HashMap<String, Enqueued> = rows.into_iter().map(|row| (row.key, row.enqueued)).collect();
        let enqueued = keys.iter().filter_map(|key| {
            let row = rows.get_mut(key.as_ref())?;
            Some(std::mem::replace(row, Enqueued { new: false, ..*row }))
        });
        Ok(enqueued.collect())
    }

    async fn lease(&self, request: &LeaseRequest<'_>) -> Result<Vec<JobRow>, Error> {
        let names: Vec<_> = request.names.iter().map(|name| storable(name)).collect();
        let take_back = || sqlx::query(TAKE_BACK).bind(MAX_VANISHED).execute(&self.pool);
        self.guard.run(Operation::TakeLeasesBack, take_back).await?;
        let lease = || {
            sqlx::query_as(LEASE)
                .bind(storable(request.worker))
                .bind(milliseconds(request.lease))
                .bind(&names)
                .bind(request.ids)
                .bind(i64::from(request.limit))
                .fetch_all(&self.pool)
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
        let ids: Vec<i64> = done.iter().map(|(fence, _)| fence.job).collect();
        let leases: Vec<i64> = done.iter().map(|(fence, _)| fence.lease).collect();
        let results: Vec<_> = done.iter().map(|(_, result)| storable(result)).collect();
        let complete = || {
            let query = sqlx::query_scalar(COMPLETE).bind(&ids).bind(&leases);
            query.bind(&results).fetch_all(&self.pool)
        };
        self.guard.run(Operation::CompleteJobs, complete).await
    }

    async fn fail(&self, fence: Fence, failure: &Failure) -> Result<bool, Error> {
        let query = || {
            let query = sqlx::query(FAIL).bind(fence.job).bind(fence.lease);
            let query = query.bind(storable(&failure.code)).bind(storable(&failure.message));
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
                .bind(filter.name.as_deref().map(storable))
                .bind(i64::from(filter.limit))
                .fetch_all(&self.pool)
        };
        self.guard.run(Operation::ReadJobs, query).await
    }

    async fn jobs_by_id(&self, ids: &[i64]) -> Result<Vec<JobRow>, Error> {
        let query = || sqlx::query_as(BY_ID).bind(ids).fetch_all(&self.pool);
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

#[derive(sqlx::FromRow)]
struct EnqueuedRow {
    key: String,
    #[sqlx(flatten)]
    enqueued: Enqueued,
}

impl Postgres {
    async fn enqueue_unique(&self, jobs: &[&NewJob]) -> Result<Vec<EnqueuedRow>, sqlx::Error> {
        let texts = |field: fn(&NewJob) -> &str| jobs.iter().map(|job| storable(field(job))).collect::<Vec<_>>();
        let numbers = |field: fn(&NewJob) -> i64| jobs.iter().map(|job| field(job)).collect::<Vec<_>>();
        let parents: Vec<_> = jobs
            .iter()
            .map(|job| job.trace_parent.as_deref().map(storable))
            .collect();
        sqlx::query_as(ENQUEUE)
            .bind(texts(|job| &job.key))
            .bind(texts(|job| &job.name))
            .bind(texts(|job| &job.run))
            .bind(numbers(|job| job.step))
            .bind(numbers(|job| job.priority))
            .bind(numbers(|job| job.version))
            .bind(texts(|job| &job.payload))
            .bind(parents)
            .fetch_all(&self.pool)
            .await
    }
}
