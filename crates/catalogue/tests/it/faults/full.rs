//! Disks without space.

use std::fs;
use std::path::Path;

use codelupe_catalogue::{CatalogueUrl, ErrorKind};
use codelupe_testkit::postgres::Server;
use codelupe_testkit::small_disk::small_disk;
use sha2::{Digest, Sha256};

use super::{assert_stored, shown};
use crate::rows::{RECIPE, batch, repository};
use crate::world::World;

/// MiB of the small disk.
pub(crate) const ROOM: u32 = 32;

const BALLAST_BYTES: usize = 8 << 20;

#[tokio::test]
async fn a_sqlite_file_cannot_grow() {
    let Some(disk) = small_disk("faults::full::a_sqlite_file_cannot_grow", ROOM) else {
        return;
    };
    let world = World {
        url: CatalogueUrl::Sqlite(disk.join("catalogue.sqlite")),
        ..World::sqlite()
    };
    fills_up(&world, &disk).await;
}

#[tokio::test]
async fn a_server_cannot_grow() {
    let Some(disk) = small_disk("faults::full::a_server_cannot_grow", ROOM) else {
        return;
    };
    let server = Server::with_settings(&[("fsync", "off")]);
    let folder = disk.join("tablespace");
    fs::create_dir(&folder).unwrap();
    server.psql(
        "postgres",
        &format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()),
    );
    server.psql("postgres", "CREATE DATABASE full_up TABLESPACE small");
    fills_up(&World::at(&server.url("full_up")), &disk).await;
}

async fn fills_up(world: &World, disk: &Path) {
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; BALLAST_BYTES]).unwrap();
    let catalogue = world.catalogue().await;
    let store = async |n: usize| {
        let text = format!("text 0-{n}");
        let mut row = repository(&format!("r/{n}"), &[("x.rs", &text)]);
        row.license_evidence = (0..2000)
            .map(|line| hex::encode(Sha256::digest(format!("{n} {line}"))))
            .collect();
        catalogue.commit(&batch(&[&text], vec![row]), RECIPE, None).await
    };
    let mut stored = 0;
    let error = loop {
        match store(stored).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1000, "the disk is not that large");
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{}", shown(&error));
    assert!(stored > 10, "{stored}");
    assert_eq!(store(stored).await.unwrap_err().kind(), ErrorKind::DiskFull);
    assert_stored(&catalogue, &[stored]).await;
    fs::remove_file(&ballast).unwrap();
    for _ in 0..10 {
        store(stored).await.unwrap();
        stored += 1;
    }
    assert_stored(&catalogue, &[stored]).await;
    catalogue.close().await;
}
