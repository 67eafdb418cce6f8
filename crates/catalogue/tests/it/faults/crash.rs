//! Servers and networks that break off while something is stored, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use codelupe_catalogue::Catalogue;
use codelupe_testkit::postgres::{self, Server};
use codelupe_testkit::proxy::Proxy;

use super::{assert_stored, store_until};
use crate::world::World;

const WRITERS: usize = 4;

/// Lets writers store while something is done to them from outside; then all must be there.
async fn survives(catalogue: Catalogue, harm: impl FnOnce() + Send + 'static) {
    let stop = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (catalogue, stop) = (catalogue.clone(), Arc::clone(&stop));
            tokio::spawn(async move { store_until(&catalogue, writer, &stop).await })
        })
        .collect();
    tokio::task::spawn_blocking(move || {
        sleep(Duration::from_millis(200));
        harm();
        sleep(Duration::from_millis(200));
    })
    .await
    .unwrap();
    stop.store(1, Ordering::SeqCst);
    let mut stored = Vec::new();
    for writer in writers {
        stored.push(writer.await.unwrap());
    }
    assert!(stored.iter().all(|stored| *stored > 0), "{stored:?}");
    assert_stored(&catalogue, &stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_killed_and_started_again() {
    let server = Arc::new(Server::with_settings(&[("fsync", "off")]));
    let catalogue = World::at(&server.database()).catalogue().await;
    let harmed = Arc::clone(&server);
    survives(catalogue, move || {
        for _ in 0..3 {
            harmed.kill();
            harmed.start_again();
            sleep(Duration::from_millis(500));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_shut_down_and_started_again() {
    let server = Arc::new(Server::with_settings(&[("fsync", "off")]));
    let catalogue = World::at(&server.database()).catalogue().await;
    let harmed = Arc::clone(&server);
    survives(catalogue, move || {
        harmed.stop();
        sleep(Duration::from_secs(1));
        harmed.start_again();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_answer_for_a_while() {
    let server = Arc::new(Server::with_settings(&[("fsync", "off")]));
    let catalogue = World::at(&server.database()).catalogue().await;
    let harmed = Arc::clone(&server);
    survives(catalogue, move || {
        harmed.pause();
        sleep(Duration::from_secs(3));
        harmed.resume();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_reset_and_refused() {
    let direct = postgres::shared().database();
    let proxy = Arc::new(Proxy::start(postgres::shared().port()));
    let url = postgres::url(proxy.port(), direct.rsplit('/').next().unwrap());
    let catalogue = World::at(&url).catalogue().await;
    let harmed = Arc::clone(&proxy);
    survives(catalogue, move || {
        for _ in 0..10 {
            harmed.reset();
            sleep(Duration::from_millis(100));
        }
        harmed.cut();
        sleep(Duration::from_secs(1));
        harmed.restore();
        harmed.set_latency(Duration::from_millis(20));
        sleep(Duration::from_secs(1));
    })
    .await;
}
