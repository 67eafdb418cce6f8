//! Candidates of a build, and linked builds.

use codelupe_catalogue::{BuildDecision, BuildRow, Catalogue, ErrorKind};
use codelupe_core::{Reason, Split};

use crate::rows::{RECIPE, batch, build, key, repository};
use crate::world::{World, file_id, on_both};

on_both!(
    candidates_have_all_that_a_build_writes,
    a_build_is_linked_and_found,
    a_build_of_the_same_name_is_replaced_and_the_latest,
    a_build_of_older_files_is_refused,
    new_input_makes_what_was_derived_out_of_date,
    a_new_outcome_of_deduplication_makes_builds_out_of_date,
    the_index_is_of_a_build,
    thousands_of_decisions_are_stored,
);

fn decide(file_id: i64, outcome: Result<Split, Reason>) -> BuildDecision {
    BuildDecision { file_id, outcome }
}

async fn generation(catalogue: &Catalogue) -> i64 {
    catalogue.build_candidates().await.unwrap().1
}

/// What of a build can be read.
fn shown(build: Option<BuildRow>) -> Option<(String, String, i64, String)> {
    build.map(|build| (build.name, build.digest, build.created_at, build.manifest))
}

async fn candidates_have_all_that_a_build_writes(world: World) {
    let catalogue = world.catalogue().await;
    let mut row = repository("b", &[("z.rs", "one"), ("a.rs", "two")]);
    row.repository.commit = Some("c".repeat(40));
    "family".clone_into(&mut row.repository.family);
    let mut batch = batch(&["one", "two"], vec![row, repository("B", &[("x.rs", "one")])]);
    batch.contents[1].redactions = u32::MAX;
    batch.contents[1].text_bytes = 2;
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let (candidates, generation) = catalogue.build_candidates().await.unwrap();
    assert_eq!(generation, 1);
    let order: Vec<(&str, &[u8])> = candidates
        .iter()
        .map(|file| (file.repository.as_str(), file.path.as_slice()))
        .collect();
    assert_eq!(order, [("B", &b"x.rs"[..]), ("b", b"a.rs"), ("b", b"z.rs")]);
    let file = &candidates[1];
    assert_eq!(
        (file.forge.as_str(), file.origin.as_str(), file.family.as_str()),
        ("git", "/src/b", "family")
    );
    assert_eq!(
        (file.license.as_deref(), file.license_class.as_str()),
        (Some("MIT"), "permissive")
    );
    assert_eq!((file.blob, file.language.as_deref()), (key("two").blob, Some("Rust")));
    assert_eq!(
        (file.quality, file.redactions, file.text_bytes, file.location.row),
        (50, u32::MAX, 2, 1)
    );
    assert_eq!(
        (file.commit.as_deref(), candidates[0].commit.as_deref()),
        (Some("c".repeat(40).as_str()), None)
    );
}

async fn a_build_is_linked_and_found(world: World) {
    let catalogue = world.catalogue().await;
    assert!(catalogue.latest_build().await.unwrap().is_none());
    let rows = vec![repository("a", &[("x.rs", "one"), ("y.rs", "two")])];
    catalogue
        .commit(&batch(&["one", "two"], rows), RECIPE, None)
        .await
        .unwrap();
    let (x, y) = (
        file_id(&catalogue, "a", b"x.rs").await,
        file_id(&catalogue, "a", b"y.rs").await,
    );
    let decisions = [decide(x, Ok(Split::HeldOut)), decide(y, Err(Reason::LicenseNotAllowed))];
    let first = BuildRow {
        manifest: r#"{"odd":"\u0000ä"}"#.to_owned(),
        ..build("first")
    };
    catalogue
        .link_build(&first, &decisions, generation(&catalogue).await, None)
        .await
        .unwrap();

    assert_eq!(
        shown(catalogue.build("first").await.unwrap()),
        shown(Some(first.clone()))
    );
    assert_eq!(shown(catalogue.latest_build().await.unwrap()), shown(Some(first)));
    assert!(catalogue.build("none").await.unwrap().is_none());
    assert!(catalogue.build("\0").await.unwrap().is_none());
    assert_eq!(catalogue.stage_state("build").await.unwrap().as_deref(), Some("first"));
    let outcome = async |name: &[u8]| catalogue.file_story(name).await.unwrap().build.unwrap();
    let story = outcome(b"a/x.rs").await;
    assert_eq!(
        (story.build.as_str(), story.outcome),
        ("first", Ok("held_out".to_owned()))
    );
    assert_eq!(outcome(b"a/y.rs").await.outcome, Err("license_not_allowed".to_owned()));
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.build_is_current && stats.funnel.adds_up());
    assert_eq!(stats.build.as_deref(), Some("first"));
    assert_eq!(stats.funnel.splits.len(), 1);
}

