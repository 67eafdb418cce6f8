//! Several workers at one index in PostgreSQL.

use std::collections::BTreeSet;

use codelupe_catalogue::{ErrorKind, lsh, lsh::LshKind};
use codelupe_core::LshParameters;

use super::{Place, WIDE, blob, blobs, document, groups, neighbors, parameters};
use crate::world::World;

const WORKERS: u64 = 4;

/// Documents that one worker inserts; its neighbor inserts half of them too.
const DOCUMENTS: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_blob_of_two_workers_is_there_once() {
    let place = Place::new(LshKind::Postgres).await;
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let index = place.open().await;
        workers.push(tokio::spawn(async move {
            let first = worker * DOCUMENTS / 2;
            let mut documents: Vec<_> = (first..first + DOCUMENTS)
                .map(|n| document(n, &[n, n / 2, 7]))
                .collect();
            if worker % 2 == 0 {
                documents.reverse();
            }
            let mut new = 0;
            for chunk in documents.chunks(200) {
                new += index.insert(chunk).await.unwrap();
            }
            new
        }));
    }
    let mut new = 0;
    for worker in workers {
        new += worker.await.unwrap();
    }
    let all = (WORKERS + 1) * DOCUMENTS / 2;
    let index = place.open().await;
    assert_eq!(new, all);
    assert_eq!(
        blobs(&*index).await.into_iter().collect::<BTreeSet<_>>(),
        (0..all).map(blob).collect()
    );
    assert_eq!(groups(&*index, 2).await[0].len() as u64, all, "nothing is there twice");
    let (found, _) = neighbors(&*index, &[10, 5, 0], WIDE).await;
    assert_eq!(found, [(blob(10), 2), (blob(11), 1)]);
}

#[tokio::test]
async fn a_catalogue_in_a_file_has_no_such_index() {
    let place = Place::new(LshKind::Disk).await;
    let kind = LshKind::Postgres;
    for error in [
        lsh::open(kind, &place.folder.lsh(), &place.catalogue, &parameters())
            .await
            .unwrap_err(),
        lsh::reset(kind, &place.folder.lsh(), &place.catalogue)
            .await
            .unwrap_err(),
        lsh::stored_parameters(kind, &place.folder.lsh(), &place.catalogue)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("SQLite"), "{error}");
    }
}

#[tokio::test]
async fn an_index_that_was_made_anew_refuses_what_was_made_by_other_parameters() {
    let place = Place::new(LshKind::Postgres).await;
    let old = place.open().await;
    place.reset().await;
    let error = old.insert(&[document(1, &[1, 2, 3])]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let other = LshParameters {
        rows: 1,
        ..parameters()
    };
    place.open_with(&other).await.unwrap();
    let error = old.insert(&[document(1, &[1, 2, 3])]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LshParameters, "{error}");
}

#[tokio::test]
async fn numbers_that_are_used_up_are_an_error() {
    let world = World::postgres();
    let catalogue = world.catalogue().await;
    let folder = codelupe_corpus::DataFolder::new("unused");
    let index = lsh::open(LshKind::Postgres, &folder.lsh(), &catalogue, &parameters())
        .await
        .unwrap();
    world
        .execute("ALTER TABLE lsh_documents ALTER number RESTART WITH 2147483646")
        .await;
    assert_eq!(index.insert(&[document(1, &[1, 2, 3])]).await.unwrap(), 1);
    let two = [document(2, &[1, 2, 3]), document(3, &[1, 2, 3])];
    let error = index.insert(&two).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(index.documents().await.unwrap(), [(u32::MAX - 1, blob(1))]);
}
