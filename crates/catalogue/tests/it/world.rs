//! Databases of both kinds, one for each test.

use codelupe_catalogue::{Catalogue, CatalogueUrl, Migrate};
use codelupe_testkit::postgres;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

/// A database of its own, empty at first.
pub(crate) struct World {
    pub(crate) url: CatalogueUrl,
    /// Holds the file of SQLite.
    pub(crate) folder: TempDir,
}

/// Makes a test of each behavior on each database: `sqlite::NAME` and `postgres::NAME`.
macro_rules! on_both {
    ($($behavior:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $behavior() {
                super::$behavior(crate::world::World::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $behavior() {
                super::$behavior(crate::world::World::postgres()).await;
            })*
        }
    };
}
pub(crate) use on_both;

impl World {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = CatalogueUrl::Sqlite(folder.path().join("catalogue.sqlite"));
        Self { url, folder }
    }

    pub(crate) fn postgres() -> Self {
        Self::at(&postgres::shared().database())
    }

    /// A database of a server of a test's own.
    pub(crate) fn at(url: &str) -> Self {
        Self {
            url: url.parse().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The catalogue in it, made if it is not there.
    pub(crate) async fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.url, Migrate::Refused).await.unwrap()
    }

    /// The address of a server's database, as a client of PostgreSQL takes it.
    pub(crate) fn text(&self) -> String {
        self.url.to_string()
    }

    /// A folder beside it.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.url, CatalogueUrl::Sqlite(_))
    }

    /// Runs statements past the catalogue.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.url {
            CatalogueUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(path)
                    .foreign_keys(false);
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            CatalogueUrl::Postgres(options) => {
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The first column of each row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.url {
            CatalogueUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
            CatalogueUrl::Postgres(options) => {
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
        }
    }
}

/// The id of a file that survived deduplication.
pub(crate) async fn file_id(catalogue: &Catalogue, repository: &str, path: &[u8]) -> i64 {
    let (candidates, _) = catalogue.build_candidates().await.unwrap();
    let found = candidates
        .iter()
        .find(|file| file.repository == repository && file.path == path);
    found.unwrap().file_id
}
