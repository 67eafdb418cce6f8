//! Writing and reading segments.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use codelupe_core::Location;
use codelupe_corpus::{ContentRecord, ErrorKind, SegmentReader, SegmentWriter};

use crate::{Place, record};

/// The file of a segment.
fn segment(place: &Place, name: &str) -> PathBuf {
    place.folder.root().join(format!("segments/{name}.parquet"))
}

/// Texts of growing length, some 40 MB together: several row groups, pages of one row and of many.
fn texts() -> Vec<String> {
    (0..400)
        .map(|n| format!("{n}:{}", "fn main() { let x = 1; }\n".repeat(n * 20)))
        .collect()
}

#[test]
fn every_row_is_read_back_in_any_order() {
    let place = Place::new();
    let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
    let texts = texts();
    for (n, text) in (0..).zip(&texts) {
        let dropped = n % 7 == 3;
        let mut record = record(text);
        if dropped {
            record = ContentRecord {
                reason: Some("binary".to_owned()),
                text: None,
                signature: None,
                ..record
            };
        }
        assert_eq!(writer.append(&record).unwrap(), n);
    }
    let info = writer.finish().unwrap();
    assert_eq!(info.rows, 400);
    let mut reader = SegmentReader::new(&place.folder, HashMap::from([(1, info.name)]));
    // 211 and 400 have no common factor: every row once, far from the one before.
    for step in 0..400u32 {
        let row = step * 211 % 400;
        let text = reader.text(Location { segment: 1, row });
        if row % 7 == 3 {
            assert_eq!(text.unwrap_err().kind(), ErrorKind::NotFound);
        } else {
            assert!(text.unwrap() == texts[row as usize], "row {row}");
            let content = reader.content(Location { segment: 1, row }).unwrap();
            assert_eq!(content.language, record(&content.text).language);
        }
    }
    let whole = reader.record(Location { segment: 1, row: 399 }).unwrap();
    assert_eq!(whole, record(&texts[399]));
    let mut signatures = Vec::new();
    reader
        .signatures(1, |row, signature| signatures.push((row, signature.map(<[u8]>::len))))
        .unwrap();
    assert_eq!(signatures.len(), 400);
    assert!(
        signatures
            .iter()
            .all(|(row, length)| *length == (row % 7 != 3).then_some(1024))
    );
}

#[test]
fn the_same_work_gives_the_same_name_and_bytes() {
    let write = || {
        let place = Place::new();
        let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
        writer.append(&record("one")).unwrap();
        let info = writer.finish().unwrap();
        let bytes = fs::read(segment(&place, &info.name)).unwrap();
        (info, bytes)
    };
    assert_eq!(write(), write());
}

#[test]
fn a_damaged_or_foreign_segment_is_an_error_that_names_it() {
    let place = Place::new();
    let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
    writer.append(&record("one")).unwrap();
    let name = writer.finish().unwrap().name;
    let path = segment(&place, &name);
    let good = fs::read(&path).unwrap();
    for bytes in [&b"PAR1"[..], &good[..good.len() / 2], b""] {
        fs::write(&path, bytes).unwrap();
        let mut reader = SegmentReader::new(&place.folder, HashMap::from([(1, name.clone())]));
        let error = reader.text(Location { segment: 1, row: 0 }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(&name), "{error}");
    }
    let mut reader = SegmentReader::new(&place.folder, HashMap::new());
    assert_eq!(
        reader.text(Location { segment: 1, row: 0 }).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn what_a_crash_leaves_behind_is_removed_and_what_is_linked_stays() {
    let place = Place::new();
    let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
    writer.append(&record("linked")).unwrap();
    let linked = writer.finish().unwrap().name;
    let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
    writer.append(&record("published, not linked")).unwrap();
    let orphan = writer.finish().unwrap().name;
    let mut writer = SegmentWriter::create(&place.folder, "recipe", 1024).unwrap();
    writer.append(&record("not finished")).unwrap();
    drop(writer);
    let removed = place.folder.remove_orphans(&place.lock, |name| name == linked).unwrap();
    assert_eq!(removed, 2);
    assert!(segment(&place, &linked).exists());
    assert!(!segment(&place, &orphan).exists());
}
