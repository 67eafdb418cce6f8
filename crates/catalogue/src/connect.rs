//! Opening a catalogue.

use std::ops::Deref;
use std::sync::Arc;

use crate::error::Error;
use crate::migration::{self, Migrate};
use crate::postgres::Postgres;
use crate::rows::Backend;
use crate::sqlite::Sqlite;
use crate::url::CatalogueUrl;

/// A connection to the catalogue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    backend: Arc<dyn Backend>,
    /// The same, if it is in a PostgreSQL database.
    postgres: Option<Arc<Postgres>>,
}

impl Deref for Catalogue {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        self.backend.as_ref()
    }
}

impl Catalogue {
    /// Opens a catalogue for writing. An empty database gets the schema; an old schema is migrated if `migrate` allows it.
    ///
    /// # Errors
    /// `SchemaOutdated` or `SchemaNewer` when the schema is not this program's; `Corrupt` when it is not a catalogue;
    /// `Unavailable`, `Auth`, `DiskFull`, `Permission` or `Io` of the database.
    pub async fn open(url: &CatalogueUrl, migrate: Migrate) -> Result<Self, Error> {
        migration::prepare(url, migrate).await?;
        Self::connect(url, false).await
    }

    /// Opens an existing catalogue for reading.
    ///
    /// # Errors
    /// `NoCatalogue` when there is none; otherwise those of [`Self::open`].
    pub async fn open_read_only(url: &CatalogueUrl) -> Result<Self, Error> {
        migration::require_current(url).await?;
        Self::connect(url, true).await
    }

    /// Opens an existing catalogue for writing.
    ///
    /// # Errors
    /// Those of [`Self::open_read_only`].
    pub async fn open_existing(url: &CatalogueUrl) -> Result<Self, Error> {
        migration::require_current(url).await?;
        Self::connect(url, false).await
    }

    async fn connect(url: &CatalogueUrl, read_only: bool) -> Result<Self, Error> {
        Ok(match url {
            CatalogueUrl::Sqlite(path) => Self {
                backend: Arc::new(Sqlite::connect(path, read_only).await?),
                postgres: None,
            },
            CatalogueUrl::Postgres(options) => {
                let postgres = Arc::new(Postgres::connect(options, read_only));
                Self {
                    backend: Arc::clone(&postgres) as Arc<dyn Backend>,
                    postgres: Some(postgres),
                }
            }
        })
    }

    /// The database, if it is a PostgreSQL one.
    pub(crate) const fn postgres(&self) -> Option<&Arc<Postgres>> {
        self.postgres.as_ref()
    }
}
