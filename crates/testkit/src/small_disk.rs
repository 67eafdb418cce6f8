//! A disk with little room, for what happens when it is full. It is mounted where mounting is allowed: in namespaces of a
//! process of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the disk, in the process that has it.
const DISK: &str = "CODELUPE_TEST_SMALL_DISK";

/// Mounts the disk as root of the namespace, and runs the test as somebody else: PostgreSQL refuses root.
const SCRIPT: &str = r#"mount -t tmpfs -o size="$1",mode=777 none "$0" && shift && exec unshare --user --map-user=1000 --map-group=1000 "$@""#;

/// The folder of an empty disk of so many MiB. Without one, the test that asks, named by its path in its binary, runs in a
/// process that has one, and there is nothing left to do.
pub fn small_disk(test: &str, mebibytes: u32) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let disk = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", SCRIPT])
        .arg(disk.path())
        .arg(format!("{mebibytes}m"))
        .arg(std::env::current_exe().expect("the test's own program"))
        .args(["--exact", test])
        .env(DISK, disk.path())
        .output()
        .expect("unshare, of util-linux");
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    None
}

/// Takes all the room that a disk has left.
pub fn fill(disk: &Path) {
    let mut ballast = File::create(disk.join("ballast")).expect("a file on the disk");
    while ballast.write_all(&[1; 4096]).is_ok() {}
}
