//! The catalogue on a real SQLite file.

use std::collections::HashSet;
use std::fs;

use codelupe_core::{LicenceClass, Reason, Split};
use codelupe_store::catalogue::{BuildDecision, BuildRow, Duplicate};
use codelupe_store::{Catalogue, DataFolder, ErrorKind};

use crate::{Place, key, repository, store};

#[tokio::test]
async fn a_repository_is_linked_whole_and_replaced_whole() {
    let place = Place::new();
    let catalogue = Catalogue::open(&place.folder).await.unwrap();
    store(
        &place,
        &catalogue,
        &["one", "two"],
        vec![repository("a", &[("x/one.rs", "one"), ("two.rs", "two")])],
    )
    .await;
    let known = catalogue
        .known_contents(&[key("one"), key("three")], "recipe")
        .await
        .unwrap();
    assert_eq!(known, HashSet::from([key("one")]));
    assert!(
        catalogue
            .known_contents(&[key("one")], "other recipe")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        catalogue
            .finished_repositories("recipe")
            .await
            .unwrap()
            .get("a")
            .map(String::as_str),
        Some("r1")
    );

    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up());
    assert_eq!((stats.funnel.found.files, stats.funnel.survivors.files), (3, 2));
    assert_eq!(stats.funnel.found.bytes, 6, "sizes come from the contents");

    store(&place, &catalogue, &[], vec![repository("a", &[("one.rs", "one")])]).await;
    assert_eq!(catalogue.stats().await.unwrap().funnel.found.files, 2);
    assert_eq!(
        catalogue.file_story(b"a/x/one.rs").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let story = catalogue.file_story(b"a/one.rs").await.unwrap();
    assert_eq!(story.content.unwrap().blob, key("one").blob);
}

#[tokio::test]
async fn candidates_come_in_order_of_rank() {
    let place = Place::new();
    let catalogue = Catalogue::open(&place.folder).await.unwrap();
    let named = |name: &str, change: fn(&mut codelupe_store::catalogue::RepositoryRow)| {
        let mut row = repository(name, &[("one.rs", "one")]);
        change(&mut row);
        row
    };
    let rows = vec![
        named("z-copyleft", |row| row.licence_class = LicenceClass::Copyleft),
        named("f-plain", |_| ()),
        named("e-fork", |row| row.repository.fork = true),
        named("d-old", |row| row.repository.committed_at = Some(1)),
        named("c-few-stars", |row| row.repository.stars = Some(3)),
        named("b-many-stars", |row| row.repository.stars = Some(30)),
    ];
    store(&place, &catalogue, &["one"], rows).await;
    let candidates = catalogue.dedup_candidates().await.unwrap();
    let mut names = Vec::new();
    for name in [
        "b-many-stars",
        "c-few-stars",
        "d-old",
        "f-plain",
        "e-fork",
        "z-copyleft",
    ] {
        let story = catalogue.file_story(format!("{name}/one.rs").as_bytes()).await.unwrap();
        assert!(story.twin.is_none());
        names.push(name);
    }
    // Rank is seen through what each candidate would keep: drop all but the first, and ask who that is.
    let duplicates: Vec<Duplicate> = candidates[1..]
        .iter()
        .map(|candidate| Duplicate {
            file_id: candidate.file_id,
            reason: Reason::ExactDuplicate,
            kept_file_id: candidates[0].file_id,
            jaccard: 1.0,
        })
        .collect();
    catalogue.replace_duplicates(&duplicates, "state").await.unwrap();
    let survivors = catalogue.build_candidates().await.unwrap();
    assert_eq!(survivors.len(), 1);
    assert_eq!(survivors[0].repository, names[0]);
    let story = catalogue.file_story(b"z-copyleft/one.rs").await.unwrap();
    assert_eq!(story.twin.unwrap().repository, "b-many-stars");
    assert_eq!(catalogue.stage_state("dedup").await.unwrap().as_deref(), Some("state"));
    assert!(catalogue.stats().await.unwrap().funnel.adds_up());

    let mut order = Vec::new();
    for rest in 0..candidates.len() {
        // Peel the ranking: with the best ones removed, the next is the survivor.
        let duplicates: Vec<Duplicate> = candidates
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != rest)
            .map(|(_, candidate)| Duplicate {
                file_id: candidate.file_id,
                reason: Reason::ExactDuplicate,
                kept_file_id: candidates[rest].file_id,
                jaccard: 1.0,
            })
            .collect();
        catalogue.replace_duplicates(&duplicates, "state").await.unwrap();
        order.push(catalogue.build_candidates().await.unwrap()[0].repository.clone());
    }
    assert_eq!(order, names);
}

#[tokio::test]
async fn new_input_makes_what_was_derived_out_of_date() {
    let place = Place::new();
    let catalogue = Catalogue::open(&place.folder).await.unwrap();
    store(
        &place,
        &catalogue,
        &["one"],
        vec![repository("a", &[("one.rs", "one")])],
    )
    .await;
    catalogue.replace_duplicates(&[], "state").await.unwrap();
    let file_id = catalogue.dedup_candidates().await.unwrap()[0].file_id;
    let build = BuildRow {
        name: "b".to_owned(),
        digest: "d".to_owned(),
        created_at: 1,
        manifest: "{}".to_owned(),
    };
    let decisions = [BuildDecision {
        file_id,
        outcome: Ok(Split::Train),
    }];
    catalogue.link_build(&build, &decisions).await.unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.dedup_is_current && stats.build_is_current && stats.funnel.adds_up());
    assert_eq!(stats.funnel.splits.len(), 1);

    store(
        &place,
        &catalogue,
        &["two"],
        vec![repository("b", &[("two.rs", "two")])],
    )
    .await;
    let stats = catalogue.stats().await.unwrap();
    assert!(!stats.dedup_is_current && !stats.build_is_current && stats.funnel.adds_up());
    assert!(
        stats.funnel.splits.is_empty(),
        "an old build says nothing about new files"
    );
    assert_eq!(catalogue.latest_build().await.unwrap().unwrap().name, "b");
}

#[tokio::test]
async fn one_writes_at_a_time_and_readers_need_no_lock() {
    let place = Place::new();
    let catalogue = Catalogue::open(&place.folder).await.unwrap();
    store(
        &place,
        &catalogue,
        &["one"],
        vec![repository("a", &[("one.rs", "one")])],
    )
    .await;
    let again = DataFolder::new(place.folder.root()).lock();
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);
    let reader = Catalogue::open_read_only(&place.folder).await.unwrap();
    assert_eq!(reader.stats().await.unwrap().repositories, 1);
}

#[tokio::test]
async fn what_is_no_catalogue_is_not_overwritten() {
    let place = Place::new();
    let missing = Catalogue::open_read_only(&place.folder).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    fs::write(
        place.folder.catalogue(),
        "this is not a database, and it is long enough to be one".repeat(100),
    )
    .unwrap();
    let error = Catalogue::open(&place.folder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(
        fs::read_to_string(place.folder.catalogue())
            .unwrap()
            .starts_with("this is not")
    );
}
