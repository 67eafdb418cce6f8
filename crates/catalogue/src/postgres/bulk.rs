//! Many rows at once, as PostgreSQL takes them.

use codelupe_core::{Reason, Split};
use sqlx::PgConnection;

use super::copy::CopyRows;
use super::storable;
use crate::rows::{BuildDecision, Duplicate};

pub(super) async fn insert_build_files(
    connection: &mut PgConnection,
    build: i64,
    decisions: &[BuildDecision],
) -> Result<(), sqlx::Error> {
    let statement = "COPY build_files (build_id, file_id, split, reason) FROM STDIN (FORMAT binary)";
    let mut rows = CopyRows::new(statement, 4);
    for row in decisions {
        rows.begin_row();
        rows.bigint(Some(build));
        rows.bigint(Some(row.file_id));
        rows.text(row.outcome.ok().map(Split::as_str));
        rows.text(row.outcome.err().map(Reason::code));
    }
    rows.send(connection).await
}

pub(super) async fn insert_duplicates(
    connection: &mut PgConnection,
    duplicates: &[Duplicate],
) -> Result<(), sqlx::Error> {
    let statement = "COPY duplicates (file_id, reason, kept_file_id, jaccard) FROM STDIN (FORMAT binary)";
    let mut rows = CopyRows::new(statement, 4);
    for row in duplicates {
        rows.begin_row();
        rows.bigint(Some(row.file_id));
        rows.text(Some(row.reason.code()));
        rows.bigint(Some(row.kept_file_id));
        rows.double(row.jaccard);
    }
    rows.send(connection).await
}

pub(super) async fn delete_duplicates(connection: &mut PgConnection, files: &[i64]) -> Result<(), sqlx::Error> {
    let query = sqlx::query("DELETE FROM duplicates WHERE file_id = ANY($1)").bind(files);
    query.execute(connection).await.map(drop)
}

/// Name and revision of those among `names` that were processed by the recipe.
pub(super) async fn finished_repositories(
    connection: &mut PgConnection,
    recipe: &str,
    names: &[&str],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql = "SELECT name, revision FROM repositories WHERE recipe = $1 AND error_code IS NULL AND name = ANY ($2)";
    let names: Vec<_> = names.iter().map(|name| storable(name)).collect();
    sqlx::query_as(sql).bind(recipe).bind(names).fetch_all(connection).await
}
