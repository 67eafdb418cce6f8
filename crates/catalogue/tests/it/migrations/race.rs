//! Many migrators at once.

use std::process::{Child, Command};
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Migrate, Schema};
use tokio::sync::Barrier;

use super::{connect, newest};
use crate::world::{World, on_both};

const MIGRATORS: usize = 10;

/// Names the database for [`one_process_migrates`].
const URL: &str = "CODELUPE_TEST_MIGRATE_URL";

on_both!(
    of_many_tasks_one_applies,
    of_many_processes_one_applies,
    catalogues_are_opened_at_once
);

async fn of_many_tasks_one_applies(world: World) {
    let barrier = Arc::new(Barrier::new(MIGRATORS));
    let mut migrators = Vec::new();
    for _ in 0..MIGRATORS {
        let (url, barrier) = (world.url.clone(), Arc::clone(&barrier));
        migrators.push(tokio::spawn(async move {
            let connected = Schema::connect(&url).await;
            barrier.wait().await;
            i64::try_from(connected.unwrap().migrate(None).await.unwrap().len()).unwrap()
        }));
    }
    let mut applied = Vec::new();
    for migrator in migrators {
        applied.push(migrator.await.unwrap());
    }
    let mut schema = connect(&world.url).await;
    assert_eq!(
        applied.iter().sum::<i64>(),
        newest(&mut schema).await,
        "each was applied once: {applied:?}"
    );
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}

async fn of_many_processes_one_applies(world: World) {
    let children: Vec<Child> = (0..MIGRATORS).map(|_| migrator(&world.url)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let mut schema = connect(&world.url).await;
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
    let noted = world.texts("SELECT count(*) || '' FROM _sqlx_migrations").await;
    assert_eq!(noted, [newest(&mut schema).await.to_string()]);
}

async fn catalogues_are_opened_at_once(world: World) {
    let opening = (0..MIGRATORS).map(|_| {
        let url = world.url.clone();
        tokio::spawn(async move {
            Catalogue::open(&url, Migrate::Refused)
                .await
                .unwrap()
                .identity()
                .await
                .unwrap()
        })
    });
    let mut identities = Vec::new();
    for opened in opening.collect::<Vec<_>>() {
        identities.push(opened.await.unwrap());
    }
    identities.dedup();
    assert_eq!(identities.len(), 1, "all opened the same catalogue");
}

/// This very program, as a process that migrates a database.
pub(super) fn migrator(url: &CatalogueUrl) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "migrations::race::one_process_migrates", "--nocapture"]);
    command.env(URL, url.to_string());
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// Migrates the database that the environment names, or else one of its own.
#[tokio::test]
async fn one_process_migrates() {
    let own = World::sqlite();
    let url = std::env::var(URL).map_or_else(|_| own.url.clone(), |url| url.parse().unwrap());
    let mut schema = connect(&url).await;
    schema.migrate(None).await.unwrap();
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}
