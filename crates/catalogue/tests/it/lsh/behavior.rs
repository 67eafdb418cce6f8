//! What each call does.

use std::collections::BTreeSet;

use codelupe_catalogue::{ErrorKind, lsh::Comparison, lsh::NeighborLimits, lsh::SignedDocument};

use super::{Place, WIDE, blob, blobs, document, groups, neighbors, on_all};

on_all!(
    an_empty_index_answers,
    a_document_is_inserted_once,
    a_removed_document_is_gone_from_every_answer,
    neighbors_come_by_shared_bands_then_by_age,
    groups_come_in_order_of_key,
    wrong_lengths_are_refused_and_change_nothing,
    comparisons_are_those_of_one_threshold,
    figures_count_what_is_there,
    documents_too_short_to_compare_are_known_and_in_no_band,
);

async fn an_empty_index_answers(place: Place) {
    let index = place.open().await;
    assert_eq!(index.insert(&[]).await.unwrap(), 0);
    assert_eq!(index.remove(&[]).await.unwrap(), 0);
    assert_eq!(index.remove(&[blob(1)]).await.unwrap(), 0);
    assert_eq!(blobs(&*index).await, []);
    assert_eq!(neighbors(&*index, &[1, 2, 3], WIDE).await, (vec![], false));
    assert!(groups(&*index, 2).await.is_empty());
    assert_eq!(index.comparisons(0.7).await.unwrap(), []);
    index.remember(0.7, &[]).await.unwrap();
    let figures = index.figures().await.unwrap();
    assert_eq!((figures.documents, figures.comparisons), (0, 0));
}

async fn a_document_is_inserted_once(place: Place) {
    let index = place.open().await;
    let first = [
        document(1, &[1, 2, 3]),
        document(2, &[1, 9, 9]),
        document(1, &[5, 5, 5]),
    ];
    assert_eq!(index.insert(&first).await.unwrap(), 2);
    let again = [document(2, &[5, 5, 5]), document(3, &[4, 2, 4])];
    assert_eq!(index.insert(&again).await.unwrap(), 1);
    assert_eq!(blobs(&*index).await, [blob(1), blob(2), blob(3)]);
    assert_eq!(neighbors(&*index, &[5, 5, 5], WIDE).await, (vec![], false));
    let found = vec![(blob(1), 2), (blob(2), 1), (blob(3), 1)];
    assert_eq!(neighbors(&*index, &[1, 2, 8], WIDE).await, (found, false));
}

async fn a_removed_document_is_gone_from_every_answer(place: Place) {
    let index = place.open().await;
    let documents = [1, 2, 3].map(|n| document(n, &[1, n, 3]));
    index.insert(&documents).await.unwrap();
    let before = index.documents().await.unwrap();
    assert_eq!(index.remove(&[blob(2), blob(9), blob(2)]).await.unwrap(), 1);
    assert_eq!(index.remove(&[blob(2)]).await.unwrap(), 0);
    assert_eq!(blobs(&*index).await, [blob(1), blob(3)]);
    assert_eq!(neighbors(&*index, &[0, 2, 0], WIDE).await, (vec![], false));
    assert_eq!(groups(&*index, 0).await, [[blob(1), blob(3)]]);
    let one = NeighborLimits { bucket: 2, ..WIDE };
    let found = vec![(blob(1), 1), (blob(3), 1)];
    assert_eq!(
        neighbors(&*index, &[1, 0, 0], one).await,
        (found, false),
        "the bound is on what is there"
    );
    assert_eq!(index.insert(&documents).await.unwrap(), 1);
    assert_eq!(blobs(&*index).await, [blob(1), blob(3), blob(2)]);
    let newest = *index.documents().await.unwrap().last().unwrap();
    assert!(newest.0 > before[2].0, "numbers are never used again");
}

async fn neighbors_come_by_shared_bands_then_by_age(place: Place) {
    let index = place.open().await;
    let keys = [[1, 0, 0], [1, 2, 0], [0, 2, 3], [1, 2, 3], [7, 7, 7], [0, 0, 3]];
    for (n, keys) in (0..).zip(keys) {
        index.insert(&[document(n, &keys)]).await.unwrap();
    }
    let all = [(3, 3), (1, 2), (2, 2), (0, 1), (5, 1)].map(|(n, shared)| (blob(n), shared));
    let (found, capped) = neighbors(&*index, &[1, 2, 3], WIDE).await;
    assert_eq!((found.as_slice(), capped), (all.as_slice(), false));
    for most in 0..=6 {
        let limits = NeighborLimits {
            neighbors: most,
            ..WIDE
        };
        let (found, capped) = neighbors(&*index, &[1, 2, 3], limits).await;
        assert_eq!(
            (found.as_slice(), capped),
            (&all[..most.min(5)], most < 5),
            "at most {most}"
        );
    }
    // Of each key the two earliest: 0 and 1, 1 and 2, 2 and 3.
    let limits = NeighborLimits { bucket: 2, ..WIDE };
    let found = [(1, 2), (2, 2), (0, 1), (3, 1)].map(|(n, shared)| (blob(n), shared));
    assert_eq!(neighbors(&*index, &[1, 2, 3], limits).await, (found.to_vec(), true));
    let limits = NeighborLimits { bucket: 0, ..WIDE };
    assert_eq!(neighbors(&*index, &[1, 2, 3], limits).await, (vec![], true));
    assert_eq!(neighbors(&*index, &[9, 9, 9], limits).await, (vec![], false));
}

