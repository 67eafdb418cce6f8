//! Which indexes the statements use when most jobs are done: with statistics and without, with the parameters' values and
//! without.

use codelupe_testkit::postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{COMPLETE, ENQUEUE, LEASE, TAKE_BACK};
use crate::{Catalogue, Migrate};

/// 100,000 done, 10,000 queued in three steps of ten runs, 100 running.
const FILL: &str = "
    INSERT INTO jobs (key, name, run, step, priority, version, payload, state, run_at, enqueued_at, lease, lease_until)
    SELECT 'key ' || i, 'work', 'run ' || i % 10, i % 3, 0, 1, '{}',
           CASE WHEN i <= 100000 THEN 'done' WHEN i <= 110000 THEN 'queued' ELSE 'running' END, i, i, 1,
           CASE WHEN i > 110000 THEN 9e12 END
    FROM generate_series(1, 110100) AS i";

async fn plan<'q>(
    connection: &mut PgConnection,
    sql: &str,
    bind: impl FnOnce(Query<'q, sqlx::Postgres, PgArguments>) -> Query<'q, sqlx::Postgres, PgArguments>,
) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
    let rows = bind(sqlx::query(explain)).fetch_all(connection).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    lines.join("\n")
}

#[tokio::test]
async fn jobs_that_are_over_are_not_read() {
    let url = postgres::shared().database();
    drop(Catalogue::open(&url.parse().unwrap(), Migrate::Allowed).await.unwrap());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query(FILL).execute(&mut connection).await.unwrap();
    for statistics in [false, true] {
        if statistics {
            sqlx::query("ANALYZE jobs").execute(&mut connection).await.unwrap();
        }
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let set = AssertSqlSafe(format!("SET plan_cache_mode = {mode}"));
            sqlx::query(set).execute(&mut connection).await.unwrap();
            let check = |plan: &str, index: &str| {
                assert!(plan.contains(index), "{mode}, statistics {statistics}: {index}\n{plan}");
                assert!(
                    !plan.contains("Seq Scan on jobs"),
                    "{mode}, statistics {statistics}\n{plan}"
                );
            };
            let connection = &mut connection;
            check(
                &plan(connection, TAKE_BACK, |query| query.bind(5i64)).await,
                "jobs_leased",
            );
            let lease = plan(connection, LEASE, |query| {
                query
                    .bind("w")
                    .bind(1000i64)
                    .bind(vec!["work"])
                    .bind(None::<Vec<i64>>)
                    .bind(50i64)
            });
            let lease = lease.await;
            check(&lease, "jobs_ready");
            check(&lease, "jobs_open_steps");
            // Without statistics the planner expects so few queued jobs that it sorts them.
            assert!(!statistics || !lease.contains("Sort"), "{mode}\n{lease}");
            let complete = plan(connection, COMPLETE, |query| {
                query.bind(vec![1i64; 50]).bind(vec![1i64; 50]).bind(vec!["{}"; 50])
            });
            check(&complete.await, "Index Scan using jobs_pkey");
            let enqueue = plan(connection, ENQUEUE, |query| {
                let (text, number) = (vec!["a"; 50], vec![1i64; 50]);
                let query = query.bind(text.clone()).bind(text.clone()).bind(text.clone());
                query
                    .bind(number.clone())
                    .bind(number.clone())
                    .bind(number)
                    .bind(text.clone())
                    .bind(text)
            });
            check(&enqueue.await, "Conflict Arbiter Indexes: jobs_open_keys");
        }
    }
}
