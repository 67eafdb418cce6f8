//! Listing and reading 2,000 files of 2 KB, as a folder, as loose and as packed objects; `git cat-file` beside it.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot make its input has nothing to measure"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use codelupe_forge::{Kind, Limits, Located, Source, discover, open};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tempfile::TempDir;

const FILES: usize = 2_000;

static LOOSE: LazyLock<TempDir> = LazyLock::new(|| repository(false));
static PACKED: LazyLock<TempDir> = LazyLock::new(|| repository(true));

fn main() {
    divan::main();
}

#[divan::bench]
fn read_folder(bencher: Bencher<'_, '_>) {
    bench(bencher, &located(LOOSE.path(), Kind::Folder));
}

#[divan::bench]
fn read_loose(bencher: Bencher<'_, '_>) {
    bench(bencher, &located(LOOSE.path(), Kind::Git));
}

#[divan::bench]
fn read_packed(bencher: Bencher<'_, '_>) {
    bench(bencher, &located(PACKED.path(), Kind::Git));
}

#[divan::bench]
fn list_packed(bencher: Bencher<'_, '_>) {
    let located = located(PACKED.path(), Kind::Git);
    bencher.counter(ItemsCount::new(FILES)).bench(|| {
        let snapshot = open(&located, &Limits::default()).unwrap();
        snapshot.entries().len()
    });
}

/// The peer: `git ls-tree -r | git cat-file --batch`.
#[divan::bench]
fn git_cat_file(bencher: Bencher<'_, '_>) {
    let script = "git ls-tree -r --format='%(objectname)' HEAD | git cat-file --batch > /dev/null";
    bencher.counter(ItemsCount::new(FILES)).bench(|| {
        let status = Command::new("sh")
            .args(["-c", script])
            .current_dir(PACKED.path())
            .status();
        assert!(status.unwrap().success());
    });
}

fn bench(bencher: Bencher<'_, '_>, located: &Located) {
    let mut buffer = Vec::new();
    let bytes = read_all(located, &mut buffer);
    bencher
        .counter(ItemsCount::new(FILES))
        .counter(BytesCount::new(bytes))
        .bench_local(|| read_all(located, &mut buffer));
}

/// The sum of the sizes of all files.
fn read_all(located: &Located, buffer: &mut Vec<u8>) -> usize {
    let mut snapshot = open(located, &Limits::default()).unwrap();
    let mut bytes = 0;
    for index in 0..snapshot.entries().len() {
        snapshot.read(index, buffer).unwrap();
        bytes += buffer.len();
    }
    bytes
}

fn located(path: &Path, kind: Kind) -> Located {
    let mut located = discover(&Source::Repository(path.to_owned())).unwrap();
    let found = located.remove(0).into_local().unwrap();
    Located { kind, ..found }
}

/// A repository of [`FILES`] files that differ in every line.
fn repository(packed: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..FILES {
        let path = folder.path().join(format!("src/module_{}/file_{file}.rs", file % 40));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let lines = (0..50).map(|line| format!("fn f_{file}_{line}() -> usize {{ {} }}\n", file * line * 7919));
        std::fs::write(path, lines.collect::<String>()).unwrap();
    }
    git(folder.path(), &["init", "-q", "-b", "main", "."]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "x"]);
    if packed {
        git(folder.path(), &["gc", "-q", "--prune=now"]);
    }
    folder
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}
