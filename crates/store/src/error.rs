//! The error of this crate.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use codelupe_core::ErrorCode;
use codelupe_core::text::display_name;
use sqlx::postgres::PgDatabaseError;

use crate::catalogue::CatalogueUrl;

/// Something went wrong with stored data.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The disk, or the quota of the data folder, is full.
    DiskFull,
    /// The operating system refused access.
    Permission,
    /// Reading or writing a file failed otherwise.
    Io,
    /// The database failed at a statement in a way that another try may not.
    Database,
    /// The database does not understand a statement: a defect in this program, or a schema that somebody changed.
    Statement,
    /// The database cannot be reached, is starting or stopping, or has no connection left.
    Unavailable,
    /// The database did not answer in time.
    Timeout,
    /// The database refused user or password.
    Auth,
    /// The database has no memory left.
    OutOfMemory,
    /// Transactions were in each other's way: a lock was not to be had in time, or a deadlock was broken.
    Busy,
    /// Stored data is damaged, or of a version that this program does not know.
    Corrupt,
    /// Another process is in the way, or the name is taken.
    Conflict,
    /// What was computed is out of date: the files have changed since.
    Stale,
    /// Another worker has taken the job over.
    LeaseLost,
    /// The schema is older than this program.
    SchemaOutdated,
    /// The schema is newer than this program, or was changed.
    SchemaNewer,
    /// A job's payload is over the limit.
    PayloadTooLarge,
    /// An LSH index was made by other parameters than those that were asked for.
    LshParameters,
    /// An argument is not valid.
    Invalid,
    /// What was asked for is not there.
    NotFound,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            context: context.into(),
            source: Some(source.into()),
        }
    }

    /// Wraps an I/O error with what was done to which path.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let path = display_name(path.as_os_str().as_encoded_bytes());
        Self::with_source(io_kind(&source), format!("cannot {doing} `{path}`"), source)
    }

    /// Wraps an error of the Parquet library, which hides I/O errors in its chain.
    pub(crate) fn parquet(doing: &str, path: &Path, source: parquet::errors::ParquetError) -> Self {
        let shown = display_name(path.as_os_str().as_encoded_bytes());
        let kind = find_io(&source).map_or(ErrorKind::Corrupt, io_kind);
        Self::with_source(kind, format!("cannot {doing} `{shown}`"), source)
    }

    /// Wraps an error of connecting to a database server, which never shows a password.
    pub(crate) fn connect(url: &CatalogueUrl, source: sqlx::Error) -> Self {
        Self::with_source(database_kind(&source), format!("cannot connect to `{url}`"), source)
    }

    /// What the error was caused by, or what it says itself.
    pub(crate) fn into_cause(self) -> Box<dyn StdError + Send + Sync> {
        self.source.unwrap_or_else(|| self.context.into())
    }

    /// Wraps an error of the catalogue's database.
    pub(crate) fn database(doing: &str, source: sqlx::Error) -> Self {
        Self::with_source(
            database_kind(&source),
            format!("cannot {doing} in the catalogue"),
            source,
        )
    }

    /// Whether the same operation may succeed a moment later.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Busy)
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of this error.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            ErrorKind::DiskFull => ErrorCode::DiskFull,
            ErrorKind::Permission => ErrorCode::Permission,
            ErrorKind::Io => ErrorCode::Storage,
            ErrorKind::Database | ErrorKind::Busy => ErrorCode::Database,
            ErrorKind::Statement => ErrorCode::Internal,
            ErrorKind::Unavailable => ErrorCode::Unavailable,
            ErrorKind::Timeout => ErrorCode::Timeout,
            ErrorKind::Auth => ErrorCode::Auth,
            ErrorKind::OutOfMemory => ErrorCode::OutOfMemory,
            ErrorKind::Corrupt => ErrorCode::CorruptStore,
            ErrorKind::Conflict => ErrorCode::Conflict,
            ErrorKind::Stale => ErrorCode::Stale,
            ErrorKind::LeaseLost => ErrorCode::LeaseLost,
            ErrorKind::SchemaOutdated => ErrorCode::SchemaOutdated,
            ErrorKind::SchemaNewer => ErrorCode::SchemaNewer,
            ErrorKind::PayloadTooLarge => ErrorCode::PayloadTooLarge,
            ErrorKind::LshParameters | ErrorKind::Invalid => ErrorCode::Validation,
            ErrorKind::NotFound => ErrorCode::NotFound,
        }
    }
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Permission,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    }
}

fn find_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        next = error.source();
    }
    None
}

fn database_kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) => {
            ErrorKind::Unavailable
        }
        sqlx::Error::Protocol(_) => ErrorKind::Unavailable,
        // A path that is not UTF-8 or holds NUL: SQLite takes no such.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => ErrorKind::Invalid,
        sqlx::Error::Io(error) => match io_kind(error) {
            // Of a server: refused, reset, closed, no route. A file's own errors keep their kind.
            ErrorKind::Io | ErrorKind::NotFound => ErrorKind::Unavailable,
            kind => kind,
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            ErrorKind::Corrupt
        }
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            match error.try_downcast_ref::<PgDatabaseError>() {
                Some(_) => postgres_kind(&code),
                None => sqlite_kind(&code),
            }
        }
        other => find_io(other).map_or(ErrorKind::Database, io_kind),
    }
}

/// SQLite's primary result codes, from its documentation "Result and Error Codes".
fn sqlite_kind(code: &str) -> ErrorKind {
    const ERROR: i32 = 1;
    const PERM: i32 = 3;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const NOMEM: i32 = 7;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const NOTADB: i32 = 26;
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(ERROR) => ErrorKind::Statement,
        Ok(FULL) => ErrorKind::DiskFull,
        Ok(PERM | READONLY) => ErrorKind::Permission,
        Ok(CORRUPT | NOTADB) => ErrorKind::Corrupt,
        Ok(BUSY | LOCKED) => ErrorKind::Busy,
        Ok(NOMEM) => ErrorKind::OutOfMemory,
        Ok(IOERR | CANTOPEN) => ErrorKind::Io,
        _ => ErrorKind::Database,
    }
}

/// SQLSTATE, from PostgreSQL's documentation, appendix A "Error Codes".
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        // Shutdown by an administrator, crash of another backend, still starting, database dropped, idle for too long, no
        // connection left.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" => ErrorKind::Unavailable,
        // Serialization failure, deadlock, lock or statement timeout.
        "40001" | "40P01" | "55P03" | "57014" => ErrorKind::Busy,
        "53100" => ErrorKind::DiskFull,
        "53200" => ErrorKind::OutOfMemory,
        "28P01" | "28000" => ErrorKind::Auth,
        // Insufficient privilege, read-only transaction.
        "42501" | "25006" => ErrorKind::Permission,
        // No such database.
        "3D000" => ErrorKind::NotFound,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        code if code.starts_with("08") => ErrorKind::Unavailable,
        code if code.starts_with("42") => ErrorKind::Statement,
        _ => ErrorKind::Database,
    }
}
