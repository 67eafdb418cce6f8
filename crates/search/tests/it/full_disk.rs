//! Disks without room, and folders of ours that are gone: both are faults of the machine.

use std::fs;
use std::path::Path;

use codelupe_core::error::{Class, ErrorCode};
use codelupe_search::{Error, build};
use codelupe_testkit::small_disk::{fill, small_disk};

use crate::replace::add;

fn built(folder: &Path, before_the_end: impl FnOnce()) -> Result<(), Error> {
    let mut builder = build(folder, 0)?;
    add(&mut builder, "text");
    before_the_end();
    builder.finish().map(drop)
}

fn check(built: Result<(), Error>, code: ErrorCode) {
    let error = built.unwrap_err();
    assert_eq!((error.code(), error.code().class()), (code, Class::System), "{error}");
}

#[test]
fn an_index_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::an_index_that_finds_no_room", 1) else {
        return;
    };
    let folder = disk.join("search");
    let ballast = disk.join("ballast");
    check(built(&folder, || fill(&disk)), ErrorCode::DiskFull);
    check(built(&folder, || ()), ErrorCode::DiskFull);
    fs::remove_file(ballast).unwrap();
    built(&folder, || ()).unwrap();
}

#[test]
fn a_folder_that_goes_while_an_index_is_made() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("search");
    // Moved, not removed: the engine's threads write into it meanwhile.
    let gone = || fs::rename(&folder, root.path().join("gone")).unwrap();
    check(built(&folder, gone), ErrorCode::Storage);
}
