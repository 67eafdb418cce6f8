//! Which indexes the statements use.

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::{ADOPT, COMPLETE, EXTEND, LEASE, TAKE_BACK};
use crate::{Catalogue, CatalogueUrl, Migrate};

#[tokio::test]
async fn jobs_that_are_over_are_not_read() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("catalogue.sqlite");
    drop(
        Catalogue::open(&CatalogueUrl::Sqlite(path.clone()), Migrate::Allowed)
            .await
            .unwrap(),
    );
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    let mut check = async |sql: &str, steps: &[&str]| {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        for step in steps {
            assert!(plan.iter().any(|line| line.contains(step)), "{step}: {plan:#?}");
        }
        let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        assert!(
            !sorts && !plan.iter().any(|line| line == "SCAN jobs" || line == "SCAN j"),
            "{plan:#?}"
        );
    };
    check(ADOPT, &["USING INDEX jobs_open_keys (key=?)"]).await;
    check(TAKE_BACK, &["USING INDEX jobs_leased"]).await;
    check(
        LEASE,
        &[
            "USING INDEX jobs_ready",
            "USING INDEX jobs_open_steps (run=? AND step<?)",
        ],
    )
    .await;
    check(COMPLETE, &["USING INTEGER PRIMARY KEY (rowid=?)"]).await;
    check(EXTEND, &["USING INTEGER PRIMARY KEY (rowid=?)"]).await;
}
