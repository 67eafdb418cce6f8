//! Making repositories with the git command line, and opening them.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use codelupe_core::{Reason, Verdict};
use codelupe_forge::{Error, Found, Kind, Limits, Located, ReadFailure, Snapshot, Source, discover, open};
use tempfile::TempDir;

/// A fresh folder.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// `git` without any configuration but the repository's, with fixed people and dates.
pub(crate) fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", "1700000000 +0100")
        .env("GIT_COMMITTER_DATE", "1700000000 +0100");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A B");
        command.env(format!("GIT_{role}_EMAIL"), "a@example.org");
    }
    command
}

/// Runs git and gives back what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    git_with_input(folder, arguments, b"")
}

/// Runs git with `input` on its standard input.
pub(crate) fn git_with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = git_command(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {stderr}");
    output.stdout
}

/// Runs git and gives back the one word that it printed.
pub(crate) fn git_word(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let output = git_with_input(folder, arguments, input);
    String::from_utf8(output).unwrap().trim().to_owned()
}

/// A repository in a fresh folder that is made object by object.
pub(crate) struct Bare {
    pub(crate) folder: TempDir,
}

impl Bare {
    pub(crate) fn new() -> Self {
        let folder = folder();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "."]);
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn blob(&self, content: &[u8]) -> String {
        git_word(self.path(), &["hash-object", "-w", "--stdin"], content)
    }

    /// A tree of `(mode, name, id)` as it stands, however wrong.
    pub(crate) fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut tree = Vec::new();
        for (mode, name, id) in entries {
            tree.extend_from_slice(&[mode.as_bytes(), b" ", name, b"\0"].concat());
            let byte = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).unwrap();
            tree.extend((0..id.len()).step_by(2).map(byte));
        }
        self.object("tree", &tree)
    }

    pub(crate) fn object(&self, kind: &str, content: &[u8]) -> String {
        let arguments = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
        git_word(self.path(), &arguments, content)
    }

    /// Commits `tree` on `main`.
    pub(crate) fn commit(&self, tree: &str) -> String {
        let id = git_word(self.path(), &["commit-tree", tree, "-m", "x"], b"");
        git(self.path(), &["update-ref", "refs/heads/main", &id]);
        id
    }

    /// The file of a loose object, made writable.
    pub(crate) fn loose(&self, id: &str) -> PathBuf {
        let path = self.path().join("objects").join(&id[..2]).join(&id[2..]);
        writable(&path);
        path
    }

    /// The only file in `objects/pack` with this extension, made writable.
    pub(crate) fn pack(&self, extension: &str) -> PathBuf {
        let listing = std::fs::read_dir(self.path().join("objects/pack")).unwrap();
        let path = listing
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension() == Some(OsStr::new(extension)))
            .unwrap();
        writable(&path);
        path
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Snapshot>, Error> {
        open_path(self.path(), &Limits::default())
    }
}

fn writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

/// Those on this machine.
pub(crate) fn local(found: Vec<Found>) -> Vec<Located> {
    found.into_iter().filter_map(Found::into_local).collect()
}

/// The folder as one located repository.
pub(crate) fn locate(path: &Path) -> Located {
    let mut located = local(discover(&Source::Repository(path.to_owned())).unwrap());
    assert_eq!(located.len(), 1);
    located.remove(0)
}

pub(crate) fn open_path(path: &Path, limits: &Limits) -> Result<Box<dyn Snapshot>, Error> {
    open(&locate(path), limits)
}

/// The error that opening gives; a snapshot has no `Debug`.
pub(crate) fn open_error(path: &Path, limits: &Limits) -> Error {
    match open_path(path, limits) {
        Ok(snapshot) => panic!("it opened with {} entries", snapshot.entries().len()),
        Err(error) => error,
    }
}

/// Opens a folder as a crate or plain folder, whatever it looks like.
pub(crate) fn open_as(path: &Path, kind: Kind) -> Box<dyn Snapshot> {
    let located = Located { kind, ..locate(path) };
    open(&located, &Limits::default()).unwrap()
}

/// Path, reason for being dropped when listed, in order.
pub(crate) fn listing(snapshot: &dyn Snapshot) -> Vec<(String, Option<Reason>)> {
    let entries = snapshot.entries().iter();
    entries
        .map(|entry| (entry.path.escape_ascii().to_string(), entry.verdict.reason()))
        .collect()
}

/// What reading the entry with this path gives.
pub(crate) fn read(snapshot: &mut dyn Snapshot, path: &str) -> Result<Vec<u8>, ReadFailure> {
    let index = snapshot
        .entries()
        .iter()
        .position(|entry| entry.path == path.as_bytes())
        .unwrap_or_else(|| panic!("no entry {path}"));
    let mut buffer = b"old content".to_vec();
    snapshot.read(index, &mut buffer).map(|()| buffer)
}

/// Reads everything that is kept, asserting that it can be read.
pub(crate) fn read_all(snapshot: &mut dyn Snapshot) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut files = Vec::new();
    let mut buffer = Vec::new();
    for index in 0..snapshot.entries().len() {
        let entry = snapshot.entries()[index].clone();
        if entry.verdict == Verdict::Kept {
            let read = snapshot.read(index, &mut buffer);
            assert_eq!(read, Ok(()), "{}", entry.path.escape_ascii());
            files.push((entry.path.to_vec(), buffer.clone()));
        }
    }
    files
}

/// Writes a file and the folders it needs.
pub(crate) fn write(folder: &Path, path: &[u8], content: &[u8]) {
    let path = folder.join(OsStr::from_bytes(path));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
