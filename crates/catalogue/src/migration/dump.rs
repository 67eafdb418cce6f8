//! The schema as text, to be compared with the one that this program expects.

use sqlx::{PgConnection, SqliteConnection};

use super::{Connection, Schema};
use crate::error::Error;

/// The statements that made tables, indexes, triggers and views.
const SQLITE: &str = "
    SELECT tbl_name, sql FROM sqlite_schema
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations'
    ORDER BY tbl_name, type DESC, name";

/// A line for each column, constraint and index. What PostgreSQL 18 added to the catalog (NOT NULL as constraints) is left
/// out, so that every version gives the same lines.
const POSTGRES: &str = "
    WITH tables AS (
        SELECT oid, relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations'
    ), lines AS (
        SELECT t.relname, 1 AS part, a.attnum::int AS place,
               format('column %s %s', a.attname, format_type(a.atttypid, a.atttypmod))
               || CASE WHEN l.collname IS NULL OR l.collname = 'default' THEN '' ELSE ' collate ' || l.collname END
               || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END
               || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
        FROM tables t
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        UNION ALL
        SELECT t.relname, 2, 0, format('constraint %s %s', c.conname, pg_get_constraintdef(c.oid))
        FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid WHERE c.contype <> 'n'
        UNION ALL
        SELECT t.relname, 3, 0, regexp_replace(pg_get_indexdef(i.indexrelid), ' ON (ONLY )?' || current_schema() || '[.]', ' ON \\1')
        FROM tables t JOIN pg_index i ON i.indrelid = t.oid
    )
    SELECT 'table ' || relname || ': ' || line FROM lines ORDER BY relname COLLATE \"C\", part, place, line COLLATE \"C\"";

impl Schema {
    /// Tables, columns, constraints and indexes as text, the same for the same schema.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    pub async fn dump(&mut self) -> Result<String, Error> {
        let lines = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite(connection).await,
            Connection::Postgres(connection) => postgres(connection).await,
        };
        let mut text = lines
            .map_err(|error| Error::database("read the schema", error))?
            .join("\n");
        text.push('\n');
        Ok(text)
    }

    /// The schema that this program expects.
    pub fn expected_dump(&self) -> &'static str {
        match self.connection {
            Connection::Sqlite(_) => include_str!("../../migrations/schema/sqlite.txt"),
            Connection::Postgres(_) => include_str!("../../migrations/schema/postgres.txt"),
        }
    }
}

async fn sqlite(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let statements: Vec<(String, String)> = sqlx::query_as(SQLITE).fetch_all(connection).await?;
    let lines = statements
        .iter()
        .flat_map(|(table, sql)| sql.lines().map(move |line| (table, line.split_whitespace())));
    // SQLite quotes the new name of a table that was renamed.
    let lines = lines.map(|(table, words)| {
        format!(
            "table {table}: {}",
            words.collect::<Vec<_>>().join(" ").replace('"', "")
        )
    });
    Ok(lines.collect())
}

async fn postgres(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(POSTGRES).fetch_all(connection).await
}
