//! Databases that are not there, refuse, break off, or are full.

mod connect;
mod crash;
#[cfg(feature = "slow")]
pub(crate) mod full;
mod refused;

use std::error::Error as _;
use std::iter::successors;
use std::sync::atomic::{AtomicUsize, Ordering};

use codelupe_catalogue::{Catalogue, Error};

use crate::rows::{RECIPE, batch, key, repository};

/// An error with its chain, as a user sees it.
fn shown(error: &Error) -> String {
    let chain = successors(Some(error as &dyn std::error::Error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ") + &format!("{:?}", error.source())
}

/// Stores repositories, each with a content of its own, until it is told to stop; returns how many.
async fn store_until(catalogue: &Catalogue, writer: usize, stop: &AtomicUsize) -> usize {
    let mut stored = 0;
    while stop.load(Ordering::SeqCst) == 0 {
        let text = format!("text {writer}-{stored}");
        let rows = vec![repository(&format!("r{writer}/{stored}"), &[("x.rs", &text)])];
        catalogue.commit(&batch(&[&text], rows), RECIPE, None).await.unwrap();
        stored += 1;
    }
    stored
}

/// Nothing is lost, and nothing is there twice.
async fn assert_stored(catalogue: &Catalogue, stored: &[usize]) {
    let all = stored.iter().sum::<usize>() as u64;
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up());
    assert_eq!((stats.repositories, stats.funnel.found.files), (all, 2 * all));
    for (writer, stored) in stored.iter().enumerate() {
        let keys: Vec<_> = (0..*stored).map(|n| key(&format!("text {writer}-{n}"))).collect();
        assert_eq!(catalogue.known_contents(&keys, RECIPE).await.unwrap().len(), *stored);
    }
}
