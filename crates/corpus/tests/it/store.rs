//! Segments and builds in a bucket of a real S3 server.

mod artifacts;
mod faults;
mod reads;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use codelupe_core::Location;
use codelupe_corpus::{
    DataFolder, ErrorKind, Format, Key, Objects, Prefix, SegmentReader, SegmentWriter, export, export_to_store,
    is_whole, open_store, read_manifest, remove_unlinked,
};
use codelupe_testkit::s3::S3;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::builds::write_build;
use crate::{Place, record};

/// The bucket of these tests.
const BUCKET: &str = "corpus";

/// A server with a bucket, and two machines that use it.
struct Cloud {
    s3: S3,
    bucket: std::path::PathBuf,
    runtime: Runtime,
    machines: [TempDir; 2],
}

impl Cloud {
    fn new() -> Self {
        let s3 = S3::start();
        let bucket = s3.bucket(BUCKET);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let machines = [(); 2].map(|()| tempfile::tempdir().unwrap());
        Self {
            s3,
            bucket,
            runtime,
            machines,
        }
    }

    /// The store, by other variables than the right ones where they are named.
    fn objects(&self, url: &str, other: &[(&str, &str)]) -> Arc<dyn Objects> {
        let endpoint = self.s3.endpoint();
        let right = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", self.s3.access_key()),
            ("AWS_SECRET_ACCESS_KEY", self.s3.secret_key()),
            ("AWS_PAGER", "less"),
        ];
        let variables = right
            .iter()
            .chain(other)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        open_store(&url.parse().unwrap(), variables, self.runtime.handle().clone()).unwrap()
    }

    fn store(&self) -> Arc<dyn Objects> {
        self.objects("s3://corpus/team/rust", &[])
    }

    /// The data folder of a machine.
    fn folder(&self, machine: usize) -> DataFolder {
        DataFolder::with_store(self.machines[machine].path().join("data"), self.store(), 1 << 30)
    }
}

/// Writes a segment of some texts and gives its name.
fn write_segment(folder: &DataFolder, texts: &[&str]) -> String {
    let mut writer = SegmentWriter::create(folder, "recipe", 1024).unwrap();
    for text in texts {
        writer.append(&record(text)).unwrap();
    }
    writer.finish().unwrap().name
}

#[test]
fn what_one_machine_puts_another_reads() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    let name = write_segment(&folder, &["one", "two"]);
    let path = cloud.bucket.join(format!("team/rust/segments/{name}.parquet"));
    assert!(path.is_file(), "a key is a path");
    assert_eq!(fs::read_dir(folder.tmp()).unwrap().count(), 0);
    assert!(!folder.root().join("segments").exists(), "nothing of it is here");

    let mut reader = SegmentReader::new(&cloud.folder(1), [(1, name)].into());
    assert_eq!(reader.text(Location { segment: 1, row: 1 }).unwrap(), "two");
    assert_eq!(reader.record(Location { segment: 1, row: 0 }).unwrap(), record("one"));
    let missing = SegmentReader::new(&folder, [(1, "0".repeat(32))].into()).text(Location { segment: 1, row: 0 });
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_build_in_a_bucket_has_the_bytes_of_one_in_a_folder() {
    let (cloud, place) = (Cloud::new(), Place::new());
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    let (here, there) = (write_build(&place.folder), write_build(&folder));
    assert_eq!(here.digest, there.digest);
    // Written again, and over what another one left.
    fs::write(cloud.bucket.join("team/rust/builds/one/train/00009.parquet"), "stray").unwrap();
    assert_eq!(write_build(&folder).digest, here.digest);
    let mut names: Vec<String> = folder
        .objects()
        .list(&Prefix::Build("one".to_owned()))
        .unwrap()
        .into_iter()
        .map(|listed| listed.name)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "README.md",
            "held_out/00000.parquet",
            "manifest.json",
            "train/00000.parquet"
        ]
    );

    let other = cloud.folder(1);
    let objects = other.objects();
    assert_eq!(read_manifest(&**objects, "one").unwrap(), here.manifest);
    assert!(is_whole(&**objects, "one", &here.digest).unwrap());
    for format in [Format::Parquet, Format::JsonLines] {
        let target = |at: &DataFolder| at.root().join(format!("{format:?}"));
        fs::create_dir_all(other.root()).unwrap();
        let exported = export(objects, "one", &target(&other), format, |_| ()).unwrap();
        export(place.folder.objects(), "one", &target(&place.folder), format, |_| ()).unwrap();
        for path in exported {
            let name = path.strip_prefix(target(&other)).unwrap();
            assert!(
                fs::read(&path).unwrap() == fs::read(target(&place.folder).join(name)).unwrap(),
                "{path:?}"
            );
        }
    }
    let shard = Key::Shard {
        build: "one".to_owned(),
        path: "train/00000.parquet".to_owned(),
    };
    objects.delete(&shard).unwrap();
    objects.delete(&shard).unwrap();
    assert!(!is_whole(&**objects, "one", &here.digest).unwrap());
    assert!(!is_whole(&**objects, "two", &here.digest).unwrap());
}

