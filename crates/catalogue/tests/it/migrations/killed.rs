//! Migrations that are killed half-way have not happened.

use codelupe_catalogue::MigrationState;
use codelupe_testkit::postgres::Server;
use sqlx::{Connection, PgConnection, SqliteConnection, query};

use super::race::migrator;
use super::{connect, counts, full, newest, until, versions};
use crate::world::World;

/// A migration notes itself last: with its table locked against writers it stops there, all else being done.
#[tokio::test]
async fn by_a_crash_of_the_server() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let url = server.database();
    let world = World::at(&url);
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    schema.rollback(last - 1).await.unwrap();
    let before = counts(&world).await;

    let mut lock = PgConnection::connect(&url).await.unwrap();
    let mut locked = lock.begin().await.unwrap();
    query("LOCK TABLE _sqlx_migrations IN EXCLUSIVE MODE")
        .execute(&mut *locked)
        .await
        .unwrap();
    let migrating = tokio::spawn(async move { schema.migrate(None).await.map(|applied| applied.len()) });
    let database = url.rsplit('/').next().unwrap();
    let waits =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO _sqlx%'";
    until("the migration waits", async || server.psql(database, waits) == "1").await;
    server.kill();
    migrating.await.unwrap().unwrap_err();
    server.start_again();

    let mut schema = connect(&world.url).await;
    assert_eq!(
        versions(&schema.status().await.unwrap(), MigrationState::Pending),
        [last]
    );
    assert_eq!(counts(&world).await, before, "nothing is left of it");
    schema.migrate(None).await.unwrap();
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn by_the_end_of_its_connection() {
    let world = World::postgres();
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    schema.rollback(last - 1).await.unwrap();
    let before = counts(&world).await;
    let url = world.text();
    let mut lock = PgConnection::connect(&url).await.unwrap();
    let mut locked = lock.begin().await.unwrap();
    query("LOCK TABLE _sqlx_migrations IN EXCLUSIVE MODE")
        .execute(&mut *locked)
        .await
        .unwrap();
    let migrating = tokio::spawn(async move { schema.migrate(None).await.map(|applied| applied.len()) });
    let kill = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO _sqlx%'";
    until("the migration waits and is killed", async || {
        world.texts(kill).await == ["true"]
    })
    .await;
    let error = migrating.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), codelupe_catalogue::ErrorKind::Unavailable, "{error}");
    locked.rollback().await.unwrap();
    assert_eq!(counts(&world).await, before);
    let mut schema = connect(&world.url).await;
    assert_eq!(
        schema.migrate(None).await.unwrap().len(),
        1,
        "the lock went with the connection"
    );
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}

/// A migration notes itself last: a trigger makes that take for ever.
#[tokio::test]
async fn by_the_end_of_its_process() {
    let world = World::sqlite();
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    schema.rollback(last - 1).await.unwrap();
    let before = counts(&world).await;
    world
        .execute(
            "CREATE TRIGGER slow BEFORE INSERT ON _sqlx_migrations BEGIN
                 SELECT count(*) FROM (WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n);
             END",
        )
        .await;
    let mut child = migrator(&world.url);
    until("it migrates", async || is_being_written(&world).await).await;
    child.kill().unwrap();
    child.wait().unwrap();
    world.execute("DROP TRIGGER slow").await;

    assert_eq!(
        versions(&schema.status().await.unwrap(), MigrationState::Pending),
        [last]
    );
    assert_eq!(counts(&world).await, before, "nothing is left of it");
    assert_eq!(schema.migrate(None).await.unwrap().len(), 1, "no lock is left either");
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}

/// Whether a transaction that writes is under way.
async fn is_being_written(world: &World) -> bool {
    let path = world.folder().join("catalogue.sqlite");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    query("PRAGMA busy_timeout = 0").execute(&mut connection).await.unwrap();
    let begun = query("BEGIN IMMEDIATE").execute(&mut connection).await;
    connection.close().await.unwrap();
    begun.is_err()
}
