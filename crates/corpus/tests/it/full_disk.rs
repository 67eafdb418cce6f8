//! Disks without room, and folders of ours that are gone: both are faults of the machine, never of what was read.

use std::fs;

use codelupe_core::Split;

use codelupe_core::error::{Class, ErrorCode};
use codelupe_corpus::{BuildWriter, DataFolder, Error, Format, SegmentWriter, export};
use codelupe_testkit::small_disk::{fill, small_disk};

use crate::builds::{build_record, description, write};
use crate::{Place, record};

fn check(error: &Error, code: ErrorCode) {
    assert_eq!((error.code(), error.code().class()), (code, Class::System), "{error}");
}

fn segment(folder: &DataFolder, before_the_end: impl FnOnce()) -> Error {
    let written = SegmentWriter::create(folder, "recipe", 1024).and_then(|mut writer| {
        writer.append(&record("one"))?;
        before_the_end();
        writer.finish()
    });
    written.unwrap_err()
}

fn build(folder: &DataFolder, before_the_end: impl FnOnce()) -> Error {
    let written = BuildWriter::create(folder).and_then(|mut writer| {
        writer.append(Split::Train, &build_record(1))?;
        before_the_end();
        writer.finish("one", description())
    });
    written.map(drop).unwrap_err()
}

#[test]
fn a_segment_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::a_segment_that_finds_no_room", 1) else {
        return;
    };
    let folder = DataFolder::new(disk.join("data"));
    let _lock = folder.lock().unwrap();
    fill(&disk);
    check(&segment(&folder, || ()), ErrorCode::DiskFull);
    assert_eq!(fs::read_dir(folder.root().join("segments")).unwrap().count(), 0);
}

#[test]
fn a_build_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::a_build_that_finds_no_room", 1) else {
        return;
    };
    let folder = DataFolder::new(disk.join("data"));
    let _lock = folder.lock().unwrap();
    fill(&disk);
    check(&build(&folder, || ()), ErrorCode::DiskFull);
    assert!(!folder.root().join("builds/one").exists());
}

#[test]
fn an_export_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::an_export_that_finds_no_room", 1) else {
        return;
    };
    let place = Place::new();
    write(&place);
    fill(&disk);
    for format in [Format::Parquet, Format::JsonLines] {
        let target = disk.join("out");
        check(
            &export(place.folder.objects(), "one", &target, format, |_| ()).unwrap_err(),
            ErrorCode::DiskFull,
        );
        assert!(!target.exists());
    }
}

#[test]
fn a_folder_that_goes_while_a_segment_a_build_or_an_export_is_written() {
    let place = Place::new();
    let gone = || fs::remove_dir_all(place.folder.tmp()).unwrap();
    check(&segment(&place.folder, gone), ErrorCode::Storage);
    fs::create_dir(place.folder.tmp()).unwrap();
    check(&build(&place.folder, gone), ErrorCode::Storage);

    fs::create_dir(place.folder.tmp()).unwrap();
    let build = write(&place);
    let shards = build.join("train");
    fs::rename(&shards, build.join("elsewhere")).unwrap();
    for format in [Format::Parquet, Format::JsonLines] {
        let target = place.folder.root().join("out");
        let error = export(place.folder.objects(), "one", &target, format, |_| ()).unwrap_err();
        assert_ne!(error.code(), ErrorCode::CorruptInput, "{error}");
    }
}
