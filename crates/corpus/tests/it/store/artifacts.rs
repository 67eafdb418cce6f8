//! Artifacts of a bucket: put whole, staged in a bounded cache, checked.

use std::fs;
use std::path::{Path, PathBuf};

use codelupe_corpus::{Artifact, DataFolder, ErrorKind, TrainingPart};

use super::Cloud;

fn model(name: &str) -> Artifact {
    Artifact::Model(name.to_owned())
}

/// A folder of that many bytes in two files, one of them in a folder of its own.
fn made(folder: &DataFolder, bytes: usize) -> PathBuf {
    let made = folder.root().join("made");
    fs::create_dir_all(made.join("deep")).unwrap();
    fs::write(made.join("weights"), vec![7; bytes - 4]).unwrap();
    fs::write(made.join("deep/config"), "{ } ").unwrap();
    made
}

fn entries(folder: &DataFolder) -> usize {
    let cache = fs::read_dir(folder.root().join("cache")).into_iter().flatten();
    cache.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}

#[test]
fn what_one_machine_publishes_another_stages_once() {
    let cloud = Cloud::new();
    let (here, there) = (cloud.folder(0), cloud.folder(1));
    let artifact = model("tiny");
    assert!(!here.has(&artifact).unwrap());
    assert_eq!(there.stage(&artifact).unwrap_err().kind(), ErrorKind::NotFound);
    let folder = made(&here, 20 << 20);
    here.publish_artifact(&artifact, &folder).unwrap();
    assert!(!folder.exists() && there.has(&artifact).unwrap());
    assert!(cloud.bucket.join("team/rust/models/tiny/deep/config").is_file());
    assert_eq!(there.artifact_place(&artifact), "s3://corpus/team/rust/models/tiny");

    let first = there.stage(&artifact).unwrap();
    assert_eq!(fs::read(first.path().join("weights")).unwrap(), vec![7; (20 << 20) - 4]);
    assert_eq!(fs::read_to_string(first.path().join("deep/config")).unwrap(), "{ } ");
    // What is staged is read from here.
    fs::remove_file(cloud.bucket.join("team/rust/models/tiny/weights")).unwrap();
    assert_eq!(there.stage(&artifact).unwrap().path(), first.path());
    assert_eq!(entries(&there), 1);
    here.publish_artifact(&artifact, &made(&here, 20 << 20)).unwrap();
    // One that lost a file, or a part of it, is fetched again.
    let weights = first.path().join("weights");
    fs::write(&weights, "short").unwrap();
    fs::remove_file(first.path().join("deep/config")).unwrap();
    let again = there.stage(&artifact).unwrap();
    assert_eq!(
        (again.path(), fs::metadata(&weights).unwrap().len()),
        (first.path(), (20 << 20) - 4)
    );
    assert!(first.path().join("deep/config").is_file());

    here.remove_artifact(&artifact).unwrap();
    assert!(!there.has(&artifact).unwrap());
    assert!(!cloud.bucket.join("team/rust/models/tiny/deep/config").exists());
}

#[test]
fn what_was_put_in_part_or_changed_is_never_staged() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let artifact = model("tiny");
    folder.publish_artifact(&artifact, &made(&folder, 100)).unwrap();
    let place = cloud.bucket.join("team/rust/models/tiny");
    fs::write(place.join("weights"), vec![8; 96]).unwrap();
    let error = folder.stage(&artifact).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("models/tiny/weights"), "{error}");
    assert_eq!((entries(&folder), fs::read_dir(folder.tmp()).unwrap().count()), (0, 0));
    fs::write(place.join("weights"), vec![7; 95]).unwrap();
    assert_eq!(folder.stage(&artifact).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::write(
        place.join("files.json"),
        r#"{"format":1,"files":{"../x":{"bytes":1,"sha256":""}}}"#,
    )
    .unwrap();
    assert_eq!(folder.stage(&artifact).unwrap_err().kind(), ErrorKind::Corrupt);
    // Without its list it is not there yet.
    fs::remove_file(place.join("files.json")).unwrap();
    assert!(!folder.has(&artifact).unwrap());
}

#[test]
fn the_cache_keeps_its_bound_and_what_is_in_use() {
    let cloud = Cloud::new();
    let root = cloud.machines[0].path().join("data");
    let folder = DataFolder::with_store(&root, cloud.store(), 250);
    for name in ["a", "b", "c"] {
        folder.publish_artifact(&model(name), &made(&folder, 100)).unwrap();
    }
    folder.publish_artifact(&model("large"), &made(&folder, 251)).unwrap();
    let (a, b) = (folder.stage(&model("a")).unwrap(), folder.stage(&model("b")).unwrap());
    let full = folder.stage(&model("c")).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::CacheFull);
    assert!(full.to_string().contains("store.cache_bytes"), "{full}");
    let gone = b.path().to_owned();
    drop(b);
    // The one that nobody uses goes.
    let c = folder.stage(&model("c")).unwrap();
    assert!(a.path().is_dir() && !gone.exists() && c.path().is_dir());
    let large = folder.stage(&model("large")).unwrap_err();
    assert!(
        large.to_string().contains("251") && large.to_string().contains("store.cache_bytes"),
        "{large}"
    );
    assert_eq!(entries(&folder), 2, "nothing goes for what can never have room");
}

#[test]
fn many_stage_the_same_at_once() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    folder
        .publish_artifact(&model("tiny"), &made(&folder, 1 << 20))
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let staged = folder.stage(&model("tiny")).unwrap();
                assert_eq!(
                    fs::metadata(staged.path().join("weights")).unwrap().len(),
                    (1 << 20) - 4
                );
            });
        }
    });
    assert_eq!(entries(&folder), 1);
}

#[test]
fn parts_of_trainings_and_search_indexes_are_listed_when_they_are_whole() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let part = |part| Artifact::Training("training-1".to_owned(), part);
    for artifact in [
        part(TrainingPart::Plan),
        part(TrainingPart::Checkpoint(20)),
        Artifact::Search("abc".to_owned()),
    ] {
        folder.publish_artifact(&artifact, &made(&folder, 100)).unwrap();
    }
    let stray = cloud
        .bucket
        .join("team/rust/models/trainings/training-1/checkpoints/40");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("weights"), "half of it").unwrap();
    let mut stored = folder.stored_trainings().unwrap();
    stored.sort_by_key(|(_, part)| matches!(part, TrainingPart::Plan));
    let of = |part| ("training-1".to_owned(), part);
    assert_eq!(stored, [of(TrainingPart::Checkpoint(20)), of(TrainingPart::Plan)]);
    assert_eq!(folder.stored_searches().unwrap(), ["abc"]);
}

#[test]
fn a_data_folder_stages_nothing() {
    let place = crate::Place::new();
    let artifact = model("tiny");
    place
        .folder
        .publish_artifact(&artifact, &made(&place.folder, 100))
        .unwrap();
    let staged = place.folder.stage(&artifact).unwrap();
    assert_eq!(staged.path(), place.folder.models().join("tiny"));
    assert!(
        !staged.path().join("files.json").exists(),
        "a folder appears at once and needs no list"
    );
    assert!(place.folder.stored_trainings().unwrap().is_empty());
    place.folder.remove_artifact(&artifact).unwrap();
    assert!(!Path::new(&place.folder.artifact_place(&artifact)).exists());
}
