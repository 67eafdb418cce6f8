//! The error of this crate.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use codelupe_core::ErrorCode;
use codelupe_core::text::display_name;

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
    /// SQLite refused a statement or its file.
    Database,
    /// Stored data is damaged, or of a version that this program does not know.
    Corrupt,
    /// Another process writes to the data folder, or the name is taken.
    Conflict,
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

    /// Wraps an error of the catalogue's database.
    pub(crate) fn database(doing: &str, source: sqlx::Error) -> Self {
        Self::with_source(
            database_kind(&source),
            format!("cannot {doing} in the catalogue"),
            source,
        )
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
            ErrorKind::Database => ErrorCode::Database,
            ErrorKind::Corrupt => ErrorCode::CorruptStore,
            ErrorKind::Conflict => ErrorCode::Conflict,
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

/// SQLite's primary result codes, from its documentation "Result and Error Codes".
fn database_kind(error: &sqlx::Error) -> ErrorKind {
    const PERM: i32 = 3;
    const BUSY: i32 = 5;
    const READONLY: i32 = 8;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const NOTADB: i32 = 26;
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| code & 0xff) {
        Some(FULL) => ErrorKind::DiskFull,
        Some(PERM | READONLY) => ErrorKind::Permission,
        Some(CORRUPT | NOTADB) => ErrorKind::Corrupt,
        Some(BUSY) => ErrorKind::Conflict,
        _ => find_io(error).map_or(ErrorKind::Database, io_kind),
    }
}
