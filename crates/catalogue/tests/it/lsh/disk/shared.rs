//! Several handles on one folder.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codelupe_catalogue::ErrorKind;
use codelupe_core::LshParameters;

use super::{documents, files, place};
use crate::lsh::{WIDE, blob, blobs, document, neighbors, parameters};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_all_that_is_there_while_runs_are_merged() {
    let place = place().await;
    let index = place.open().await;
    index.insert(&[document(u64::MAX, &[1, 2, 3])]).await.unwrap();
    let reader = place.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let (mut asked, mut most) = (0, BTreeSet::new());
            while !done.load(Ordering::SeqCst) {
                let (found, _) = neighbors(&*reader, &[1, 2, 3], WIDE).await;
                assert_eq!(found[0], (blob(u64::MAX), 3));
                most.insert(reader.documents().await.unwrap().len());
                asked += 1;
            }
            (asked, most)
        }
    });
    for n in 0..100 {
        index.insert(&documents(100 + n * 20..120 + n * 20)).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let (asked, seen) = reading.await.unwrap();
    assert!(asked > 0);
    assert!(seen.iter().all(|documents| documents % 20 == 1), "{seen:?}");
    assert!(index.figures().await.unwrap().sorted_files <= 8);
    assert!(files(&place.folder).len() <= 8 + 2, "{:?}", files(&place.folder));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_wait_for_each_other() {
    let place = place().await;
    let mut writers = Vec::new();
    for writer in 0..4 {
        let index = place.open().await;
        writers.push(tokio::spawn(async move {
            let mut new = 0;
            for n in 0..10 {
                // Half of them are another's too.
                let first = (writer * 10 + n) * 10;
                new += index.insert(&documents(first..first + 20)).await.unwrap();
            }
            new
        }));
    }
    let mut new = 0;
    for writer in writers {
        new += writer.await.unwrap();
    }
    let there = blobs(&*place.open().await).await;
    assert_eq!(there.len() as u64, new);
    assert_eq!(there.into_iter().collect::<BTreeSet<_>>().len() as u64, new);
    assert_eq!(new, 410);
}

#[tokio::test]
async fn most_of_an_index_removed_makes_it_smaller() {
    let place = place().await;
    let index = place.open().await;
    for n in 0..3 {
        index.insert(&documents(n * 1000..(n + 1) * 1000)).await.unwrap();
    }
    let before = index.figures().await.unwrap();
    let gone: Vec<_> = (0..3000).filter(|n| n % 10 != 0).map(blob).collect();
    assert_eq!(index.remove(&gone).await.unwrap(), 2700);
    let after = index.figures().await.unwrap();
    assert_eq!((after.documents, after.sorted_files), (300, 1));
    assert!(after.bytes * 8 < before.bytes, "{before:?} {after:?}");
    let rest: Vec<_> = (0..3000).step_by(10).map(blob).collect();
    assert_eq!(index.remove(&rest).await.unwrap(), 300);
    let empty = index.figures().await.unwrap();
    assert_eq!((empty.documents, empty.sorted_files), (0, 0));
    assert_eq!(index.insert(&documents(0..10)).await.unwrap(), 10);
}

#[tokio::test]
async fn a_handle_of_an_index_that_was_made_anew_is_refused() {
    let place = place().await;
    let old = place.open().await;
    place.reset().await;
    let error = old.documents().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let other = LshParameters {
        rows: 1,
        ..parameters()
    };
    place.open_with(&other).await.unwrap();
    let error = old.insert(&documents(0..1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LshParameters, "{error}");
}
