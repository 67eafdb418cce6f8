//! Buckets that anybody can fill: files of one license, or made to share a band with everything.

use codelupe_catalogue::lsh::NeighborLimits;

use super::{Place, blob, document, groups, neighbors, on_all};

/// Documents that have one key.
const DOCUMENTS: u64 = 100_000;

on_all!(a_bucket_of_a_hundred_thousand_is_looked_at_up_to_its_bound);

async fn a_bucket_of_a_hundred_thousand_is_looked_at_up_to_its_bound(place: Place) {
    let index = place.open().await;
    let documents: Vec<_> = (0..DOCUMENTS).map(|n| document(n, &[7, n, n])).collect();
    for chunk in documents.chunks(30_000) {
        index.insert(chunk).await.unwrap();
    }
    let limits = NeighborLimits {
        bucket: 50,
        neighbors: 20,
    };
    let earliest: Vec<_> = (0..20).map(|n| (blob(n), 1)).collect();
    assert_eq!(
        neighbors(&*index, &[7, u64::MAX, u64::MAX], limits).await,
        (earliest, true)
    );
    // Behind the bound under one key, and found by the others.
    let (found, capped) = neighbors(&*index, &[7, 99_000, 99_000], limits).await;
    assert_eq!((found.len(), found[0], capped), (20, (blob(99_000), 2), true));
    let groups = groups(&*index, 0).await;
    assert_eq!((groups.len(), groups[0].len() as u64), (1, DOCUMENTS));
}
