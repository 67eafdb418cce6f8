//! Disks without room, and folders of ours that are gone: both are faults of the machine.

use std::convert::Infallible;
use std::fs;

use codelupe_core::error::{Class, ErrorCode};
use codelupe_samples::{Error, write_dataset};
use codelupe_testkit::small_disk::{fill, small_disk};

use crate::fixture::{config, documents, provenance, tokenizer};

fn check(error: &Error, code: ErrorCode) {
    assert_eq!((error.code(), error.code().class()), (code, Class::System), "{error}");
}

#[test]
fn a_dataset_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::a_dataset_that_finds_no_room", 1) else {
        return;
    };
    fill(&disk);
    let some = documents().into_iter().take(20).map(Ok::<_, Infallible>);
    let error = write_dataset(some, tokenizer(), &config(), &disk.join("set"), &provenance()).unwrap_err();
    check(&error, ErrorCode::DiskFull);
    assert!(!disk.join("set").exists());
}

#[test]
fn a_folder_that_goes_while_a_dataset_is_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("samples");
    fs::create_dir(&folder).unwrap();
    let some = documents().into_iter().take(20).map(Ok::<_, Infallible>);
    let mut there = true;
    let some = some.inspect(|_| {
        if std::mem::take(&mut there) {
            fs::remove_dir_all(&folder).unwrap();
        }
    });
    let error = write_dataset(some, tokenizer(), &config(), &folder.join("set"), &provenance()).unwrap_err();
    check(&error, ErrorCode::Storage);
}
