//! The error of this crate.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use codelupe_core::error::ErrorCode;
use sqlx::postgres::PgDatabaseError;

codelupe_core::coded_error! {
    /// Something went wrong with the catalogue or the LSH index.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// The disk, or the quota of the data folder, is full.
        DiskFull = DiskFull,
        /// The operating system refused access.
        Permission = Permission,
        /// Reading or writing a file failed otherwise.
        Io = Storage,
        /// What was asked for is not there.
        NotFound = NotFound,
        /// There is no catalogue yet.
        NoCatalogue = NotFound,
        /// The server has no database of that name.
        NoDatabase = NotFound,
        /// The database failed at a statement in a way that another try may not.
        Database = Database,
        /// The database does not understand a statement: a defect in this program, or a schema that somebody changed.
        Statement = Internal,
        /// The database cannot be reached, is starting or stopping, or has no connection left.
        Unavailable = Unavailable,
        /// The database did not answer in time.
        Timeout = Timeout,
        /// The database refused user or password.
        Auth = Auth,
        /// The database has no memory left.
        OutOfMemory = OutOfMemory,
        /// Transactions got in each other's way: a lock was not granted in time, or a deadlock was broken.
        Busy = Database,
        /// Stored data is damaged, or of a version that this program does not know.
        Corrupt = CorruptStore,
        /// Another process is in the way, or the name is taken.
        Conflict = Conflict,
        /// What was computed is out of date: the files have changed since.
        Stale = Stale,
        /// Another worker has taken the job over.
        LeaseLost = LeaseLost,
        /// The schema is older than this program.
        SchemaOutdated = SchemaOutdated,
        /// The schema is newer than this program, or was changed.
        SchemaNewer = SchemaNewer,
        /// A job's payload is over the limit.
        PayloadTooLarge = PayloadTooLarge,
        /// Files or rows of an LSH index are damaged, or of a version that this program does not know. It can be made anew.
        LshCorrupt = CorruptStore,
        /// An LSH index was made by other parameters than those that were asked for.
        LshParameters = Validation,
        /// An argument is not valid.
        Invalid = Validation,
    }
}

impl Error {
    /// Wraps an error of connecting to a database server; `url` must show no password.
    pub(crate) fn connect(url: impl Display, source: sqlx::Error) -> Self {
        Self::new(database_kind(&source), format!("cannot connect to `{url}`")).with_source(source)
    }

    /// What the error was caused by, or what it says itself.
    pub(crate) fn into_cause(self) -> Box<dyn StdError + Send + Sync> {
        self.source.unwrap_or_else(|| self.context.into())
    }

    /// Wraps an error of the catalogue's database.
    pub(crate) fn database(doing: impl Display, source: sqlx::Error) -> Self {
        Self::new(database_kind(&source), format!("cannot {doing} in the catalogue")).with_source(source)
    }

    /// Whether the same operation may succeed a moment later.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Busy)
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}

fn database_kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) => {
            ErrorKind::Unavailable
        }
        sqlx::Error::Protocol(_) => ErrorKind::Unavailable,
        // A path that is not UTF-8 or holds NUL: SQLite takes no such.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => ErrorKind::Invalid,
        sqlx::Error::Io(error) => match ErrorKind::of_code(ErrorCode::of_io(error)) {
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
        other => ErrorCode::of_io_in(other).map_or(ErrorKind::Database, ErrorKind::of_code),
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
        "3D000" => ErrorKind::NoDatabase,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        code if code.starts_with("08") => ErrorKind::Unavailable,
        code if code.starts_with("42") => ErrorKind::Statement,
        _ => ErrorKind::Database,
    }
}
