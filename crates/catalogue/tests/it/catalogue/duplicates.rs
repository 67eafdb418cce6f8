//! Candidates and outcomes of deduplication.

use std::collections::HashMap;

use codelupe_catalogue::{Catalogue, Duplicate, ErrorKind, RepositoryRow};
use codelupe_core::{LicenseClass, Reason};

use crate::rows::{RECIPE, batch, repository};
use crate::world::{World, file_id, on_both};

on_both!(
    candidates_come_in_order_of_rank,
    candidates_are_what_processing_kept,
    the_outcome_is_replaced_whole,
    an_outcome_of_older_files_is_refused,
    an_outcome_that_names_no_file_is_refused,
    thousands_of_duplicates_are_stored,
);

/// Everything but the first of `files` is a duplicate of it.
fn of_first(files: &[i64]) -> Vec<Duplicate> {
    let twin = |file_id: &i64| Duplicate {
        file_id: *file_id,
        reason: Reason::ExactDuplicate,
        kept_file_id: files[0],
        jaccard: 1.0,
    };
    files[1..].iter().map(twin).collect()
}

async fn candidates(catalogue: &Catalogue) -> (Vec<i64>, i64) {
    let input = catalogue.dedup_input().await.unwrap();
    (
        input.candidates.iter().map(|candidate| candidate.file_id).collect(),
        input.generation,
    )
}

async fn candidates_come_in_order_of_rank(world: World) {
    let catalogue = world.catalogue().await;
    let named = |name: &str, change: fn(&mut RepositoryRow)| {
        let mut row = repository(name, &[("one.rs", "one")]);
        change(&mut row);
        row
    };
    let rows = vec![
        named("z-copyleft", |row| row.license_class = LicenseClass::Copyleft),
        named("a-fork", |row| row.repository.fork = true),
        named("plain/b", |_| ()),
        named("plain-a", |_| ()),
        named("Plain", |_| ()),
        named("ä", |_| ()),
        named("younger", |row| row.repository.committed_at = Some(2)),
        named("older", |row| row.repository.committed_at = Some(1)),
        named("few-stars", |row| row.repository.stars = Some(3)),
        named("no-stars", |row| row.repository.stars = Some(0)),
        named("many-stars", |row| row.repository.stars = Some(30)),
    ];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (survivors, _) = catalogue.build_candidates().await.unwrap();
    let names: HashMap<i64, &str> = survivors
        .iter()
        .map(|file| (file.file_id, file.repository.as_str()))
        .collect();
    let (files, _) = candidates(&catalogue).await;
    let ranked: Vec<&str> = files.iter().map(|id| names[id]).collect();
    // Names are compared byte by byte.
    let expected = [
        "many-stars",
        "few-stars",
        "no-stars",
        "older",
        "younger",
        "Plain",
        "plain-a",
        "plain/b",
        "ä",
        "a-fork",
        "z-copyleft",
    ];
    assert_eq!(ranked, expected);
}

async fn candidates_are_what_processing_kept(world: World) {
    let catalogue = world.catalogue().await;
    let mut batch = batch(
        &["kept", "dropped"],
        vec![repository("a", &[("kept.rs", "kept"), ("dropped.rs", "dropped")])],
    );
    batch.contents[1].verdict = codelupe_core::Verdict::Dropped(Reason::Binary);
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let input = catalogue.dedup_input().await.unwrap();
    assert_eq!(input.candidates.len(), 1);
    assert_eq!(input.candidates[0].blob, crate::rows::key("kept").blob);
    assert_eq!(input.candidates[0].location.row, 0);
    assert!(
        catalogue
            .segments()
            .await
            .unwrap()
            .contains_key(&input.candidates[0].location.segment)
    );
}

