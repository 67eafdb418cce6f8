//! The catalogue: what is known about repositories, files, contents, duplicates and builds.

mod builds;
mod commit;
mod duplicates;
mod lookup;
mod stats;

use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use builds::{BuildCandidate, BuildDecision, BuildRow};
pub use commit::{Batch, ContentRow, FileRow, FileState, RepositoryRow};
pub use duplicates::{DedupCandidate, Duplicate};
pub use lookup::{BuildStory, ContentKey, ContentStory, FileStory, TwinStory};
pub use stats::{Count, FailedRepository, Funnel, FunnelStep, LanguageRow, LicenceRow, Stats};

use codelupe_core::text::display_name;

use crate::error::{Error, ErrorKind};
use crate::folder::DataFolder;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another writer before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the catalogue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pool: SqlitePool,
}

impl Catalogue {
    /// Opens the catalogue for writing, making or migrating it first.
    ///
    /// # Errors
    /// `Corrupt` when the file is no catalogue or of a newer version; `DiskFull`, `Permission` or `Io` of the file.
    pub async fn open(folder: &DataFolder) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(folder.catalogue())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode this survives a killed process; a power cut may lose the last transaction but never tears one.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let catalogue = Self::connect(options).await?;
        MIGRATIONS.run(&catalogue.pool).await.map_err(migration_error)?;
        Ok(catalogue)
    }

    /// Opens an existing catalogue for reading.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Corrupt` when it is damaged or of another version.
    pub async fn open_read_only(folder: &DataFolder) -> Result<Self, Error> {
        if !folder.exists() {
            let root = display_name(folder.root().as_os_str().as_encoded_bytes());
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no catalogue in `{root}`"),
            ));
        }
        let options = SqliteConnectOptions::new()
            .filename(folder.catalogue())
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT);
        let catalogue = Self::connect(options).await?;
        catalogue.check_version().await?;
        Ok(catalogue)
    }

    async fn connect(options: SqliteConnectOptions) -> Result<Self, Error> {
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|error| Error::database("open the file", error))?;
        Ok(Self { pool })
    }

    async fn check_version(&self) -> Result<(), Error> {
        let applied: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(&self.pool)
            .await
            .map_err(|error| Error::database("read the schema version", error))?;
        let expected = MIGRATIONS.iter().map(|migration| migration.version).max();
        if applied == expected {
            return Ok(());
        }
        let context = format!("the catalogue has schema version {applied:?}, this program reads {expected:?}");
        Err(Error::new(ErrorKind::Corrupt, context))
    }

    /// Closes the connections and folds the write-ahead log into the file.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn migration_error(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => Error::database("migrate the schema", error),
        other => Error::with_source(
            ErrorKind::Corrupt,
            "the catalogue's schema is not one this program knows",
            other,
        ),
    }
}