async fn groups_come_in_order_of_key(place: Place) {
    let index = place.open().await;
    // All bits are used, and no sign: the largest key comes last.
    let keys = [u64::MAX, 0, 1 << 63, (1 << 63) - 1, 5];
    let documents: Vec<_> = (0..10)
        .map(|n| document(n, &[keys[usize::try_from(n).unwrap() % 5], n, 0]))
        .collect();
    index.insert(&documents).await.unwrap();
    let expected = [[1, 6], [4, 9], [3, 8], [2, 7], [0, 5]].map(|group| group.map(blob));
    assert_eq!(groups(&*index, 0).await, expected);
    assert!(groups(&*index, 1).await.is_empty(), "one document is no group");
    assert_eq!(groups(&*index, 2).await, [(0..10).map(blob).collect::<Vec<_>>()]);
    let found = vec![(blob(0), 1), (blob(5), 1)];
    assert_eq!(neighbors(&*index, &[u64::MAX, 99, 99], WIDE).await, (found, false));
}

async fn wrong_lengths_are_refused_and_change_nothing(place: Place) {
    let index = place.open().await;
    let good = document(1, &[1, 2, 3]);
    let mut short = document(2, &[1, 2, 3]);
    short.signature.pop();
    for wrong in [short, document(2, &[1, 2]), document(2, &[1, 2, 3, 4])] {
        let error = index.insert(&[good.clone(), wrong]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let error = index.neighbors(&[1, 2], WIDE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let error = index.groups(3, &mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(blobs(&*index).await, []);
}

async fn comparisons_are_those_of_one_threshold(place: Place) {
    let index = place.open().await;
    let documents: Vec<_> = (0..4).map(|n| document(n, &[n, n, n])).collect();
    index.insert(&documents).await.unwrap();
    let numbers: Vec<u32> = index.documents().await.unwrap().iter().map(|row| row.0).collect();
    let row = |low: usize, high: usize, jaccard| Comparison {
        low: numbers[low],
        high: numbers[high],
        jaccard,
    };
    let (a, b, c) = (row(0, 1, Some(0.7)), row(2, 3, None), row(0, 3, Some(1.0 / 3.0)));
    index.remember(0.3, &[b, a]).await.unwrap();
    index.remember(0.3, &[c]).await.unwrap();
    assert_eq!(index.comparisons(0.3).await.unwrap(), [a, c, b]);
    assert_eq!(index.comparisons(0.7).await.unwrap(), []);
    let newer = row(0, 1, None);
    index.remember(0.3, &[newer]).await.unwrap();
    assert_eq!(index.comparisons(0.3).await.unwrap(), [newer, c, b]);
    assert_eq!(index.figures().await.unwrap().comparisons, 3);
    index.remove(&[blob(3)]).await.unwrap();
    index.remember(0.3, &[]).await.unwrap();
    let known: BTreeSet<u32> = index.documents().await.unwrap().iter().map(|row| row.0).collect();
    let mut left = index.comparisons(0.3).await.unwrap();
    left.retain(|row| known.contains(&row.low) && known.contains(&row.high));
    assert_eq!(left, [newer]);
    index.remember(0.7, &[a]).await.unwrap();
    assert_eq!(index.comparisons(0.3).await.unwrap(), []);
    assert_eq!(index.comparisons(0.7).await.unwrap(), [a]);
}

async fn figures_count_what_is_there(place: Place) {
    let index = place.open().await;
    let documents: Vec<_> = (0..500).map(|n| document(n, &[n, n / 2, 0])).collect();
    index.insert(&documents).await.unwrap();
    let figures = index.figures().await.unwrap();
    assert_eq!((figures.documents, figures.sorted_files), (500, 1));
    // A key and a number for each band, and a blob id.
    assert!(figures.bytes >= 500 * (3 * 12 + 20), "{figures:?}");
}

async fn documents_too_short_to_compare_are_known_and_in_no_band(place: Place) {
    let index = place.open().await;
    let short = |n: u64| SignedDocument {
        blob: blob(n),
        signature: Vec::new(),
        keys: Vec::new(),
    };
    assert_eq!(index.insert(&[short(1), short(2)]).await.unwrap(), 2);
    assert_eq!(
        index
            .insert(&[short(1), document(3, &[7, 7, 7]), short(4), document(5, &[7, 8, 9])])
            .await
            .unwrap(),
        3
    );
    let numbers: Vec<u32> = index
        .documents()
        .await
        .unwrap()
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    let mut seen = Vec::new();
    index
        .groups(0, &mut |group: &[u32]| seen.push(group.to_vec()))
        .await
        .unwrap();
    assert_eq!(seen, [[2, 4]]);
    assert_eq!(neighbors(&*index, &[7, 0, 0], WIDE).await.0.len(), 2);
    assert_eq!(index.remove(&[blob(1), blob(3)]).await.unwrap(), 2);
    assert_eq!(index.figures().await.unwrap().documents, 3);
}
