//! The schema: versioned migrations, up and down, for each dialect under the same numbers.
//!
//! `migrations/DIALECT/NNNN_name.{up,down}.sql` are part of the program. Each runs in one transaction together with the row
//! that notes it, so a migration that is killed half-way has not happened. A lock (an advisory one of PostgreSQL; a file
//! beside SQLite's) lets one process migrate at a time. The first line of a down migration, `-- loses: TABLE, …`, names
//! what going back destroys.

mod dump;
mod rollback;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::migrate::{Migrate as _, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _};

pub use rollback::{Loss, Rename, RollbackStep};

use crate::error::{Error, ErrorKind};
use crate::sqlite;
use crate::url::CatalogueUrl;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The table in which sqlx notes what was applied.
const APPLIED: &str = "_sqlx_migrations";

/// Whether an old schema is migrated at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// It is.
    Allowed,
    /// It is refused, with the command to run.
    Refused,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// It is in the database.
    Applied,
    /// It is not in the database yet.
    Pending,
    /// It is in the database, and has another text than in this program.
    Changed,
    /// It is in the database, and this program does not know it.
    Unknown,
}

impl fmt::Display for MigrationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        })
    }
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// Its number.
    pub version: i64,
    /// Its name; empty when this program does not know it.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// A database as a place for a schema.
pub struct Schema {
    connection: Connection,
    /// The file that locks a SQLite file against other migrators.
    lock: Option<PathBuf>,
}

