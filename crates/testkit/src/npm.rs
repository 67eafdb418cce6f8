//! Packages of npm, for what other people have written down or built: recorded answers, contracts, servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs packages, each `NAME@VERSION`, into a folder of their own below `cache` unless they are there already, and gives
/// their `node_modules`. No script of a package runs.
///
/// # Panics
/// Without Node.js and its `npm`, or without the network.
pub fn install(cache: &Path, packages: &[&str]) -> PathBuf {
    let name = packages.join(" ").replace(['/', ' '], "_");
    let folder = cache.join("npm").join(name);
    let modules = folder.join("node_modules");
    if modules.is_dir() {
        return modules;
    }
    let above = cache.join("npm");
    fs::create_dir_all(&above).expect("the cache is the caller's own");
    let fresh = tempfile::tempdir_in(&above).expect("the cache is the caller's own");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(fresh.path())
        .args(packages);
    let output = npm
        .output()
        .unwrap_or_else(|error| panic!("cannot run npm, which comes with Node.js: {error}"));
    assert!(
        output.status.success(),
        "npm install: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Another test may have been quicker: its folder is as good.
    if fs::rename(fresh.path(), &folder).is_ok() {
        // The folder is not where its owner would remove it.
        let _ = fresh.keep();
    }
    modules
}
