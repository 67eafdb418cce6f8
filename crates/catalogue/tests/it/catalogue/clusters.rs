//! Clusters, and who holds a blob.

use codelupe_catalogue::{Batch, ClusterSize, Duplicate, ErrorKind};
use codelupe_core::{BlobId, Language, Reason};

use crate::rows::{RECIPE, batch, content, named_key, repository, segment};
use crate::world::{World, file_id, on_both};

on_both!(
    clusters_are_the_kept_file_and_its_duplicates,
    the_files_of_blobs_come_by_rank,
    a_blob_can_be_of_several_languages,
);

async fn a_blob_can_be_of_several_languages(world: World) {
    let catalogue = world.catalogue().await;
    let named = |text: &str, name: &str, language: &str, row: u32| {
        let mut row = content(text, row);
        row.key = named_key(text, name);
        row.language = Some(Language::named(language.to_owned()));
        row
    };
    let contents = vec![
        named("one", "a.rs", "Rust", 0),
        named("one", "a.c", "C", 1),
        named("two", "a.rs", "Rust", 2),
        named("two", "b.rs", "Rust", 3),
    ];
    let linked = Batch {
        segment: Some(segment("s", 4)),
        contents,
        repositories: Vec::new(),
    };
    catalogue.commit(&linked, RECIPE, None).await.unwrap();
    let several = catalogue.blobs_of_several_languages(RECIPE).await.unwrap();
    assert_eq!(several, [BlobId::of(b"one")]);
    assert!(
        catalogue
            .blobs_of_several_languages("another")
            .await
            .unwrap()
            .is_empty()
    );
}

async fn clusters_are_the_kept_file_and_its_duplicates(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![
        repository("a", &[("x.rs", "one"), ("y.rs", "two")]),
        repository("b", &[("x.rs", "one"), ("z.rs", "three"), ("w.rs", "four")]),
    ];
    catalogue
        .commit(&batch(&["one", "two", "three", "four"], rows), RECIPE, None)
        .await
        .unwrap();
    let kept = file_id(&catalogue, "a", b"x.rs").await;
    let duplicate = |file_id, reason, jaccard| Duplicate {
        file_id,
        reason,
        kept_file_id: kept,
        jaccard,
    };
    let exact = file_id(&catalogue, "b", b"x.rs").await;
    let near = file_id(&catalogue, "b", b"z.rs").await;
    let duplicates = [
        duplicate(near, Reason::NearDuplicate, 0.75),
        duplicate(exact, Reason::ExactDuplicate, 1.0),
    ];
    let generation = catalogue.dedup_input().await.unwrap().generation;
    catalogue
        .replace_duplicates(&duplicates, "state", generation, None)
        .await
        .unwrap();

    let sizes = catalogue.cluster_sizes().await.unwrap();
    assert_eq!(sizes, [ClusterSize { files: 3, clusters: 1 }]);
    let clusters = catalogue.largest_clusters(10).await.unwrap();
    assert_eq!(clusters.len(), 1);
    let cluster = catalogue.cluster(kept).await.unwrap();
    assert_eq!(cluster, clusters[0]);
    assert_eq!(
        (cluster.repository.as_str(), cluster.path.as_slice(), cluster.files),
        ("a", &b"x.rs"[..], 3)
    );
    let bytes = content("one", 0).bytes + content("three", 0).bytes;
    assert_eq!(cluster.dropped_bytes, bytes.cast_signed());
    assert!((cluster.least_jaccard - 0.75).abs() < f64::EPSILON);
    let members = catalogue.cluster_members(kept, 10).await.unwrap();
    let shown: Vec<_> = members
        .iter()
        .map(|row| (row.path.as_slice(), row.reason.as_str()))
        .collect();
    assert_eq!(shown, [(&b"x.rs"[..], "exact_duplicate"), (b"z.rs", "near_duplicate")]);
    assert_eq!(catalogue.cluster_members(kept, 1).await.unwrap(), members[..1]);
    assert!(catalogue.largest_clusters(0).await.unwrap().is_empty());
    let error = catalogue.cluster(near).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let removed = catalogue.removed_by_language().await.unwrap();
    let sums = removed.iter().fold((0, 0, 0), |sums, row| {
        (sums.0 + row.files, sums.1 + row.exact_files, sums.2 + row.near_files)
    });
    assert_eq!(sums, (5, 1, 1));
    let clustered = catalogue.clustered_files().await.unwrap();
    assert_eq!(clustered.len(), 5);
    assert_eq!(clustered.iter().filter(|file| file.cluster == kept).count(), 3);
    assert!(clustered.is_sorted_by_key(|file| file.cluster));
}

async fn the_files_of_blobs_come_by_rank(world: World) {
    let catalogue = world.catalogue().await;
    let mut better = repository("z", &[("x.rs", "one")]);
    better.repository.stars = Some(5);
    let rows = vec![repository("a", &[("x.rs", "one"), ("y.rs", "two")]), better];
    catalogue
        .commit(&batch(&["one", "two"], rows), RECIPE, None)
        .await
        .unwrap();
    let one = BlobId::of(b"one");
    let found = catalogue
        .holders(&[one, BlobId::of(b"never seen")], RECIPE)
        .await
        .unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|row| (row.blob, row.repository.as_str(), row.dropped.as_deref()))
        .collect();
    assert_eq!(shown, [(one, "z", None), (one, "a", None)]);
    assert!(catalogue.holders(&[one], "another recipe").await.unwrap().is_empty());
    assert!(catalogue.holders(&[], RECIPE).await.unwrap().is_empty());
    let many: Vec<BlobId> = (0..2500)
        .map(|n| BlobId::of(format!("{n}").as_bytes()))
        .chain([one])
        .collect();
    assert_eq!(catalogue.holders(&many, RECIPE).await.unwrap().len(), 2);
    let ranked = catalogue.ranked_repositories().await.unwrap();
    assert_eq!(
        ranked.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["z", "a"]
    );
}
