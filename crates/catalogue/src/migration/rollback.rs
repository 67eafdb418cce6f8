//! Going back to an earlier schema.

use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migration;

use super::{Connection, MigrationState, Schema, migration_error, on, refuse_foreign};
use crate::error::{Error, ErrorKind};

/// One step back, and what it destroys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackStep {
    /// The migration that is undone.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What is lost by that.
    pub losses: Vec<Loss>,
    /// Tables that get their earlier names back.
    pub renames: Vec<Rename>,
    /// Tables that are made again, without rows.
    pub makes: Vec<String>,
}

/// A table that a step back drops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The table, by its name now.
    pub table: String,
    /// Its rows now.
    pub rows: i64,
}

/// A table that a step back renames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Its name before the step back.
    pub from: String,
    /// Its name after it.
    pub to: String,
}

impl Schema {
    /// The steps back to the migration `to` (0: to an empty database), the first one first. Nothing is done.
    ///
    /// # Errors
    /// `Invalid` when `to` is not an applied migration; `SchemaNewer` when the database has one that this program does not
    /// know; `Database` and the connection's own errors.
    pub async fn rollback_steps(&mut self, to: i64) -> Result<Vec<RollbackStep>, Error> {
        let status = self.status().await?;
        refuse_foreign(&status)?;
        let applied = |version| {
            status
                .iter()
                .any(|status| status.version == version && status.state == MigrationState::Applied)
        };
        if to != 0 && !applied(to) {
            let context = format!("migration {to} is not applied, so there is no going back to it");
            return Err(Error::new(ErrorKind::Invalid, context));
        }
        let downs = self
            .migrator()
            .iter()
            .filter(|migration| migration.migration_type.is_down_migration());
        let mut downs: Vec<&Migration> = downs
            .filter(|down| down.version > to && applied(down.version))
            .collect();
        downs.sort_by_key(|down| std::cmp::Reverse(down.version));
        let mut steps: Vec<RollbackStep> = Vec::new();
        for down in downs {
            let mut losses = Vec::new();
            for table in tables(header(down.sql.as_str(), "-- loses:")) {
                // A step before it makes this table, empty: there is nothing more to lose.
                if steps.iter().any(|step| step.makes.iter().any(|made| made == table)) {
                    continue;
                }
                // No step was taken yet, so the rows are still under the present name.
                let table = name_now(table, &steps);
                let rows = self.count(&table).await?;
                losses.push(Loss { table, rows });
            }
            steps.push(RollbackStep {
                version: down.version,
                name: down.description.to_string(),
                losses,
                renames: renames(down.sql.as_str()),
                makes: tables(header(down.sql.as_str(), "-- makes:"))
                    .map(str::to_owned)
                    .collect(),
            });
        }
        Ok(steps)
    }

    /// Goes back to the migration `to` (0: to an empty database).
    ///
    /// # Errors
    /// Those of [`Self::rollback_steps`]; a step that fails has not happened.
    pub async fn rollback(&mut self, to: i64) -> Result<Vec<RollbackStep>, Error> {
        let lock = self.lock().await?;
        let undone = self.rollback_locked(to).await;
        self.unlock(lock).await;
        undone
    }

    async fn rollback_locked(&mut self, to: i64) -> Result<Vec<RollbackStep>, Error> {
        let steps = self.rollback_steps(to).await?;
        let migrator = self.migrator();
        on!(&mut self.connection, |connection| migrator.undo(connection, to).await).map_err(migration_error)?;
        Ok(steps)
    }

    async fn count(&mut self, table: &str) -> Result<i64, Error> {
        // The name comes from a migration of this program, and `cargo xtask check` holds it to the tables dropped there.
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let counted = on!(&mut self.connection, |connection| sqlx::query_scalar(sql)
            .fetch_one(connection)
            .await);
        counted.map_err(|error| Error::database("count what would be lost", error))
    }
}

/// The tables that a line of a down migration names.
fn tables(names: &str) -> impl Iterator<Item = &str> {
    let names = names.split(',').map(str::trim);
    names.filter(|name| !name.is_empty() && *name != "nothing")
}

/// The tables that a down migration says it renames: `-- renames: NOW to BEFORE, …`.
fn renames(sql: &str) -> Vec<Rename> {
    let pairs = header(sql, "-- renames:").split(',');
    pairs
        .filter_map(|pair| {
            let (from, to) = pair.trim().split_once(" to ")?;
            Some(Rename {
                from: from.to_owned(),
                to: to.to_owned(),
            })
        })
        .collect()
}

fn header<'a>(sql: &'a str, prefix: &str) -> &'a str {
    let mut lines = sql.lines();
    lines.find_map(|line| line.strip_prefix(prefix)).unwrap_or_default()
}

/// The name, before the steps, of a table that has `table` for its name after them.
fn name_now(table: &str, steps: &[RollbackStep]) -> String {
    let renames = steps.iter().rev().flat_map(|step| &step.renames);
    renames.fold(table.to_owned(), |name, rename| {
        if rename.to == name { rename.from.clone() } else { name }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_read_from_the_header() {
        let check = |sql: &str, expected: &[&str]| {
            let lost: Vec<&str> = tables(header(sql, "-- loses:")).collect();
            assert_eq!(lost, expected, "{sql}");
        };
        check("-- loses: jobs\nDROP TABLE jobs;", &["jobs"]);
        check("-- loses: a, b\nDROP TABLE a;\nDROP TABLE b;", &["a", "b"]);
        check("-- loses: nothing\nDROP INDEX i;", &[]);
        check("DROP TABLE jobs;", &[]);
    }

    #[test]
    fn a_table_is_known_by_its_name_now() {
        let sql = "-- loses: nothing\n-- renames: b to a, d to c\nALTER TABLE b RENAME TO a;";
        let step = |version, sql| RollbackStep {
            version,
            name: String::new(),
            losses: Vec::new(),
            renames: renames(sql),
            makes: Vec::new(),
        };
        let steps = [step(3, "-- renames: e to d\n"), step(2, sql), step(1, "-- loses: x\n")];
        for (then, now) in [("a", "b"), ("c", "e"), ("x", "x"), ("d", "e")] {
            assert_eq!(name_now(then, &steps), now);
        }
    }
}
