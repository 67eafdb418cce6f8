//! Builds and their exports.

use std::collections::BTreeMap;
use std::fs;

use codelupe_core::{BlobId, Split};
use codelupe_corpus::{
    BuildRecord, BuildWriter, DataFolder, Description, ErrorKind, FinishedBuild, Format, export, read_manifest,
    read_shard,
};
use sha2::{Digest, Sha256};

use crate::Place;

pub(crate) fn build_record(n: usize) -> BuildRecord {
    let content = format!("// file {n}\n{}", "let x = \"ä\";\n".repeat(n));
    BuildRecord {
        repository: format!("repo-{}", n / 10),
        path: format!("src/{n}.rs"),
        forge: "git".to_owned(),
        origin: Some("https://example.com/a".to_owned()),
        commit: n.is_multiple_of(2).then(|| "c".repeat(40)),
        blob: BlobId::of(content.as_bytes()).to_string(),
        swhid: BlobId::of(content.as_bytes()).swhid().to_string(),
        language: "Rust".to_owned(),
        license: Some("MIT OR Apache-2.0".to_owned()),
        license_class: "permissive".to_owned(),
        quality: 77,
        redactions: 1,
        content,
    }
}

pub(crate) fn description() -> Description {
    Description {
        program: "codelupe".to_owned(),
        recipe: "r".to_owned(),
        config: serde_json::json!({"a": 1}),
        funnel: BTreeMap::from([("found".to_owned(), 100)]),
    }
}

/// Writes a build called `one`.
pub(crate) fn write_build(folder: &DataFolder) -> FinishedBuild {
    let mut writer = BuildWriter::create(folder).unwrap();
    for n in 0..100 {
        let split = if n % 10 == 0 { Split::HeldOut } else { Split::Train };
        writer.append(split, &build_record(n)).unwrap();
    }
    writer.finish("one", description()).unwrap()
}

/// A build called `one`, and where it is.
pub(crate) fn write(place: &Place) -> std::path::PathBuf {
    write_build(&place.folder);
    place.folder.root().join("builds/one")
}

#[test]
fn a_build_is_read_back_and_its_hashes_are_those_of_its_files() {
    let place = Place::new();
    let build = write(&place);
    let manifest = read_manifest(&**place.folder.objects(), "one").unwrap();
    assert_eq!(manifest.total().files, 100);
    let mut records = Vec::new();
    for shard in manifest.splits.iter().flat_map(|split| &split.shards) {
        let bytes = fs::read(build.join(&shard.path)).unwrap();
        assert_eq!(shard.bytes, bytes.len() as u64);
        assert_eq!(shard.sha256, hex::encode(Sha256::digest(&bytes)));
        read_shard(place.folder.objects(), "one", shard, |record| {
            records.push(record);
            Ok::<_, codelupe_corpus::Error>(())
        })
        .unwrap();
    }
    let mut expected: Vec<BuildRecord> = (0..100).map(build_record).collect();
    expected.sort_by(|a, b| a.path.cmp(&b.path));
    records.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(records, expected);
    let card = fs::read_to_string(build.join("README.md")).unwrap();
    assert!(
        card.starts_with("---\nconfigs:") && card.contains("split: test\n    path: held_out/*.parquet"),
        "{card}"
    );
    assert!(
        !card.contains("validation/*"),
        "an empty split has no files to name: {card}"
    );
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let read = |place: &Place| {
        let build = write(place);
        let manifest = fs::read(build.join("manifest.json")).unwrap();
        (manifest, fs::read(build.join("train/00000.parquet")).unwrap())
    };
    assert!(read(&Place::new()) == read(&Place::new()));
}

#[test]
fn exports_hold_every_record_and_never_overwrite() {
    let place = Place::new();
    let build = write(&place);
    let target = place.folder.root().join("out");
    let written = export(place.folder.objects(), "one", &target, Format::JsonLines, |_| ()).unwrap();
    assert!(written.iter().all(|path| path.exists()), "{written:?}");
    let lines: usize = written
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "zst"))
        .map(|path| String::from_utf8(zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap())
        .map(|text| {
            text.lines()
                .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
                .count()
        })
        .sum();
    assert_eq!(lines, 100);
    let again = export(place.folder.objects(), "one", &target, Format::Parquet, |_| ()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Target);
    let parquet = place.folder.root().join("parquet");
    export(place.folder.objects(), "one", &parquet, Format::Parquet, |_| ()).unwrap();
    // A damaged shard is not copied beside a manifest that says otherwise.
    let shard = build.join("train/00000.parquet");
    let mut content = fs::read(&shard).unwrap();
    content[100] ^= 1;
    fs::write(&shard, &content).unwrap();
    let damaged = place.folder.root().join("damaged");
    let error = export(place.folder.objects(), "one", &damaged, Format::Parquet, |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.to_string().contains("train/00000.parquet") && !damaged.exists(),
        "{error}"
    );
    content[100] ^= 1;
    fs::write(&shard, &content).unwrap();
    let (a, b) = (
        fs::read(parquet.join("train/00000.parquet")),
        fs::read(build.join("train/00000.parquet")),
    );
    assert!(a.unwrap() == b.unwrap());
}

#[test]
fn a_manifest_of_another_format_is_refused() {
    let place = Place::new();
    let build = write(&place);
    let path = build.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"format\": 2", "\"format\": 99", 1)).unwrap();
    let error = read_manifest(&**place.folder.objects(), "one").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("99"), "{error}");
    fs::write(&path, "{").unwrap();
    assert_eq!(
        read_manifest(&**place.folder.objects(), "one").unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(
        read_manifest(&**place.folder.objects(), "one").unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
