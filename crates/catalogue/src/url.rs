//! The address of a catalogue.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use codelupe_core::text::display_name;
use sqlx::postgres::PgConnectOptions;

use crate::error::{Error, ErrorKind};

/// Where a catalogue is. Printing it never shows a password.
#[derive(Clone)]
pub enum CatalogueUrl {
    /// A file: `sqlite:PATH`.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server: `postgres://USER@HOST:PORT/DATABASE?sslmode=…`. What is not said comes from the
    /// variables and the password file of libpq (`PGPASSWORD`, `PGPASSFILE`, …).
    Postgres(Box<PgConnectOptions>),
}

impl FromStr for CatalogueUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |what: &str| Error::new(ErrorKind::Invalid, format!("this is no address of a catalogue: {what}"));
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| invalid("`sqlite:PATH` or `postgres://…` is wanted"))?;
        match scheme {
            "sqlite" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" | ":memory:" => Err(invalid("`sqlite:PATH` wants the path of a file")),
                path => Ok(Self::Sqlite(path.into())),
            },
            // The parser's own error may repeat the text, and with it a password.
            "postgres" | "postgresql" => match text.parse::<PgConnectOptions>() {
                Ok(options) => Ok(Self::Postgres(Box::new(options.application_name("codelupe")))),
                Err(_) => Err(invalid("`postgres://USER@HOST:PORT/DATABASE` is wanted")),
            },
            _ => Err(invalid(&format!(
                "`{}:` is neither `sqlite:` nor `postgres:`",
                display_name(scheme.as_bytes())
            ))),
        }
    }
}

impl fmt::Display for CatalogueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", display_name(path.as_os_str().as_encoded_bytes())),
            Self::Postgres(options) => {
                let host = options.get_socket().map_or_else(
                    || options.get_host().to_owned(),
                    |socket| display_name(socket.as_os_str().as_encoded_bytes()),
                );
                let (user, port) = (options.get_username(), options.get_port());
                let database = options.get_database().unwrap_or(user);
                write!(f, "postgres://{user}@{host}:{port}/{database}")
            }
        }
    }
}

impl fmt::Debug for CatalogueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed_without_password() {
        let check = |text: &str, expected: &str| {
            let url: CatalogueUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), expected);
            assert_eq!(format!("{url:?}"), expected);
        };
        check("sqlite:/a/b.sqlite", "sqlite:/a/b.sqlite");
        check("sqlite:///a/b.sqlite", "sqlite:/a/b.sqlite");
        check("sqlite:b.sqlite", "sqlite:b.sqlite");
        check(
            "postgres://me:hush@db.example:5433/lupe",
            "postgres://me@db.example:5433/lupe",
        );
        check(
            "postgresql://me@db.example/lupe?sslmode=require",
            "postgres://me@db.example:5432/lupe",
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_secret() {
        let check = |text: &str, word: &str| {
            let error = text.parse::<CatalogueUrl>().unwrap_err();
            let shown = format!("{error} {:?}", std::error::Error::source(&error));
            assert!(shown.contains(word) && !shown.contains("hush"), "{text}: {shown}");
            assert_eq!(error.kind(), ErrorKind::Invalid);
        };
        check("catalogue.sqlite", "sqlite:PATH");
        check("sqlite:", "path of a file");
        check("mysql://me:hush@host/db", "neither");
        check("postgres://me:hush@host:nonsense/db", "postgres://USER");
    }
}
