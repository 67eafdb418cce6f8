//! Many writers at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, ErrorKind, RepositoryRow};

use crate::rows::{RECIPE, batch, key, repository};
use crate::world::World;

const WRITERS: usize = 8;

const ROUNDS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_lose_nothing_on_sqlite() {
    writers_lose_nothing(World::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_lose_nothing_on_postgres() {
    writers_lose_nothing(World::postgres()).await;
}

/// Each writer has a catalogue of its own, as a process has. All store repositories of their own, the same repositories,
/// and the same contents in another order; some deduplicate and forget between.
async fn writers_lose_nothing(world: World) {
    let world = Arc::new(world);
    let first = world.catalogue().await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let world = Arc::clone(&world);
        writers.push(tokio::spawn(
            async move { write(&world.catalogue().await, writer).await },
        ));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let stats = first.stats().await.unwrap();
    assert!(stats.funnel.adds_up() && stats.failed.is_empty());
    let names: BTreeSet<String> = first.repository_locations().await.unwrap().into_keys().collect();
    let own = (0..WRITERS).flat_map(|writer| (0..ROUNDS).map(move |round| format!("own/{writer}-{round}")));
    let shared = (0..3).map(|n| format!("shared/{n}"));
    assert_eq!(names, own.chain(shared).collect());
    let batches = (WRITERS * ROUNDS) as u64;
    assert_eq!(stats.repositories, batches + 3);
    // A link and two files in each.
    assert_eq!(stats.funnel.found.files, 3 * (batches + 3));
    let generation = first.dedup_input().await.unwrap().generation;
    assert_eq!(generation.cast_unsigned(), batches, "each batch counts once");
    for texts in [["common 0", "common 1"], ["text 7-5", "text 0-0"]] {
        assert_eq!(first.known_contents(&texts.map(key), RECIPE).await.unwrap().len(), 2);
    }
}

async fn write(catalogue: &Catalogue, writer: usize) {
    for round in 0..ROUNDS {
        let text = format!("text {writer}-{round}");
        let common: Vec<String> = (0..20).map(|n| format!("common {}", (n + 7 * writer) % 20)).collect();
        let mut texts: Vec<&str> = common.iter().map(String::as_str).collect();
        texts.push(&text);
        let mut rows: Vec<RepositoryRow> = (0..3)
            .map(|n| repository(&format!("shared/{n}"), &[("x.rs", "common 0"), ("y.rs", "common 1")]))
            .collect();
        if writer.is_multiple_of(2) {
            rows.reverse();
        }
        rows.push(repository(
            &format!("own/{writer}-{round}"),
            &[("x.rs", &text), ("y.rs", "common 1")],
        ));
        catalogue.commit(&batch(&texts, rows), RECIPE, None).await.unwrap();
        if writer == 0 {
            let generation = catalogue.dedup_input().await.unwrap().generation;
            let replaced = catalogue.replace_duplicates(&[], "state", generation, None).await;
            assert!(
                replaced
                    .as_ref()
                    .err()
                    .is_none_or(|error| error.kind() == ErrorKind::Stale),
                "{replaced:?}"
            );
            catalogue.forget_unused_contents("other").await.unwrap();
        }
    }
}