/// Other migrators are kept out; of a SQLite file by a lock on this one.
struct Lock(#[expect(dead_code, reason = "its end gives the lock back")] Option<codelupe_disk::Lock>);

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Does the same with a connection of either kind.
macro_rules! on {
    ($connection:expr, |$inner:ident| $work:expr) => {
        match $connection {
            Connection::Sqlite($inner) => $work,
            Connection::Postgres($inner) => $work,
        }
    };
}
use on;

impl Schema {
    /// Connects; a SQLite file is made if it is not there.
    ///
    /// # Errors
    /// `Unavailable`, `Auth` or `NoDatabase` when the server or the database cannot be reached; `Corrupt` when a file is not a
    /// database; `Permission` or `Io` of a file.
    pub async fn connect(url: &CatalogueUrl) -> Result<Self, Error> {
        match url {
            CatalogueUrl::Sqlite(path) => {
                // A new file becomes one with a write-ahead log, for which SQLite does not wait as it does for a transaction.
                let _locked = lock_file(lock_path(path)).await?;
                Self::connect_sqlite(path, sqlite::options(path).create_if_missing(true)).await
            }
            CatalogueUrl::Postgres(options) => Self::connect_postgres(url, options).await,
        }
    }

    /// Connects to what is there.
    ///
    /// # Errors
    /// `NoCatalogue` when a SQLite file is not there; those of [`Self::connect`].
    pub async fn connect_existing(url: &CatalogueUrl) -> Result<Self, Error> {
        must_exist(url)?;
        match url {
            CatalogueUrl::Sqlite(path) => Self::connect_sqlite(path, sqlite::options(path)).await,
            CatalogueUrl::Postgres(options) => Self::connect_postgres(url, options).await,
        }
    }

    /// Connects to what is there, for looking at it.
    ///
    /// # Errors
    /// Those of [`Self::connect_existing`].
    pub async fn connect_read_only(url: &CatalogueUrl) -> Result<Self, Error> {
        must_exist(url)?;
        match url {
            CatalogueUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                Self::connect_sqlite(path, options).await
            }
            CatalogueUrl::Postgres(options) => Self::connect_postgres(url, options).await,
        }
    }

    async fn connect_sqlite(path: &Path, options: SqliteConnectOptions) -> Result<Self, Error> {
        let connection = options
            .connect()
            .await
            .map_err(|error| Error::database("open the file", error))?;
        Ok(Self {
            connection: Connection::Sqlite(connection),
            lock: Some(lock_path(path)),
        })
    }

    async fn connect_postgres(url: &CatalogueUrl, options: &PgConnectOptions) -> Result<Self, Error> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
        let Ok(connected) = connecting else {
            let context = format!("`{url}` did not answer within {CONNECT_TIMEOUT:?}");
            return Err(Error::new(ErrorKind::Unavailable, context));
        };
        let connection = connected.map_err(|error| Error::connect(url, error))?;
        Ok(Self {
            connection: Connection::Postgres(connection),
            lock: None,
        })
    }

    /// Every migration that this program knows or the database has, by number.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    pub async fn status(&mut self) -> Result<Vec<MigrationStatus>, Error> {
        let applied = if self.has_table(APPLIED).await? {
            on!(&mut self.connection, |connection| connection
                .list_applied_migrations(APPLIED)
                .await)
            .map_err(migration_error)?
        } else {
            Vec::new()
        };
        let mut status: Vec<MigrationStatus> = self
            .ups()
            .map(|migration| {
                let found = applied.iter().find(|applied| applied.version == migration.version);
                let state = match found {
                    None => MigrationState::Pending,
                    Some(applied) if applied.checksum == migration.checksum => MigrationState::Applied,
                    Some(_) => MigrationState::Changed,
                };
                MigrationStatus {
                    version: migration.version,
                    name: migration.description.to_string(),
                    state,
                }
            })
            .collect();
        let known: Vec<i64> = status.iter().map(|status| status.version).collect();
        status.extend(
            applied
                .iter()
                .filter(|applied| !known.contains(&applied.version))
                .map(|applied| MigrationStatus {
                    version: applied.version,
                    name: String::new(),
                    state: MigrationState::Unknown,
                }),
        );
        status.sort_by_key(|status| status.version);
        Ok(status)
    }

    /// Applies what is pending, up to the migration `to` if one is named; returns what was applied. Others that want to do
    /// so at the same time wait, and then find nothing to do.
    ///
    /// # Errors
    /// `SchemaNewer` when the database has a migration that this program does not know, or knows with another text;
    /// `Unavailable`, `DiskFull`, `Permission` or `Database` when one fails, which has not happened then.
    pub async fn migrate(&mut self, to: Option<i64>) -> Result<Vec<MigrationStatus>, Error> {
        let lock = self.lock().await?;
        let migrated = self.migrate_locked(to).await;
        self.unlock(lock).await;
        migrated
    }

    async fn migrate_locked(&mut self, to: Option<i64>) -> Result<Vec<MigrationStatus>, Error> {
        let before = self.status().await?;
        refuse_foreign(&before)?;
        let migrator = self.migrator();
        on!(&mut self.connection, |connection| migrator
            .run_direct(to, connection, false)
            .await)
        .map_err(migration_error)?;
        let after = self.status().await?;
        Ok(after.into_iter().filter(|status| !before.contains(status)).collect())
    }

    fn migrator(&self) -> &'static Migrator {
        match self.connection {
            Connection::Sqlite(_) => &SQLITE,
            Connection::Postgres(_) => &POSTGRES,
        }
    }

    fn ups(&self) -> impl Iterator<Item = &'static Migration> + use<> {
        self.migrator()
            .iter()
            .filter(|migration| migration.migration_type.is_up_migration())
    }

    /// Keeps other migrators out, until [`Self::unlock`] or the end of the connection or the process.
    async fn lock(&mut self) -> Result<Lock, Error> {
        if let Connection::Postgres(connection) = &mut self.connection {
            connection.lock().await.map_err(migration_error)?;
        }
        match self.lock.clone() {
            Some(path) => Ok(Lock(Some(lock_file(path).await?))),
            None => Ok(Lock(None)),
        }
    }

    async fn unlock(&mut self, lock: Lock) {
        drop(lock);
        if let Connection::Postgres(connection) = &mut self.connection {
            // All of them: a migration that failed left the migrator's own behind. Without a connection there are none.
            let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(connection).await;
        }
    }

    async fn has_table(&mut self, table: &str) -> Result<bool, Error> {
        let found = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)";
                sqlx::query_scalar(sql).bind(table).fetch_one(connection).await
            }
            Connection::Postgres(connection) => {
                let sql = "SELECT to_regclass(quote_ident($1)) IS NOT NULL";
                sqlx::query_scalar(sql).bind(table).fetch_one(connection).await
            }
        };
        found.map_err(|error| Error::database("look up a table", error))
    }

    /// Closes the connection.
    pub async fn close(self) {
        // A connection that cannot say good-bye is gone all the same.
        let _ = on!(self.connection, |connection| connection.close().await);
    }
}

