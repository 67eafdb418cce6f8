//! A disk that is full in a merge.

use std::fs;

use codelupe_catalogue::{ErrorKind, lsh::LshKind};
use codelupe_corpus::DataFolder;
use codelupe_testkit::small_disk::small_disk;

use super::{documents, files};
use crate::faults::full::ROOM;
use crate::lsh::{Place, WIDE, blob, blobs, groups, neighbors};

/// Documents in a sorted file: some 600 kB.
const RUN: u64 = 10_000;

#[tokio::test]
async fn a_merge_that_finds_no_space_changes_nothing() {
    let Some(disk) = small_disk("lsh::disk::full::a_merge_that_finds_no_space_changes_nothing", ROOM) else {
        return;
    };
    let place = Place {
        folder: DataFolder::new(disk.join("data")),
        ..Place::new(LshKind::Disk).await
    };
    let index = place.open().await;
    for n in 0..8 {
        index.insert(&documents(n * RUN..(n + 1) * RUN)).await.unwrap();
    }
    assert_eq!(index.figures().await.unwrap().sorted_files, 8);
    let (before, all, grouped) = (files(&place.folder), blobs(&*index).await, groups(&*index, 0).await);
    // The disk has 32 MB, the sorted files 5, and a merge of them needs 5 more.
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 23 << 20]).unwrap();
    for _ in 0..2 {
        let error = index.insert(&documents(8 * RUN..9 * RUN)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DiskFull, "{error}");
        assert_eq!(files(&place.folder), before, "nothing is left over");
        for index in [&index, &place.open().await] {
            assert_eq!(blobs(&**index).await, all);
            assert_eq!(groups(&**index, 0).await, grouped);
            let (found, _) = neighbors(&**index, &[0, 99, 17], WIDE).await;
            assert_eq!(found, [(blob(0), 1), (blob(1), 1), (blob(17), 1)]);
        }
    }
    fs::remove_file(&ballast).unwrap();
    assert_eq!(index.insert(&documents(8 * RUN..9 * RUN)).await.unwrap(), RUN);
    assert_eq!(index.figures().await.unwrap().sorted_files, 2);
    assert_eq!(blobs(&*index).await, (0..9 * RUN).map(blob).collect::<Vec<_>>());
}
