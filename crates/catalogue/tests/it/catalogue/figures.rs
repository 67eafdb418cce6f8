//! Figures over the whole catalogue.

use codelupe_catalogue::{BuildDecision, Duplicate};
use codelupe_core::{Language, LicenseClass, Reason, SpdxExpression, Split, Verdict};

use crate::rows::{RECIPE, batch, build, dropped, failed, repository};
use crate::world::{World, on_both};

on_both!(
    an_empty_catalogue_has_figures,
    every_file_is_in_the_funnel_once,
    languages_licenses_and_quality_are_counted,
    sizes_beyond_all_measure_are_summed,
);

async fn an_empty_catalogue_has_figures(world: World) {
    let stats = world.catalogue().await.stats().await.unwrap();
    assert!(stats.funnel.adds_up() && stats.failed.is_empty() && stats.languages.is_empty());
    assert_eq!(
        (stats.repositories, stats.funnel.found.files, stats.redactions),
        (0, 0, 0)
    );
    assert!(!stats.dedup_is_current && !stats.build_is_current && stats.build.is_none());
    assert_eq!(stats.quality_histogram, [0; 10]);
}

async fn every_file_is_in_the_funnel_once(world: World) {
    let catalogue = world.catalogue().await;
    let files = [
        ("a.rs", "kept"),
        ("b.rs", "kept"),
        ("c.rs", "binary"),
        ("d.rs", "other"),
        ("e.rs", "third"),
    ];
    let mut batch = batch(&["kept", "binary", "other", "third"], vec![repository("a", &files)]);
    batch.contents[1].verdict = Verdict::Dropped(Reason::Binary);
    batch.repositories[0].files[0].bytes = Some(100);
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let input = catalogue.dedup_input().await.unwrap();
    let ids: Vec<i64> = input.candidates.iter().map(|candidate| candidate.file_id).collect();
    let twin = Duplicate {
        file_id: ids[1],
        reason: Reason::ExactDuplicate,
        kept_file_id: ids[0],
        jaccard: 1.0,
    };
    catalogue
        .replace_duplicates(&[twin], "state", input.generation, None)
        .await
        .unwrap();
    let decide = |file_id, outcome| BuildDecision { file_id, outcome };
    let decisions = [
        decide(ids[0], Ok(Split::Train)),
        decide(ids[2], Ok(Split::HeldOut)),
        decide(ids[3], Err(Reason::LicenseNotAllowed)),
    ];
    catalogue
        .link_build(&build("b"), &decisions, input.generation, None)
        .await
        .unwrap();

    let funnel = catalogue.stats().await.unwrap().funnel;
    assert!(funnel.adds_up());
    assert_eq!((funnel.found.files, funnel.found.bytes), (6, 100 + 4 + 6 + 5 + 5));
    let steps: Vec<(&str, &str, u64, u64)> = funnel
        .dropped
        .iter()
        .map(|step| (step.stage, step.reason.code(), step.count.files, step.count.bytes))
        .collect();
    let expected = [
        ("fetch", "symlink", 1, 0),
        ("process", "binary", 1, 6),
        ("dedup", "exact_duplicate", 1, 4),
        ("build", "license_not_allowed", 1, 5),
    ];
    assert_eq!(steps, expected);
    let splits: Vec<(&str, u64, u64)> = funnel
        .splits
        .iter()
        .map(|(split, count)| (split.as_str(), count.files, count.bytes))
        .collect();
    assert_eq!(splits, [("train", 1, 100), ("held_out", 1, 5)]);
    assert_eq!((funnel.survivors.files, funnel.survivors.bytes), (3, 110));
}

async fn languages_licenses_and_quality_are_counted(world: World) {
    let catalogue = world.catalogue().await;
    let mut plain = repository("plain", &[("c.rs", "three")]);
    plain.license = None;
    plain.license_class = LicenseClass::None;
    let rows = vec![
        repository("a", &[("a.rs", "one"), ("b.rs", "two")]),
        repository("b", &[]),
        plain,
        failed("broken"),
    ];
    let mut batch = batch(&["one", "two", "three"], rows);
    for (content, (quality, redactions)) in batch.contents.iter_mut().zip([(100, 1), (9, 2), (90, 4)]) {
        content.quality = quality;
        content.redactions = redactions;
    }
    batch.contents[2].language = Some(Language::named("C"));
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let stats = catalogue.stats().await.unwrap();
    let languages: Vec<(&str, i64, i64, i64)> = stats
        .languages
        .iter()
        .map(|row| {
            (
                row.language.as_str(),
                row.processed_files,
                row.survivor_files,
                row.survivor_bytes,
            )
        })
        .collect();
    assert_eq!(languages, [("Rust", 2, 2, 6), ("C", 1, 1, 5)]);
    assert!((stats.languages[0].mean_quality - 54.5).abs() < f64::EPSILON);
    let licenses: Vec<(&str, &str, i64)> = stats
        .licenses
        .iter()
        .map(|row| (row.license.as_str(), row.class.as_str(), row.repositories))
        .collect();
    assert_eq!(
        licenses,
        [("MIT", "permissive", 2), ("none", LicenseClass::None.as_str(), 1)]
    );
    assert_eq!(stats.quality_histogram, [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!((stats.redactions, stats.repositories, stats.failed.len()), (7, 3, 1));
}

/// A damaged object database may claim any size.
async fn sizes_beyond_all_measure_are_summed(world: World) {
    let catalogue = world.catalogue().await;
    let mut row = repository("a", &[]);
    row.license = Some(SpdxExpression::new("MIT"));
    for (path, bytes) in [
        (&b"a"[..], u64::MAX),
        (b"b", u64::MAX),
        (b"c", i64::MAX as u64),
        (b"d", 1),
    ] {
        let mut file = dropped(path, Reason::TooLarge, None);
        file.bytes = Some(bytes);
        row.files.push(file);
    }
    catalogue.commit(&batch(&[], vec![row]), RECIPE, None).await.unwrap();
    let funnel = catalogue.stats().await.unwrap().funnel;
    assert!(funnel.adds_up());
    assert_eq!((funnel.found.files, funnel.found.bytes), (5, i64::MAX as u64));
    assert_eq!(catalogue.file_story(b"a/a").await.unwrap().bytes, Some(i64::MAX as u64));
    assert_eq!(catalogue.file_story(b"a/d").await.unwrap().bytes, Some(1));
}