async fn the_outcome_is_replaced_whole(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![
        repository("a", &[("x.rs", "one"), ("y.rs", "one")]),
        repository("b", &[("z.rs", "one")]),
    ];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (files, generation) = candidates(&catalogue).await;
    let z = file_id(&catalogue, "b", b"z.rs").await;
    catalogue
        .replace_duplicates(&of_first(&files), "first", generation, None)
        .await
        .unwrap();
    assert_eq!(catalogue.build_candidates().await.unwrap().0.len(), 1);
    let twin = catalogue.file_story(b"b/z.rs").await.unwrap().twin.unwrap();
    assert_eq!(
        (twin.repository.as_str(), twin.path.as_slice(), twin.reason.as_str()),
        ("a", &b"x.rs"[..], "exact_duplicate")
    );

    let near = Duplicate {
        file_id: files[0],
        reason: Reason::NearDuplicate,
        kept_file_id: z,
        jaccard: 0.75,
    };
    catalogue
        .replace_duplicates(&[near], "second", generation, None)
        .await
        .unwrap();
    assert_eq!(catalogue.stage_state("dedup").await.unwrap().as_deref(), Some("second"));
    assert!(catalogue.file_story(b"b/z.rs").await.unwrap().twin.is_none());
    let twin = catalogue.file_story(b"a/x.rs").await.unwrap().twin.unwrap();
    assert!((twin.jaccard - 0.75).abs() < f64::EPSILON && twin.reason == "near_duplicate");
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up() && stats.dedup_is_current);
    assert_eq!(stats.funnel.survivors.files, 2);
}

async fn an_outcome_of_older_files_is_refused(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("x.rs", "one"), ("y.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (files, generation) = candidates(&catalogue).await;
    catalogue
        .replace_duplicates(&of_first(&files), "first", generation, None)
        .await
        .unwrap();
    catalogue
        .commit(&batch(&[], vec![repository("b", &[("z.rs", "one")])]), RECIPE, None)
        .await
        .unwrap();
    assert_eq!(catalogue.stage_state("dedup").await.unwrap(), None, "it is out of date");
    let error = catalogue
        .replace_duplicates(&[], "second", generation, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    assert_eq!(
        catalogue.build_candidates().await.unwrap().0.len(),
        2,
        "the old outcome stays"
    );
    assert!(!catalogue.stats().await.unwrap().dedup_is_current);
    let (_, generation) = candidates(&catalogue).await;
    catalogue
        .replace_duplicates(&[], "second", generation, None)
        .await
        .unwrap();
    assert_eq!(catalogue.build_candidates().await.unwrap().0.len(), 3);
}

async fn an_outcome_that_names_no_file_is_refused(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("x.rs", "one"), ("y.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (files, generation) = candidates(&catalogue).await;
    catalogue
        .replace_duplicates(&of_first(&files), "first", generation, None)
        .await
        .unwrap();
    let nobody = Duplicate {
        file_id: 999,
        reason: Reason::ExactDuplicate,
        kept_file_id: files[0],
        jaccard: 1.0,
    };
    let error = catalogue
        .replace_duplicates(&[nobody], "second", generation, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert_eq!(catalogue.stage_state("dedup").await.unwrap().as_deref(), Some("first"));
    assert_eq!(
        catalogue.build_candidates().await.unwrap().0.len(),
        1,
        "the old outcome stays"
    );
}

async fn thousands_of_duplicates_are_stored(world: World) {
    let catalogue = world.catalogue().await;
    let paths: Vec<String> = (0..5000).map(|n| format!("{n}.rs")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "one")).collect();
    catalogue
        .commit(&batch(&["one"], vec![repository("a", &files)]), RECIPE, None)
        .await
        .unwrap();
    let (files, generation) = candidates(&catalogue).await;
    for state in ["first", "second"] {
        catalogue
            .replace_duplicates(&of_first(&files), state, generation, None)
            .await
            .unwrap();
    }
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up());
    assert_eq!(stats.funnel.survivors.files, 1);
    // Its files are gone, and the duplicates with them.
    catalogue
        .commit(&batch(&[], vec![repository("a", &[])]), RECIPE, None)
        .await
        .unwrap();
    assert_eq!(world.texts("SELECT count(*) || '' FROM duplicates").await, ["0"]);
}
