//! Repositories as a whole.

use std::collections::HashMap;

use codelupe_catalogue::ErrorKind;

use crate::rows::{RECIPE, batch, failed, key, repository};
use crate::world::{World, on_both};

on_both!(
    finished_are_those_without_error_that_were_asked_for,
    locations_are_those_of_all,
    other_recipes_are_counted_by_repositories_with_files,
    many_names_are_looked_up_at_once,
    a_repository_is_replaced_whole_by_name,
    a_repository_is_replaced_whole_by_location,
    a_failure_is_noted_and_what_is_known_stays,
    a_failure_under_another_name_is_noted_by_location,
);

async fn finished_are_those_without_error_that_were_asked_for(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[]), repository("b/c", &[]), failed("broken")];
    catalogue.commit(&batch(&[], rows), RECIPE, None).await.unwrap();
    let names = ["a", "broken", "nobody", "a"];
    let finished = catalogue.finished_repositories(RECIPE, &names).await.unwrap();
    assert_eq!(finished, HashMap::from([("a".to_owned(), "r1".to_owned())]));
    let check = async |recipe: &str, names: &[&str], expected: usize| {
        assert_eq!(
            catalogue.finished_repositories(recipe, names).await.unwrap().len(),
            expected,
            "{recipe} {names:?}"
        );
    };
    check(RECIPE, &["a", "b/c"], 2).await;
    check("other", &["a", "b/c"], 0).await;
    check(RECIPE, &[], 0).await;
    check(RECIPE, &["a\0", "\u{fffd}"], 0).await;
}

async fn locations_are_those_of_all(world: World) {
    let catalogue = world.catalogue().await;
    catalogue
        .commit(&batch(&[], vec![repository("a", &[]), failed("broken")]), RECIPE, None)
        .await
        .unwrap();
    let expected =
        [("a", "/src/a"), ("broken", "/src/broken")].map(|(name, folder)| (name.to_owned(), folder.to_owned()));
    assert_eq!(catalogue.repository_locations().await.unwrap(), HashMap::from(expected));
}

async fn other_recipes_are_counted_by_repositories_with_files(world: World) {
    let catalogue = world.catalogue().await;
    assert_eq!(catalogue.other_recipes(RECIPE).await.unwrap(), (0, None));
    for (recipe, rows) in [
        ("older", vec![repository("z", &[]), repository("y", &[]), failed("x")]),
        (RECIPE, vec![repository("a", &[])]),
    ] {
        catalogue.commit(&batch(&[], rows), recipe, None).await.unwrap();
    }
    let check = async |recipe: &str, expected: (u64, Option<&str>)| {
        let expected = (expected.0, expected.1.map(str::to_owned));
        assert_eq!(catalogue.other_recipes(recipe).await.unwrap(), expected, "{recipe}");
    };
    check(RECIPE, (2, Some("y"))).await;
    check("older", (1, Some("a"))).await;
    check("newer", (3, Some("a"))).await;
}

async fn many_names_are_looked_up_at_once(world: World) {
    let catalogue = world.catalogue().await;
    let rows = (0..200).map(|n| repository(&format!("r{n}"), &[])).collect();
    catalogue.commit(&batch(&[], rows), RECIPE, None).await.unwrap();
    let names: Vec<String> = (0..50_000).map(|n| format!("r{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        catalogue.finished_repositories(RECIPE, &names).await.unwrap().len(),
        200
    );
}

async fn a_repository_is_replaced_whole_by_name(world: World) {
    let catalogue = world.catalogue().await;
    let first = repository("a", &[("x/one.rs", "one"), ("two.rs", "two")]);
    catalogue
        .commit(&batch(&["one", "two"], vec![first]), RECIPE, None)
        .await
        .unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up());
    assert_eq!((stats.funnel.found.files, stats.funnel.survivors.files), (3, 2));
    assert_eq!(stats.funnel.found.bytes, 6, "sizes come from the contents");

    let mut second = repository("a", &[("one.rs", "one")]);
    "/elsewhere".clone_into(&mut second.location);
    "r2".clone_into(&mut second.repository.revision);
    catalogue.commit(&batch(&[], vec![second]), RECIPE, None).await.unwrap();
    assert_eq!(catalogue.stats().await.unwrap().funnel.found.files, 2);
    assert_eq!(catalogue.repository_locations().await.unwrap()["a"], "/elsewhere");
    assert_eq!(
        catalogue.finished_repositories(RECIPE, &["a"]).await.unwrap()["a"],
        "r2"
    );
    assert_eq!(
        catalogue.file_story(b"a/x/one.rs").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let story = catalogue.file_story(b"a/one.rs").await.unwrap();
    assert_eq!(story.content.unwrap().blob, key("one").blob);
}

async fn a_repository_is_replaced_whole_by_location(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("old", &[("one.rs", "one")]), repository("other", &[])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let mut renamed = repository("new", &[("two.rs", "one")]);
    "/src/old".clone_into(&mut renamed.location);
    catalogue
        .commit(&batch(&[], vec![renamed]), RECIPE, None)
        .await
        .unwrap();
    let mut names: Vec<String> = catalogue.repository_locations().await.unwrap().into_keys().collect();
    names.sort();
    assert_eq!(names, ["new", "other"]);
    assert_eq!(
        catalogue.file_story(b"old/one.rs").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(catalogue.file_story(b"new/two.rs").await.unwrap().content.is_some());
}

async fn a_failure_is_noted_and_what_is_known_stays(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let generation = catalogue.dedup_input().await.unwrap().generation;
    catalogue
        .replace_duplicates(&[], "state", generation, None)
        .await
        .unwrap();
    catalogue
        .commit(&batch(&[], vec![failed("a"), failed("unknown")]), RECIPE, None)
        .await
        .unwrap();

    let stats = catalogue.stats().await.unwrap();
    assert_eq!((stats.repositories, stats.funnel.found.files), (0, 2));
    let names: Vec<&str> = stats.failed.iter().map(|failed| failed.name.as_str()).collect();
    assert_eq!(names, ["a", "unknown"]);
    assert_eq!(stats.failed[0].error_code, "corrupt_input");
    assert_eq!(stats.failed[0].error_message, "the pack is cut off");
    assert!(catalogue.file_story(b"a/one.rs").await.unwrap().content.is_some());
    assert!(
        catalogue
            .finished_repositories(RECIPE, &["a"])
            .await
            .unwrap()
            .is_empty(),
        "it is tried again"
    );
    assert_eq!(
        catalogue.dedup_input().await.unwrap().generation,
        generation,
        "no file has changed"
    );
    assert!(stats.dedup_is_current);

    catalogue
        .commit(&batch(&[], vec![repository("a", &[("one.rs", "one")])]), RECIPE, None)
        .await
        .unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert_eq!(
        (stats.repositories, stats.failed.len()),
        (1, 1),
        "a success takes the error away"
    );
}

async fn a_failure_under_another_name_is_noted_by_location(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("old", &[("one.rs", "one")]), repository("other", &[])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let mut renamed = failed("new");
    "/src/old".clone_into(&mut renamed.location);
    catalogue
        .commit(&batch(&[], vec![renamed]), RECIPE, None)
        .await
        .unwrap();
    let stats = catalogue.stats().await.unwrap();
    let names: Vec<&str> = stats.failed.iter().map(|failed| failed.name.as_str()).collect();
    assert_eq!(names, ["old"]);
    assert!(
        catalogue.file_story(b"old/one.rs").await.unwrap().content.is_some(),
        "what is known stays"
    );
}
