//! Disks without space. They are made where mounting is allowed: in a user namespace of a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codelupe_catalogue::{CatalogueUrl, ErrorKind};
use codelupe_testkit::postgres::Server;
use sha2::{Digest, Sha256};

use super::{assert_stored, shown};
use crate::rows::{RECIPE, batch, repository};
use crate::world::World;

/// Names the small disk, in the process that has it.
const SMALL: &str = "CODELUPE_TEST_SMALL_DISK";

const BALLAST_BYTES: usize = 8 << 20;

/// Mounts the disk as root of the namespace, and runs the test as somebody else: PostgreSQL refuses root.
const SCRIPT: &str =
    r#"mount -t tmpfs -o size=32m,mode=777 none "$0" && exec unshare --user --map-user=1000 --map-group=1000 "$@""#;

#[tokio::test]
async fn a_sqlite_file_cannot_grow() {
    let Some(disk) = small_disk("faults::full::a_sqlite_file_cannot_grow") else {
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
    let Some(disk) = small_disk("faults::full::a_server_cannot_grow") else {
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

/// The small disk; without one, this test runs in a process that has one.
pub(crate) fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(SMALL) {
        return Some(disk.into());
    }
    let disk = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", SCRIPT])
        .arg(disk.path());
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(SMALL, disk.path());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    None
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
