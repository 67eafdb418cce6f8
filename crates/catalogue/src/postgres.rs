//! The catalogue in a PostgreSQL database (15 or later): for many workers.

mod bulk;
mod contents;
pub(crate) mod copy;
mod jobs;
#[path = "portable/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "portable code is compiled once for each dialect")]
mod portable;

use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::breaker::State;
use codelupe_telemetry::Operation;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Transaction};

use crate::error::Error;
use crate::guard::Guard;
use crate::rows::{Backend, Fence, lease_must_hold, storable};

/// How long an operation waits for a connection, and with it for a server that is starting again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);

/// Connections of one process. A worker needs one for its job, one for the heartbeat, one for errors.
const MAX_CONNECTIONS: u32 = 4;

/// What the server forgets of a client that is gone without a word, and with it the locks that others wait for: an open
/// transaction without a statement after a minute, a connection without a sign of life after another one.
const SESSION: &str = "
    SET idle_in_transaction_session_timeout = '60s';
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3;";

/// For questions to the LSH index and removals from it, which must look at nothing but what they name, however little the
/// planner knows of the tables. Without this it compiles a question of 0.2 ms for 500, and sorts buckets whole.
const LSH_SESSION: &str = "
    SET jit = off;
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;";

const READ_ONLY: &str = "SET default_transaction_read_only = on";

/// The advisory lock of those who write repositories on forges: "hosted" in ASCII.
const HOSTED_LOCK: i64 = 0x686f_7374_6564;

/// What portable code is compiled for.
type Store = Postgres;
type Database = sqlx::Postgres;
type Connection = PgConnection;

/// The sum of a column of sizes, which saturates.
macro_rules! sum_of {
    ($column:literal) => {
        concat!("least(coalesce(sum(", $column, "), 0), 9223372036854775807)::bigint")
    };
}
use sum_of;

/// A PostgreSQL database.
#[derive(Debug)]
pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
    /// Connections of [`LSH_SESSION`], made when first needed.
    pub(crate) lsh_pool: PgPool,
    pub(crate) guard: Guard,
}

impl Postgres {
    /// Connects when first needed.
    pub(crate) fn connect(options: &PgConnectOptions, read_only: bool) -> Self {
        let pool = |settings: &'static str| {
            PgPoolOptions::new()
                .max_connections(MAX_CONNECTIONS)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_connect(move |connection, _| Box::pin(begin_session(connection, settings, read_only)))
                .connect_lazy_with(options.clone())
        };
        Self {
            pool: pool(""),
            lsh_pool: pool(LSH_SESSION),
            guard: Guard::new(),
        }
    }

    /// Begins a transaction that sees one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, sqlx::Postgres>, sqlx::Error> {
        self.pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await
    }

    /// Begins a transaction that may write, and makes sure that its job is still ours, and stays so until its end.
    async fn begin(&self, fence: Option<Fence>) -> Result<Transaction<'static, sqlx::Postgres>, Error> {
        let fail = |error| Error::database("begin a transaction", error);
        let mut transaction = self.pool.begin().await.map_err(fail)?;
        if let Some(fence) = fence {
            let held: Option<i64> =
                sqlx::query_scalar("SELECT id FROM jobs WHERE id = $1 AND lease = $2 AND state = 'running' FOR SHARE")
                    .bind(fence.job)
                    .bind(fence.lease)
                    .fetch_optional(&mut *transaction)
                    .await
                    .map_err(fail)?;
            lease_must_hold(held.is_some(), fence)?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that no other writer of repositories on forges comes between.
    async fn begin_alone(&self) -> Result<Transaction<'static, sqlx::Postgres>, Error> {
        let mut transaction = self.begin(None).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(HOSTED_LOCK)
            .execute(&mut *transaction)
            .await
            .map_err(|error| Error::database("begin a transaction", error))?;
        Ok(transaction)
    }
}

/// The database's clock, in milliseconds since the Unix epoch.
async fn now(connection: &mut PgConnection) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        .fetch_one(connection)
        .await
        .map_err(|error| Error::database("read the clock", error))
}

async fn begin_session(
    connection: &mut PgConnection,
    settings: &'static str,
    read_only: bool,
) -> Result<(), sqlx::Error> {
    for settings in [SESSION, settings] {
        sqlx::raw_sql(settings).execute(&mut *connection).await?;
    }
    if read_only {
        sqlx::raw_sql(READ_ONLY).execute(connection).await?;
    }
    Ok(())
}

/// Says that the files have changed. The last thing before a commit: until its end, others that do the same wait.
async fn raise_generation(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE catalogue SET generation = generation + 1")
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM stages").execute(connection).await?;
    Ok(())
}

async fn generation(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT generation FROM catalogue")
        .fetch_one(connection)
        .await
}

/// The generation, which stays as it is until the end of the transaction.
async fn locked_generation(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT generation FROM catalogue FOR UPDATE")
        .fetch_one(connection)
        .await
}

#[async_trait]
impl Backend for Postgres {
    async fn identity(&self) -> Result<String, Error> {
        let sql = "SELECT id FROM catalogue";
        self.guard
            .run(Operation::ReadIdentity, || {
                sqlx::query_scalar(sql).fetch_one(&self.pool)
            })
            .await
    }

    async fn describe(&self) -> Result<String, Error> {
        let sql = "SELECT 'PostgreSQL ' || current_setting('server_version')";
        self.guard
            .run(Operation::ReadVersion, || sqlx::query_scalar(sql).fetch_one(&self.pool))
            .await
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn breaker_state(&self) -> State {
        self.guard.breaker_state()
    }

    async fn close(&self) {
        self.lsh_pool.close().await;
        self.pool.close().await;
    }
}
