//! Real files to measure on: sources that cargo has unpacked on this machine.

use std::path::{Path, PathBuf};

/// Up to `count` source files, none where there are none, of 256 bytes to 64 KiB, spread evenly over all that are there, in path order.
pub(crate) fn sources(count: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    if let Some(root) = cargo_home() {
        collect(&root.join("registry").join("src"), &mut paths);
    }
    paths.sort();
    let step = (paths.len() / count).max(1);
    paths
        .iter()
        .step_by(step)
        .take(count)
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let path = entry.path();
        let wanted = path
            .extension()
            .is_some_and(|ext| ["rs", "py", "c", "h"].iter().any(|want| ext == *want));
        if meta.is_dir() {
            collect(&path, paths);
        } else if meta.is_file() && wanted && (256..=65_536).contains(&meta.len()) {
            paths.push(path);
        }
    }
}
