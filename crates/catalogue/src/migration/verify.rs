//! Whether a database is what it should be.

use super::{Connection, MigrationState, Schema};
use crate::error::Error;

impl Schema {
    /// Descriptions of everything that is wrong with schema and database; empty when all is well.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    pub async fn verify(&mut self) -> Result<Vec<String>, Error> {
        let mut findings = Vec::new();
        for status in self.status().await? {
            if status.state != MigrationState::Applied {
                findings.push(
                    format!("migration {:04} {}: {:?}", status.version, status.name, status.state).to_lowercase(),
                );
            }
        }
        if findings.is_empty() {
            let dump = self.dump().await?;
            findings.extend(difference(self.expected_dump(), &dump));
        }
        if let Connection::Sqlite(connection) = &mut self.connection {
            let fail = |error| Error::database("check the file", error);
            let lines: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(10)")
                .fetch_all(&mut *connection)
                .await
                .map_err(fail)?;
            findings.extend(lines.into_iter().filter(|line| line != "ok"));
            let broken = sqlx::query("PRAGMA foreign_key_check")
                .fetch_all(connection)
                .await
                .map_err(fail)?
                .len();
            if broken > 0 {
                findings.push(format!("{broken} rows refer to rows that are not there"));
            }
        }
        Ok(findings)
    }
}

/// Lines that only one of the two has.
fn difference(expected: &str, found: &str) -> Vec<String> {
    let lines = |text: &'static str, of: &str, other: &str| -> Vec<String> {
        let missing = of.lines().filter(|line| !other.lines().any(|known| known == *line));
        missing.map(|line| format!("the schema {text}: {line}")).collect()
    };
    let mut findings = lines("lacks", expected, found);
    findings.extend(lines("has what it should not", found, expected));
    findings
}
