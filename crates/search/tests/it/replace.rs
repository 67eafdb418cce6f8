//! One index replaces another as a whole, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use codelupe_core::error::ErrorCode;
use codelupe_search::{ErrorKind, FileDocument, SearchIndex, build};

use crate::corpus::found;

pub(crate) fn add(builder: &mut codelupe_search::IndexBuilder, text: &str) {
    let file = FileDocument {
        repository: "r",
        path: "p",
        language: "C",
        license: "MIT",
        quality: 1,
        bytes: 1,
        blob: "",
        text,
    };
    builder.add_file(&file).unwrap();
}

fn build_with(folder: &Path, text: &str) {
    let mut builder = build(folder, 0).unwrap();
    add(&mut builder, text);
    builder.finish().unwrap();
}

fn generations(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

#[test]
fn a_reader_keeps_its_index_and_the_next_sees_the_new() {
    let dir = tempfile::tempdir().unwrap();
    build_with(dir.path(), "first");
    let old = SearchIndex::open(dir.path()).unwrap();
    build_with(dir.path(), "second");
    let new = SearchIndex::open(dir.path()).unwrap();
    assert_eq!((found(&old, "first").total, found(&old, "second").total), (1, 0));
    assert_eq!((found(&new, "first").total, found(&new, "second").total), (0, 1));
    assert_eq!(generations(dir.path()).len(), 1);
}

#[test]
fn opening_never_fails_while_builds_replace_the_index() {
    let dir = tempfile::tempdir().unwrap();
    build_with(dir.path(), "text");
    std::thread::scope(|scope| {
        let builds = scope.spawn(|| (0..10).for_each(|_| build_with(dir.path(), "text")));
        while !builds.is_finished() {
            let index = SearchIndex::open(dir.path()).unwrap();
            assert_eq!(found(&index, "text").total, 1);
        }
    });
}

#[test]
fn an_unfinished_build_leaves_the_old_index_and_is_cleaned_up() {
    let dir = tempfile::tempdir().unwrap();
    build_with(dir.path(), "first");
    let mut unfinished = build(dir.path(), 0).unwrap();
    add(&mut unfinished, "second");
    assert_eq!(build(dir.path(), 0).err().unwrap().kind(), ErrorKind::Locked);
    drop(unfinished);
    let index = SearchIndex::open(dir.path()).unwrap();
    assert_eq!((found(&index, "first").total, found(&index, "second").total), (1, 0));
    assert_eq!(generations(dir.path()).len(), 2);
    build_with(dir.path(), "third");
    assert_eq!(generations(dir.path()).len(), 1);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let check = |break_it: &dyn Fn(&Path), kind: ErrorKind, code: ErrorCode, hint: &str| {
        let dir = tempfile::tempdir().unwrap();
        build_with(dir.path(), "text");
        break_it(dir.path());
        let error = SearchIndex::open(dir.path()).err().unwrap();
        assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
        build_with(dir.path(), "text");
        assert_eq!(found(&SearchIndex::open(dir.path()).unwrap(), "text").total, 1);
    };
    let corrupt = ErrorCode::CorruptStore;
    let pointer = |text: &'static str| move |folder: &Path| fs::write(folder.join("index.json"), text).unwrap();
    let future = pointer(r#"{"format":999,"generation":"generation-1"}"#);
    check(&future, ErrorKind::UnknownFormat, corrupt, "build the index again");
    check(&pointer("{"), ErrorKind::Corrupt, corrupt, "build the index again");
    let gone = |folder: &Path| fs::remove_file(folder.join("index.json")).unwrap();
    check(&gone, ErrorKind::Missing, ErrorCode::NotFound, "build one first");
    let lost = |folder: &Path| fs::remove_dir_all(&generations(folder)[0]).unwrap();
    check(&lost, ErrorKind::Corrupt, corrupt, "cannot open");
    // As root may do anything, the lock that opening takes cannot be had in another way: it is a folder.
    let locked = |folder: &Path| {
        let lock = generations(folder)[0].join(".tantivy-meta.lock");
        let _ = fs::remove_file(&lock);
        fs::create_dir(&lock).unwrap();
    };
    check(&locked, ErrorKind::Io, ErrorCode::Storage, "cannot open");
    let damaged = |folder: &Path| fs::write(generations(folder)[0].join("meta.json"), "{}").unwrap();
    check(&damaged, ErrorKind::Corrupt, corrupt, "cannot open");
}
