//! Real files: the sources of crates that cargo has unpacked on this machine.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use codelupe_core::BlobId;

/// A text file of a crate.
pub(crate) struct SourceFile {
    /// The crate with its version.
    pub(crate) package: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The path in its crate.
    pub(crate) relative: String,
    pub(crate) blob: BlobId,
    pub(crate) text: String,
}

/// Up to `count` files of 1 to 100 kB in order of path, no two with the same content.
pub(crate) fn distinct_files(count: usize) -> Vec<SourceFile> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    let packages = entries(&home.join("registry").join("src"))
        .into_iter()
        .flat_map(|registry| entries(&registry));
    let (mut files, mut blobs) = (Vec::new(), HashSet::new());
    for package in packages {
        let mut paths = Vec::new();
        collect(&package, &mut paths);
        files.extend(
            paths
                .into_iter()
                .filter_map(|path| read(&package, path))
                .filter(|file| blobs.insert(file.blob)),
        );
        if files.len() >= count {
            break;
        }
    }
    files.truncate(count);
    files
}

/// How many crates they are of.
pub(crate) fn crates(files: &[SourceFile]) -> usize {
    files.chunk_by(|a, b| a.package == b.package).count()
}

fn read(package: &Path, path: PathBuf) -> Option<SourceFile> {
    let bytes = std::fs::read(&path).ok().filter(|bytes| !bytes.contains(&0))?;
    Some(SourceFile {
        package: package.file_name()?.to_str()?.to_owned(),
        relative: path.strip_prefix(package).ok()?.to_str()?.to_owned(),
        path,
        blob: BlobId::of(&bytes),
        text: String::from_utf8(bytes).ok()?,
    })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            collect(&path, paths);
        } else if meta.is_file() && (1000..=100_000).contains(&meta.len()) {
            paths.push(path);
        }
    }
}