fn must_exist(url: &CatalogueUrl) -> Result<(), Error> {
    match url {
        CatalogueUrl::Sqlite(path) if !path.is_file() => Err(Error::new(
            ErrorKind::NoCatalogue,
            format!("there is no catalogue in `{url}`"),
        )),
        CatalogueUrl::Sqlite(_) | CatalogueUrl::Postgres(_) => Ok(()),
    }
}

/// The file that locks a SQLite file against other migrators.
fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("migration-lock")
}

/// Waits for the lock on a file, made if it is not there.
async fn lock_file(path: PathBuf) -> Result<codelupe_disk::Lock, Error> {
    let locking = tokio::task::spawn_blocking(move || {
        // The path was named by a user: a folder that is not there is their mistake, not the machine's.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder
            .map_or(Ok(()), |folder| std::fs::metadata(folder).map(drop))
            .map_err(|error| Error::io("open", &path, error))?;
        Ok(codelupe_disk::Lock::alone(&path)?)
    });
    locking
        .await
        .unwrap_or_else(|error| Err(Error::new(ErrorKind::Io, "cannot wait for the lock").with_source(error)))
}

/// How long connecting may take.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Makes the schema current: an empty database gets it, an old one is migrated if that is allowed.
pub(crate) async fn prepare(url: &CatalogueUrl, migrate: Migrate) -> Result<(), Error> {
    let mut schema = Schema::connect(url).await?;
    let status = schema.status().await?;
    let result = match must_be_current(url, &status) {
        Err(error) if error.kind() == ErrorKind::SchemaOutdated => schema.make_current(url, migrate).await,
        current => current,
    };
    schema.close().await;
    result
}

impl Schema {
    /// Another process may be at it: only with the lock does it show whether the database is an old one.
    async fn make_current(&mut self, url: &CatalogueUrl, migrate: Migrate) -> Result<(), Error> {
        let lock = self.lock().await?;
        let made = match self.status().await {
            Ok(status) if migrate == Migrate::Allowed || is_empty(&status) => self.migrate_locked(None).await.map(drop),
            Ok(status) => must_be_current(url, &status),
            Err(error) => Err(error),
        };
        self.unlock(lock).await;
        made
    }
}

fn is_empty(status: &[MigrationStatus]) -> bool {
    status.iter().all(|status| status.state == MigrationState::Pending)
}

/// # Errors
/// `NoCatalogue` when there is none; `SchemaOutdated` or `SchemaNewer` when it is not this program's.
pub(crate) async fn require_current(url: &CatalogueUrl) -> Result<(), Error> {
    let mut schema = Schema::connect_read_only(url).await?;
    let status = schema.status().await?;
    schema.close().await;
    if is_empty(&status) {
        return Err(Error::new(
            ErrorKind::NoCatalogue,
            format!("there is no catalogue in `{url}`"),
        ));
    }
    must_be_current(url, &status)
}

fn must_be_current(url: &CatalogueUrl, status: &[MigrationStatus]) -> Result<(), Error> {
    refuse_foreign(status)?;
    let pending: Vec<String> = status
        .iter()
        .filter(|status| status.state == MigrationState::Pending)
        .map(|status| format!("{:04} {}", status.version, status.name))
        .collect();
    if pending.is_empty() {
        return Ok(());
    }
    let context = format!(
        "the schema of `{url}` is older than this program: {} pending",
        pending.join(", ")
    );
    Err(Error::new(ErrorKind::SchemaOutdated, context))
}

/// # Errors
/// `SchemaNewer` when a migration was applied that this program does not know, or knows with another text.
fn refuse_foreign(status: &[MigrationStatus]) -> Result<(), Error> {
    for MigrationStatus { version, name, state } in status {
        let context = match state {
            MigrationState::Unknown => {
                format!("the database has migration {version:04}, which this program does not know")
            }
            MigrationState::Changed => {
                format!("migration {version:04} {name} was applied with another text than this program has")
            }
            MigrationState::Applied | MigrationState::Pending => continue,
        };
        return Err(Error::new(ErrorKind::SchemaNewer, context));
    }
    Ok(())
}

fn migration_error(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => Error::database("note a migration", error),
        MigrateError::ExecuteMigration(source, version) => {
            let kind = Error::database("", source);
            Error::new(
                kind.kind(),
                format!("migration {version:04} failed, and has not happened"),
            )
            .with_source(kind.into_cause())
        }
        other => Error::new(ErrorKind::Corrupt, "the notes about applied migrations make no sense").with_source(other),
    }
}
