//! Real files as they are, version bumps and vendored copies among them: whole crates that cargo has unpacked.

use std::path::{Path, PathBuf};

/// The largest file that is taken: 1 MiB.
const MAX_BYTES: u64 = 1 << 20;

/// The first `count` files of the crates in order of name (all versions of a crate stand together), in path order
/// within a crate, that end in `.rs`, `.c`, `.h`, `.py`, `.S`, `.md` or `.toml`, are at most 1 MiB long and are
/// `wanted`. Nothing is left out for being like another file; there are none where cargo has unpacked nothing.
pub fn whole_crates(count: usize, wanted: impl Fn(&[u8]) -> bool) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in crates() {
        let mut paths = Vec::new();
        collect(&folder, &mut paths);
        paths.sort();
        let texts = paths.into_iter().filter_map(|path| {
            let text = std::fs::read(&path).ok()?;
            Some((path, text))
        });
        files.extend(texts.filter(|(_, text)| wanted(text)));
        if files.len() >= count {
            break;
        }
    }
    files.truncate(count);
    files
}

/// The folders of all unpacked crates, in order of name whatever registry they come from.
fn crates() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let registries = home.map_or(Vec::new(), |home| entries(&home.join("registry").join("src")));
    let mut crates: Vec<PathBuf> = registries.iter().flat_map(|registry| entries(registry)).collect();
    crates.sort_by(|a, b| a.file_name().cmp(&b.file_name()).then(a.cmp(b)));
    crates
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let wanted = path.extension().is_some_and(|ext| {
            ["rs", "c", "h", "py", "S", "md", "toml"]
                .iter()
                .any(|want| ext == *want)
        });
        if meta.is_dir() {
            collect(&path, paths);
        } else if meta.is_file() && wanted && meta.len() <= MAX_BYTES {
            paths.push(path);
        }
    }
}
