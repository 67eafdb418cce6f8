//! Many rows at once, as SQLite takes them.

use codelupe_core::{Reason, Split};
use sqlx::{QueryBuilder, SqliteConnection};

use crate::rows::{BuildDecision, Duplicate};

/// Rows in one INSERT: 4 columns x 2,000 rows stays below SQLite's limit of 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 2000;

/// Ids in one DELETE, below the same limit.
const IDS_PER_STATEMENT: usize = 8000;

pub(super) async fn insert_build_files(
    connection: &mut SqliteConnection,
    build: i64,
    decisions: &[BuildDecision],
) -> Result<(), sqlx::Error> {
    for rows in decisions.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO build_files (build_id, file_id, split, reason) ");
        query.push_values(rows, |mut tuple, row| {
            tuple
                .push_bind(build)
                .push_bind(row.file_id)
                .push_bind(row.outcome.ok().map(Split::as_str))
                .push_bind(row.outcome.err().map(Reason::code));
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn insert_duplicates(
    connection: &mut SqliteConnection,
    duplicates: &[Duplicate],
) -> Result<(), sqlx::Error> {
    for rows in duplicates.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO duplicates (file_id, reason, kept_file_id, jaccard) ");
        query.push_values(rows, |mut tuple, row| {
            tuple
                .push_bind(row.file_id)
                .push_bind(row.reason.code())
                .push_bind(row.kept_file_id)
                .push_bind(row.jaccard);
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn delete_duplicates(connection: &mut SqliteConnection, files: &[i64]) -> Result<(), sqlx::Error> {
    for ids in files.chunks(IDS_PER_STATEMENT) {
        let mut query = QueryBuilder::<sqlx::Sqlite>::new("DELETE FROM duplicates WHERE file_id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Name and revision of those among `names` that were processed by the recipe.
pub(super) async fn finished_repositories(
    connection: &mut SqliteConnection,
    recipe: &str,
    names: &[&str],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql = "SELECT name, revision FROM repositories
               WHERE recipe = $1 AND error_code IS NULL AND name IN (SELECT value FROM json_each($2))";
    let names = serde_json::json!(names).to_string();
    sqlx::query_as(sql).bind(recipe).bind(names).fetch_all(connection).await
}
