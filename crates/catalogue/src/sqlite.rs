//! The catalogue in a SQLite file (WAL mode): the embedded default.
//!
//! Several processes may work on one file. Writers begin with `BEGIN IMMEDIATE`, so that they wait for each other instead of
//! finding out half-way that they cannot write.

mod bulk;
mod contents;
mod jobs;
#[path = "portable/mod.rs"]
mod portable;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::breaker::State;
use codelupe_telemetry::Operation;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool, Transaction};

use crate::error::Error;
use crate::guard::Guard;
use crate::rows::{Backend, Fence, lease_must_hold};

/// How long a statement waits for another writer before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What portable code is compiled for.
type Store = Sqlite;
type Database = sqlx::Sqlite;
type Connection = SqliteConnection;

/// The sum of a column of sizes, which saturates.
macro_rules! sum_of {
    ($column:literal) => {
        concat!("CAST(total(", $column, ") AS INTEGER)")
    };
}
use sum_of;

/// A SQLite file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
    guard: Guard,
}

impl Sqlite {
    pub(crate) async fn connect(path: &Path, read_only: bool) -> Result<Self, Error> {
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            // A full disk makes SQLite roll back by itself, of which the driver does not know: such a connection is no good.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options(path).read_only(read_only))
            .await
            .map_err(|error| Error::database("open the file", error))?;
        let guard = Guard::new();
        Ok(Self { pool, guard })
    }

    /// Begins a transaction that sees one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        self.pool.begin().await
    }

    /// Begins a transaction that may write, and makes sure that its job is still ours.
    async fn begin(&self, fence: Option<Fence>) -> Result<Transaction<'static, sqlx::Sqlite>, Error> {
        let fail = |error| Error::database("begin a transaction", error);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
        if let Some(fence) = fence {
            let holds = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ? AND lease = ? AND state = 'running')",
            )
            .bind(fence.job)
            .bind(fence.lease)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fail)?;
            lease_must_hold(holds, fence)?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that no other writer of repositories on forges comes between: of SQLite, each that writes.
    async fn begin_alone(&self) -> Result<Transaction<'static, sqlx::Sqlite>, Error> {
        self.begin(None).await
    }
}

/// The database's clock, in milliseconds since the Unix epoch.
async fn now(connection: &mut SqliteConnection) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)")
        .fetch_one(connection)
        .await
        .map_err(|error| Error::database("read the clock", error))
}

/// Says that the files have changed.
async fn raise_generation(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM stages").execute(&mut *connection).await?;
    sqlx::query("UPDATE catalogue SET generation = generation + 1")
        .execute(connection)
        .await?;
    Ok(())
}

/// The generation, which stays as it is until the end of the transaction: here one that writes is alone.
async fn locked_generation(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    generation(connection).await
}

async fn generation(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT generation FROM catalogue")
        .fetch_one(connection)
        .await
}

/// How a file is opened.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode this survives a killed process; a power cut may lose the last transaction but never tears one.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}

#[async_trait]
impl Backend for Sqlite {
    async fn identity(&self) -> Result<String, Error> {
        let sql = "SELECT id FROM catalogue";
        self.guard
            .run(Operation::ReadIdentity, || {
                sqlx::query_scalar(sql).fetch_one(&self.pool)
            })
            .await
    }

    async fn describe(&self) -> Result<String, Error> {
        let sql = "SELECT 'SQLite ' || sqlite_version()";
        self.guard
            .run(Operation::ReadVersion, || sqlx::query_scalar(sql).fetch_one(&self.pool))
            .await
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn breaker_state(&self) -> State {
        self.guard.breaker_state()
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