#[test]
fn a_prefix_belongs_to_one_catalogue() {
    let cloud = Cloud::new();
    let folders = [0, 1].map(|machine| cloud.folder(machine));
    let _locks = folders.each_ref().map(|folder| folder.lock().unwrap());
    folders[0].claim("a").unwrap();
    folders[0].claim("a").unwrap();
    let error = folders[1].claim("b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.to_string().contains("the store `s3://corpus/team/rust"),
        "{error}"
    );
    assert!(error.to_string().contains("another catalogue"), "{error}");
    // Another prefix of the same bucket is another store.
    let other = DataFolder::with_store(
        cloud.machines[1].path().join("data"),
        cloud.objects("s3://corpus/b", &[]),
        1 << 30,
    );
    other.claim("b").unwrap();
}

#[test]
fn an_export_to_a_bucket_is_whole_with_its_manifest() {
    let (cloud, place) = (Cloud::new(), Place::new());
    write_build(&place.folder);
    let target = cloud.objects("s3://corpus/exports/one", &[]);
    let work = place.folder.tmp().join("export-1-1");
    let objects = place.folder.objects();
    let put = export_to_store(objects, "one", &*target, &work, Format::Parquet, |_| ()).unwrap();
    let there = cloud.bucket.join("exports/one");
    for name in &put {
        let here = place.folder.root().join("builds/one").join(name);
        assert_eq!(fs::read(there.join(name)).unwrap(), fs::read(here).unwrap(), "{name}");
    }
    assert!(put.contains(&"manifest.json".to_owned()) && !work.exists());
    let again = export_to_store(objects, "one", &*target, &work, Format::Parquet, |_| ()).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Target);
    // One that was cut before its manifest is written again.
    fs::remove_file(there.join("manifest.json")).unwrap();
    export_to_store(objects, "one", &*target, &work, Format::JsonLines, |_| ()).unwrap();
    assert!(there.join("manifest.json").is_file());
}

#[test]
fn of_many_that_claim_a_prefix_one_does() {
    let cloud = Cloud::new();
    let store = cloud.store();
    let claims: Vec<bool> = std::thread::scope(|scope| {
        let claim = |n: usize| {
            let store = Arc::clone(&store);
            scope.spawn(move || store.put_if_absent(&Key::Identity, n.to_string().as_bytes()).unwrap())
        };
        let claims: Vec<_> = (0..8).map(claim).collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    let winner = claims.iter().position(|won| *won).unwrap();
    assert_eq!(claims.iter().filter(|won| **won).count(), 1);
    assert_eq!(store.get(&Key::Identity).unwrap(), winner.to_string());
}

#[test]
fn what_was_put_and_never_linked_goes_when_it_is_old_and_nobody_can_link_it() {
    const HOUR: Duration = Duration::from_hours(1);
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let lock = folder.lock().unwrap();
    let (linked, orphan) = (write_segment(&folder, &["linked"]), write_segment(&folder, &["orphan"]));
    fs::write(cloud.bucket.join("team/rust/segments/notes.txt"), "somebody's").unwrap();
    let objects = &**folder.objects();
    let now = SystemTime::now();
    let is_linked = |name: &str| name == linked;
    let sweep = |running_since, now| remove_unlinked(objects, is_linked, running_since, now).unwrap();
    // The lock of a folder is no guard on a bucket.
    assert_eq!(folder.remove_orphans(&lock, is_linked).unwrap(), 0);
    assert_eq!(sweep(None, now), 0, "it is young");
    assert_eq!(sweep(None, now + 23 * HOUR), 0, "it is young");
    assert_eq!(
        sweep(Some(now - HOUR), now + 48 * HOUR),
        0,
        "whoever wrote it may still run"
    );
    assert_eq!(sweep(Some(now + HOUR), now + 48 * HOUR), 1);
    assert_eq!(sweep(None, now + 48 * HOUR), 0);
    let left = |name: &str| cloud.bucket.join(format!("team/rust/segments/{name}")).exists();
    assert!(left(&format!("{linked}.parquet")) && left("notes.txt") && !left(&format!("{orphan}.parquet")));
}
