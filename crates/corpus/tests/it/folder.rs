//! Who may write to a data folder.

use std::fs;
use std::thread;

use codelupe_core::error::ErrorCode;
use codelupe_corpus::{DataFolder, ErrorKind, SegmentWriter};

use crate::Place;

#[test]
fn who_comes_second_waits_until_the_first_shares_and_tidies_nothing_up() {
    let Place { folder, lock, _root } = Place::new();
    let mut first = lock;
    let leftover = folder.tmp().join("segment-1-1");
    let partial = folder.root().join(".catalogue-id.partial");
    for path in [&leftover, &partial] {
        fs::write(path, "x").unwrap();
    }
    let second = thread::scope(|scope| {
        let second = scope.spawn(|| folder.lock().unwrap());
        first.share().unwrap();
        second.join().unwrap()
    });
    assert_eq!(folder.remove_orphans(&second, |_| true).unwrap(), 0);
    assert_eq!(folder.remove_orphans(&first, |_| true).unwrap(), 0);
    drop((first, second));
    let alone = folder.lock().unwrap();
    assert_eq!(folder.remove_orphans(&alone, |_| true).unwrap(), 2);
    assert!(!leftover.exists() && !partial.exists());
}

#[test]
fn a_folder_of_other_things_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("thesis.txt"), "mine").unwrap();
    let error = DataFolder::new(root.path()).lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing was made");
}

#[test]
fn a_folder_belongs_to_one_catalogue() {
    let place = Place::new();
    place.folder.claim("a").unwrap();
    place.folder.claim("a").unwrap();
    let error = place.folder.claim("b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("another catalogue"), "{error}");
    place.folder.claim("a").unwrap();
    let missing = DataFolder::new(place.folder.root().join("nothing"));
    assert_eq!(missing.claim("a").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_folder_of_ours_that_is_gone_is_a_fault_of_the_machine() {
    let place = Place::new();
    fs::remove_dir_all(place.folder.tmp()).unwrap();
    let error = SegmentWriter::create(&place.folder, "recipe", 1024)
        .map(drop)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Io, ErrorCode::Storage),
        "{error}"
    );
}
