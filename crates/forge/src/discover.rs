//! Finding the repositories of a source.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use codelupe_core::{MAX_REPO_NAME_BYTES, RepoName};

use codelupe_core::text::{display_name, display_path};

use crate::error::{Error, ErrorKind};
use crate::located::{Found, Kind, Located};
use crate::source::Source;

/// Finds the repositories of `source`, sorted by name; the same folders give the same list.
///
/// An address is one repository; whether there is one is not asked yet. A folder is a repository when it has an entry `.git`, is a bare git repository (`HEAD`, `objects`, `refs`), or is an
/// unpacked crate (`.cargo-ok`, or `.cargo_vcs_info.json` beside `Cargo.toml`). [`Source::Auto`] decides by the first
/// rule that fits:
/// 1. PATH is a repository: that one.
/// 2. A child folder is a repository: every child folder is one, the others as plain folders.
/// 3. A grandchild folder is a repository (layout `owner/name`): all such grandchildren, named `owner/name`.
/// 4. Otherwise PATH is one plain folder.
///
/// A `.git` that is a real folder is read as [`Kind::Git`]. A `.git` *file* (worktree, submodule) or link points somewhere
/// else, perhaps at a repository that was never offered; it is not followed and the folder is read as plain files.
/// Child folders that are links are left out. Names are those of the folders (a bare `x.git` is `x`), made printable and,
/// with `~2`, `~3`, unique.
///
/// # Errors
/// PATH does not exist, is not a folder or cannot be listed; the error names it. A query is no place: `Invalid`.
pub fn discover(source: &Source) -> Result<Vec<Found>, Error> {
    let located = match source {
        Source::Remote(remote) => return Ok(vec![Found::Remote(remote.clone())]),
        Source::Hosted(query) => {
            let why = format!("`{query}` has to be listed by its forge first");
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        Source::Repository(path) => vec![locate_one(folder(path)?)],
        Source::Repositories(path) => name_all(children(&folder(path)?)?),
        Source::Auto(path) => discover_auto(folder(path)?)?,
    };
    Ok(located.into_iter().map(Found::Local).collect())
}

/// The folder, absolute and without links.
fn folder(path: &Path) -> Result<PathBuf, Error> {
    let path = fs::canonicalize(path).map_err(|error| Error::at(path, "source", error))?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Error::new(ErrorKind::NotAFolder, display_path(&path)))
    }
}

fn discover_auto(path: PathBuf) -> Result<Vec<Located>, Error> {
    if is_repository(&path) {
        return Ok(vec![locate_one(path)]);
    }
    let children = children(&path)?;
    if children.iter().any(|child| is_repository(&child.path)) {
        return Ok(name_all(children));
    }
    let grandchildren: Vec<Candidate> = children.iter().flat_map(repositories_of_owner).collect();
    if grandchildren.is_empty() {
        Ok(vec![locate_one(path)])
    } else {
        Ok(name_all(grandchildren))
    }
}

/// A folder with the raw bytes that its name will be made of.
struct Candidate {
    name: Vec<u8>,
    path: PathBuf,
}

/// The child folders of `path` that are no links, without `.git`.
fn children(path: &Path) -> Result<Vec<Candidate>, Error> {
    let listing = fs::read_dir(path).map_err(|error| Error::at(path, "list folder", error))?;
    let mut children = Vec::new();
    for child in listing {
        let child = child.map_err(|error| Error::at(path, "list folder", error))?;
        let name = child.file_name().as_bytes().to_vec();
        if name != b".git" && child.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = child.path();
            children.push(Candidate { name, path });
        }
    }
    Ok(children)
}

/// The repositories right under the folder of an owner; an owner that cannot be listed has none.
fn repositories_of_owner(owner: &Candidate) -> Vec<Candidate> {
    let found = children(&owner.path).unwrap_or_else(|error| {
        tracing::warn!(%error, "folder left out");
        Vec::new()
    });
    let repositories = found.into_iter().filter(|child| is_repository(&child.path));
    repositories
        .map(|child| Candidate {
            name: [&owner.name[..], b"/", &child.name].concat(),
            path: child.path,
        })
        .collect()
}

fn locate_one(path: PathBuf) -> Located {
    let name = path.file_name().map_or(&b"root"[..], OsStrExt::as_bytes).to_vec();
    locate(&Candidate { name, path }, &mut HashSet::new())
}

fn name_all(mut candidates: Vec<Candidate>) -> Vec<Located> {
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    let mut taken = HashSet::new();
    let mut located: Vec<Located> = candidates.iter().map(|one| locate(one, &mut taken)).collect();
    located.sort_by(|a, b| a.name.cmp(&b.name));
    located
}

fn locate(candidate: &Candidate, taken: &mut HashSet<RepoName>) -> Located {
    let kind = kind_of(&candidate.path);
    let bare = kind == Kind::Git && is_git_folder(&candidate.path);
    let raw = match candidate.name.strip_suffix(b".git") {
        Some(stem) if bare && !stem.is_empty() && !stem.ends_with(b"/") => stem,
        _ => &candidate.name[..],
    };
    let name = unique_name(raw, taken);
    Located {
        name,
        path: candidate.path.clone(),
        kind,
    }
}

/// The first free name among `raw` made printable, that with `~2`, with `~3` and so on.
fn unique_name(raw: &[u8], taken: &mut HashSet<RepoName>) -> RepoName {
    let mut shown = display_name(raw);
    // Room for the suffix; only names of escapes alone come near this.
    let room = MAX_REPO_NAME_BYTES - 24;
    shown.truncate(shown.floor_char_boundary(room));
    let suffixes = std::iter::once(String::new()).chain((2_u64..).map(|number| format!("~{number}")));
    suffixes
        .filter_map(|suffix| format!("{shown}{suffix}").parse::<RepoName>().ok())
        .find(|name| taken.insert(name.clone()))
        .unwrap_or_else(|| unreachable!("a folder's name is no `.` or `..`, and there are more numbers than folders"))
}

fn kind_of(path: &Path) -> Kind {
    if is_git_folder(path) || (is_real_folder(&path.join(".git")) && is_git_folder(&path.join(".git"))) {
        Kind::Git
    } else if is_crate(path) {
        Kind::Crate
    } else {
        Kind::Folder
    }
}

fn is_repository(path: &Path) -> bool {
    fs::symlink_metadata(path.join(".git")).is_ok() || is_git_folder(path) || is_crate(path)
}

/// Whether `path` is a git directory, by the rule of git itself (`is_git_directory`), links left aside.
fn is_git_folder(path: &Path) -> bool {
    is_real_file(&path.join("HEAD")) && is_real_folder(&path.join("objects")) && is_real_folder(&path.join("refs"))
}

fn is_crate(path: &Path) -> bool {
    is_real_file(&path.join(".cargo-ok"))
        || (is_real_file(&path.join("Cargo.toml")) && is_real_file(&path.join(".cargo_vcs_info.json")))
}

fn is_real_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_printable_and_unique() {
        let mut taken = HashSet::new();
        let mut check = |raw: &[u8], expected: &str| assert_eq!(unique_name(raw, &mut taken).as_str(), expected);
        check(b"a", "a");
        check(b"a", "a~2");
        check(b"a", "a~3");
        check(b"a~2", "a~2~2");
        check(b"\xff", "\\xff");
        check(b"\\xff", "\\xff~2");
        check(b"o/n\n", "o/n\\u{a}");
        let long = [1_u8; 255];
        assert!(unique_name(&long, &mut taken).as_str().len() <= MAX_REPO_NAME_BYTES);
    }
}
