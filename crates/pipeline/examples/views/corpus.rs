//! Real source files.

use std::path::{Path, PathBuf};

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) language: &'static str,
    pub(crate) text: String,
}

impl File {
    /// What versions of a project have in common: the name of the crate's folder up to its version, or of the folder in which
    /// packages lie.
    pub(crate) fn project(&self) -> String {
        let names: Vec<String> = self
            .path
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let above = names
            .iter()
            .position(|name| name == "src" || name == "site-packages" || name.starts_with("python3."));
        let depth = above.map_or(0, |at| if names[at] == "src" { at + 2 } else { at + 1 });
        let name = names.get(depth).cloned().unwrap_or_default();
        let version = name
            .find(|c: char| c.is_ascii_digit())
            .filter(|at| name[..*at].ends_with('-'));
        name[..version.unwrap_or(name.len())].to_owned()
    }
}

/// The source files of 256 bytes to 256 KiB under the folders in path order; without folders, of the crates that cargo has unpacked.
pub(crate) fn files(folders: Vec<PathBuf>) -> Vec<File> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let unpacked = home.map(|home| home.join("registry").join("src"));
    let folders = if folders.is_empty() {
        unpacked.into_iter().collect()
    } else {
        folders
    };
    let mut files = Vec::new();
    for folder in folders {
        collect(&folder, &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// So many of the items, evenly spread.
pub(crate) fn spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let taken = count.min(all.len());
    (0..taken).map(|i| all[i * all.len() / taken].clone()).collect()
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            collect(&path, files);
        }
        let language = path.extension().and_then(|extension| language(extension.to_str()?));
        if let Some(language) = language.filter(|_| meta.is_file() && (256..=262_144).contains(&meta.len()))
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            files.push(File { path, language, text });
        }
    }
}

fn language(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "rs" => "Rust",
        "py" => "Python",
        "c" | "h" => "C",
        "cc" => "C++",
        "js" => "JavaScript",
        "go" => "Go",
        "java" => "Java",
        "sh" => "Shell",
        _ => return None,
    })
}
