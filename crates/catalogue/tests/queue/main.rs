//! The queue on both databases: what each operation does, what a random sequence of them does, and what is left when
//! workers and servers are killed.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod bounds;
mod endings;
mod enqueue;
mod lease;
mod listing;
mod model;
#[cfg(feature = "slow")]
mod soak;

use std::time::Duration;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Enqueued, Failure, JobRow, JobState, LeaseRequest, Migrate, NewJob};
use codelupe_testkit::postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// Longer than any test.
const HOUR: Duration = Duration::from_hours(1);

/// A catalogue of its own.
struct World {
    catalogue: Catalogue,
    url: CatalogueUrl,
    _root: Option<TempDir>,
}

/// One catalogue on each database.
async fn worlds() -> [World; 2] {
    let root = tempfile::tempdir().unwrap();
    let sqlite = CatalogueUrl::Sqlite(root.path().join("catalogue.sqlite"));
    let postgres = postgres::shared().database().parse().unwrap();
    [World::open(sqlite, Some(root)).await, World::open(postgres, None).await]
}

impl World {
    async fn open(url: CatalogueUrl, root: Option<TempDir>) -> Self {
        let catalogue = Catalogue::open(&url, Migrate::Allowed).await.unwrap();
        Self {
            catalogue,
            url,
            _root: root,
        }
    }

    /// The same database, over connections of its own.
    async fn another(&self) -> Catalogue {
        Catalogue::open(&self.url, Migrate::Refused).await.unwrap()
    }

    /// Runs SQL that no catalogue would run.
    async fn execute(&self, sql: impl Into<String>) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match &self.url {
            CatalogueUrl::Sqlite(path) => {
                let address = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&address).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
            }
            CatalogueUrl::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
            }
        }
    }

    /// Lets all leases run out.
    async fn expire_leases(&self) {
        self.execute("UPDATE jobs SET lease_until = 1 WHERE state = 'running'")
            .await;
    }

    async fn enqueue(&self, jobs: &[NewJob]) -> Vec<Enqueued> {
        self.catalogue.enqueue(jobs).await.unwrap()
    }

    async fn enqueue_one(&self, job: NewJob) -> i64 {
        self.enqueue(&[job]).await[0].id
    }

    /// Enqueues a job and brings it into a state.
    async fn enqueue_in(&self, job: NewJob, state: JobState) -> i64 {
        let ids = [self.enqueue_one(job.clone()).await];
        let request = LeaseRequest {
            ids: Some(&ids),
            names: &[&job.name],
            ..request("w", 1)
        };
        if !matches!(state, JobState::Queued | JobState::Canceled) {
            let fence = self.catalogue.lease(&request).await.unwrap()[0].fence();
            match state {
                JobState::Done => drop(self.catalogue.complete(&[(fence, "{}".to_owned())]).await.unwrap()),
                JobState::Dead => assert!(self.catalogue.fail(fence, &failure(None)).await.unwrap()),
                _ => {}
            }
        } else if state == JobState::Canceled {
            assert!(self.catalogue.cancel(ids[0]).await.unwrap());
        }
        assert_eq!(self.job(ids[0]).await.state, state);
        ids[0]
    }

    async fn lease(&self, worker: &str, limit: u32) -> Vec<JobRow> {
        self.catalogue.lease(&request(worker, limit)).await.unwrap()
    }

    /// The next job, which must be there.
    async fn lease_one(&self, worker: &str) -> JobRow {
        self.lease(worker, 1).await.remove(0)
    }

    async fn job(&self, id: i64) -> JobRow {
        self.catalogue.jobs_by_id(&[id]).await.unwrap().remove(0)
    }
}

fn request(worker: &str, limit: u32) -> LeaseRequest<'_> {
    LeaseRequest {
        worker,
        names: &["work"],
        ids: None,
        limit,
        lease: HOUR,
    }
}

fn job(key: &str) -> NewJob {
    NewJob {
        key: key.to_owned(),
        name: "work".to_owned(),
        run: "run".to_owned(),
        step: 0,
        priority: 0,
        version: 1,
        payload: format!("{{\"of\":\"{key}\"}}"),
        trace_parent: None,
    }
}

fn failure(retry_after: Option<Duration>) -> Failure {
    Failure {
        code: "network".to_owned(),
        message: "the line was cut: by a digger".to_owned(),
        retry_after,
    }
}

fn keys(jobs: &[JobRow]) -> Vec<&str> {
    jobs.iter().map(|job| job.key.as_str()).collect()
}