async fn a_build_of_the_same_name_is_replaced_and_the_latest(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("x.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let file = file_id(&catalogue, "a", b"x.rs").await;
    let generation = generation(&catalogue).await;
    for (name, split) in [
        ("first", Split::Train),
        ("second", Split::Train),
        ("first", Split::HeldOut),
    ] {
        catalogue
            .link_build(&build(name), &[decide(file, Ok(split))], generation, None)
            .await
            .unwrap();
        assert_eq!(catalogue.latest_build().await.unwrap().unwrap().name, name);
    }
    let story = catalogue.file_story(b"a/x.rs").await.unwrap().build.unwrap();
    assert_eq!(
        (story.build.as_str(), story.outcome),
        ("first", Ok("held_out".to_owned()))
    );
    assert_eq!(
        world.texts("SELECT name FROM builds ORDER BY name").await,
        ["first", "second"]
    );
    assert_eq!(world.texts("SELECT count(*) || '' FROM build_files").await, ["2"]);
}

async fn a_build_of_older_files_is_refused(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("x.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (file, then) = (file_id(&catalogue, "a", b"x.rs").await, generation(&catalogue).await);
    catalogue
        .link_build(&build("first"), &[decide(file, Ok(Split::Train))], then, None)
        .await
        .unwrap();
    catalogue
        .commit(&batch(&[], vec![repository("b", &[])]), RECIPE, None)
        .await
        .unwrap();
    for name in ["first", "second"] {
        let error = catalogue.link_build(&build(name), &[], then, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    }
    assert_eq!(catalogue.latest_build().await.unwrap().unwrap().name, "first");
    assert_eq!(world.texts("SELECT count(*) || '' FROM build_files").await, ["1"]);
    assert_eq!(catalogue.stage_state("build").await.unwrap(), None);
}

async fn new_input_makes_what_was_derived_out_of_date(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let (file, then) = (file_id(&catalogue, "a", b"one.rs").await, generation(&catalogue).await);
    catalogue.replace_duplicates(&[], "state", then, None).await.unwrap();
    catalogue
        .link_build(&build("b"), &[decide(file, Ok(Split::Train))], then, None)
        .await
        .unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.dedup_is_current && stats.build_is_current && stats.funnel.adds_up());
    assert_eq!(stats.funnel.splits.len(), 1);

    let rows = vec![repository("b", &[("two.rs", "two")])];
    catalogue.commit(&batch(&["two"], rows), RECIPE, None).await.unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(!stats.dedup_is_current && !stats.build_is_current && stats.funnel.adds_up());
    assert!(
        stats.funnel.splits.is_empty(),
        "an old build says nothing about new files"
    );
    assert!(catalogue.file_story(b"a/one.rs").await.unwrap().build.is_none());
    assert_eq!(catalogue.latest_build().await.unwrap().unwrap().name, "b");
}

async fn a_new_outcome_of_deduplication_makes_builds_out_of_date(world: World) {
    let catalogue = world.catalogue().await;
    let then = generation(&catalogue).await;
    catalogue.replace_duplicates(&[], "state", then, None).await.unwrap();
    catalogue.link_build(&build("b"), &[], then, None).await.unwrap();
    assert_eq!(catalogue.stage_state("dedup").await.unwrap().as_deref(), Some("state"));
    catalogue.replace_duplicates(&[], "other", then, None).await.unwrap();
    assert_eq!(catalogue.stage_state("build").await.unwrap(), None);
    assert_eq!(catalogue.stage_state("dedup").await.unwrap().as_deref(), Some("other"));
}

async fn the_index_is_of_a_build(world: World) {
    let catalogue = world.catalogue().await;
    assert_eq!(catalogue.stage_state("index").await.unwrap(), None);
    for digest in ["one", "two"] {
        catalogue.set_index_state(digest).await.unwrap();
        assert_eq!(catalogue.stage_state("index").await.unwrap().as_deref(), Some(digest));
    }
}

async fn thousands_of_decisions_are_stored(world: World) {
    let catalogue = world.catalogue().await;
    let paths: Vec<String> = (0..5000).map(|n| format!("{n}.rs")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "one")).collect();
    catalogue
        .commit(&batch(&["one"], vec![repository("a", &files)]), RECIPE, None)
        .await
        .unwrap();
    let (candidates, then) = catalogue.build_candidates().await.unwrap();
    let decisions: Vec<BuildDecision> = candidates
        .iter()
        .zip(0..)
        .map(|(file, n)| {
            decide(
                file.file_id,
                if n % 2 == 0 {
                    Ok(Split::Train)
                } else {
                    Err(Reason::LicenseNotAllowed)
                },
            )
        })
        .collect();
    catalogue.link_build(&build("b"), &decisions, then, None).await.unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up());
    assert_eq!(stats.funnel.splits[0].1.files, 2500);
}
