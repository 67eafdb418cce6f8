//! Contents and files.

use std::collections::HashSet;

use codelupe_catalogue::{Batch, ContentKey, Duplicate, ErrorKind};
use codelupe_core::{Reason, Verdict};

use crate::rows::{RECIPE, batch, content, dropped, file, key, named_key, repository, segment};
use crate::world::{World, file_id, on_both};

on_both!(
    a_content_is_known_by_blob_name_and_recipe,
    a_content_that_is_there_is_updated,
    the_same_key_twice_in_a_batch_is_one_content,
    the_same_batch_twice_is_once,
    a_file_without_its_content_is_refused_whole,
    thousands_of_contents_are_linked_and_known,
    a_batch_of_contents_may_come_before_their_files,
    unused_contents_of_other_recipes_are_forgotten,
    stories_tell_repositories_with_slashes_apart,
    an_example_can_be_typed,
);

async fn a_content_is_known_by_blob_name_and_recipe(world: World) {
    let catalogue = world.catalogue().await;
    catalogue
        .commit(&batch(&["one", "two"], Vec::new()), RECIPE, None)
        .await
        .unwrap();
    let check = async |keys: &[ContentKey], recipe: &str, expected: &[ContentKey]| {
        let known = catalogue.known_contents(keys, recipe).await.unwrap();
        assert_eq!(known, expected.iter().cloned().collect::<HashSet<_>>());
    };
    check(&[key("one"), key("three"), key("one")], RECIPE, &[key("one")]).await;
    check(&[named_key("one", "b.rs")], RECIPE, &[]).await;
    check(&[key("one")], "other", &[]).await;
    check(&[], RECIPE, &[]).await;

    catalogue
        .commit(&batch(&["one"], Vec::new()), "other", None)
        .await
        .unwrap();
    check(&[key("one"), key("two")], "other", &[key("one")]).await;
    check(&[key("one"), key("two")], RECIPE, &[key("one"), key("two")]).await;
}

async fn a_content_that_is_there_is_updated(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let mut again = batch(&["zero", "one"], Vec::new());
    again.contents[1].verdict = Verdict::Dropped(Reason::LowQuality);
    again.contents[1].quality = 7;
    catalogue.commit(&again, RECIPE, None).await.unwrap();
    let content = catalogue.file_story(b"a/one.rs").await.unwrap().content.unwrap();
    assert_eq!(
        (content.reason.as_deref(), content.quality, content.location.row),
        (Some("low_quality"), 7, 1)
    );
    assert_eq!(
        catalogue.segments().await.unwrap()[&content.location.segment],
        "zero one"
    );
    assert!(catalogue.stats().await.unwrap().funnel.adds_up());
}

async fn the_same_key_twice_in_a_batch_is_one_content(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one"), ("copy.rs", "one")])];
    catalogue
        .commit(&batch(&["one", "two", "one"], rows), RECIPE, None)
        .await
        .unwrap();
    assert_eq!(world.texts("SELECT count(*) || '' FROM contents").await, ["2"]);
    let stats = catalogue.stats().await.unwrap();
    assert_eq!((stats.funnel.found.files, stats.funnel.found.bytes), (3, 6));
    let row = catalogue
        .file_story(b"a/one.rs")
        .await
        .unwrap()
        .content
        .unwrap()
        .location
        .row;
    assert_eq!(row, 2, "the last one counts");
}

async fn the_same_batch_twice_is_once(world: World) {
    let catalogue = world.catalogue().await;
    let batch = batch(
        &["one", "two"],
        vec![
            repository("a", &[("one.rs", "one")]),
            repository("b", &[("two.rs", "two")]),
        ],
    );
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let before = catalogue.stats().await.unwrap();
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    let after = catalogue.stats().await.unwrap();
    assert_eq!(
        serde_json::to_value(&before).unwrap(),
        serde_json::to_value(&after).unwrap()
    );
    for (table, rows) in [
        ("repositories", "2"),
        ("segments", "1"),
        ("contents", "2"),
        ("files", "4"),
    ] {
        assert_eq!(
            world.texts(&format!("SELECT count(*) || '' FROM {table}")).await,
            [rows],
            "{table}"
        );
    }
}

async fn a_file_without_its_content_is_refused_whole(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one")])];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let rows = vec![repository("a", &[]), repository("b", &[("two.rs", "never linked")])];
    let error = catalogue
        .commit(&batch(&["two"], rows), RECIPE, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert_eq!(catalogue.segments().await.unwrap().len(), 1);
    assert!(
        catalogue
            .known_contents(&[key("two")], RECIPE)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(catalogue.file_story(b"a/one.rs").await.is_ok(), "nothing was replaced");
}

async fn thousands_of_contents_are_linked_and_known(world: World) {
    const CONTENTS: u32 = 5000;
    let catalogue = world.catalogue().await;
    let text = |n: u32| format!("content {n}");
    let mut row = repository("a", &[]);
    row.files
        .extend((0..CONTENTS).map(|n| file(format!("src/{n}.rs").as_bytes(), key(&text(n)))));
    row.files
        .extend((0..CONTENTS).map(|n| dropped(format!("lock/{n}").as_bytes(), Reason::LockFile, None)));
    let batch = Batch {
        segment: Some(segment("s", CONTENTS as usize)),
        contents: (0..CONTENTS).map(|n| content(&text(n), n)).collect(),
        repositories: vec![row],
    };
    catalogue.commit(&batch, RECIPE, None).await.unwrap();
    // Every fifth of 25,000 keys is there.
    let keys: Vec<ContentKey> = (0..25_000)
        .map(|n| {
            if n % 5 == 0 {
                key(&text(n / 5))
            } else {
                key(&format!("no {n}"))
            }
        })
        .collect();
    let known = catalogue.known_contents(&keys, RECIPE).await.unwrap();
    assert_eq!(known.len(), CONTENTS as usize);
    assert!((0..CONTENTS).all(|n| known.contains(&key(&text(n)))));
    let stats = catalogue.stats().await.unwrap();
    assert_eq!(
        (stats.funnel.found.files, stats.funnel.survivors.files),
        (2 * u64::from(CONTENTS) + 1, u64::from(CONTENTS))
    );
    assert_eq!(
        catalogue.dedup_input().await.unwrap().candidates.len(),
        CONTENTS as usize
    );
}

async fn a_batch_of_contents_may_come_before_their_files(world: World) {
    let catalogue = world.catalogue().await;
    catalogue
        .commit(&batch(&["one", "two"], Vec::new()), RECIPE, None)
        .await
        .unwrap();
    assert_eq!(
        catalogue.dedup_input().await.unwrap().generation,
        0,
        "no file has changed"
    );
    let rows = vec![repository(
        "a",
        &[("one.rs", "one"), ("two.rs", "two"), ("three.rs", "three")],
    )];
    catalogue.commit(&batch(&["three"], rows), RECIPE, None).await.unwrap();
    assert_eq!(catalogue.dedup_input().await.unwrap().generation, 1);
    assert_eq!(catalogue.stats().await.unwrap().funnel.survivors.files, 3);
}

async fn unused_contents_of_other_recipes_are_forgotten(world: World) {
    let catalogue = world.catalogue().await;
    let rows = vec![repository("a", &[("one.rs", "one")])];
    catalogue
        .commit(&batch(&["one", "two"], rows), "older", None)
        .await
        .unwrap();
    catalogue
        .commit(&batch(&["three"], Vec::new()), "older", None)
        .await
        .unwrap();
    catalogue
        .commit(&batch(&["four"], Vec::new()), RECIPE, None)
        .await
        .unwrap();
    catalogue.forget_unused_contents(RECIPE).await.unwrap();
    let known = catalogue
        .known_contents(&[key("one"), key("two"), key("three")], "older")
        .await
        .unwrap();
    assert_eq!(known, HashSet::from([key("one")]), "what a file links stays");
    let known = catalogue.known_contents(&[key("four")], RECIPE).await.unwrap();
    assert_eq!(known.len(), 1, "what the next batch may link stays");
    let mut names: Vec<String> = catalogue.segments().await.unwrap().into_values().collect();
    names.sort();
    assert_eq!(names, ["four", "one two"]);
    assert!(catalogue.file_story(b"a/one.rs").await.unwrap().content.is_some());
}

async fn stories_tell_repositories_with_slashes_apart(world: World) {
    let catalogue = world.catalogue().await;
    let mut with_detail = repository("a/b/c", &[]);
    with_detail
        .files
        .push(dropped(b"d.rs", Reason::Unreadable, Some("permission denied")));
    let rows = vec![
        repository("a", &[("b/c/d.rs", "short"), ("b/x.rs", "short")]),
        with_detail,
    ];
    catalogue.commit(&batch(&["short"], rows), RECIPE, None).await.unwrap();

    let story = catalogue.file_story(b"a/b/c/d.rs").await.unwrap();
    assert_eq!(story.repository, "a/b/c", "the longest name that fits wins");
    assert_eq!(
        (story.fetch_reason.as_deref(), story.detail.as_deref()),
        (Some("unreadable"), Some("permission denied"))
    );
    let story = catalogue.file_story(b"a/b/x.rs").await.unwrap();
    assert_eq!((story.repository.as_str(), story.bytes), ("a", Some(5)));
    assert_eq!(
        (story.license.as_deref(), story.license_class.as_str()),
        (Some("MIT"), "permissive")
    );
    assert!(story.twin.is_none() && story.build.is_none());

    let check = async |name: &[u8], words: &str| {
        let error = catalogue.file_story(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(words), "{error}");
    };
    check(b"a/nothing.rs", "no file").await;
    check(b"nobody/x.rs", "no repository").await;
    check(b"a", "no repository").await;
    check(b"", "no repository").await;
    check(b"a/\0\xff", "no file").await;
    check(b"a\0/x", "no repository").await;
}

async fn an_example_can_be_typed(world: World) {
    let catalogue = world.catalogue().await;
    assert_eq!(catalogue.example_file().await.unwrap(), None);
    let odd = vec![repository(
        "b",
        &[("with space.rs", "one"), ("quote'.rs", "one"), ("ä.rs", "one")],
    )];
    catalogue.commit(&batch(&["one"], odd), RECIPE, None).await.unwrap();
    assert_eq!(catalogue.example_file().await.unwrap(), None);
    let mut row = repository("b/c", &[("src/one.rs", "one"), ("src/two.rs", "two")]);
    row.files.push(file(b"\xff.rs", key("one")));
    catalogue
        .commit(&batch(&["two"], vec![row]), RECIPE, None)
        .await
        .unwrap();
    let example = catalogue.example_file().await.unwrap().unwrap();
    assert!(
        ["b/c/src/one.rs", "b/c/src/two.rs"].contains(&example.as_str()),
        "{example}"
    );

    let input = catalogue.dedup_input().await.unwrap();
    let (one, two) = (
        file_id(&catalogue, "b/c", b"src/one.rs").await,
        file_id(&catalogue, "b/c", b"src/two.rs").await,
    );
    let twin = Duplicate {
        file_id: two,
        reason: Reason::NearDuplicate,
        kept_file_id: one,
        jaccard: 0.9,
    };
    catalogue
        .replace_duplicates(&[twin], "state", input.generation, None)
        .await
        .unwrap();
    assert_eq!(
        catalogue.example_file().await.unwrap().as_deref(),
        Some("b/c/src/two.rs"),
        "it has more of a story"
    );
}

/// More than are forgotten at once.
#[cfg(feature = "slow")]
mod many {
    use super::*;

    on_both!(very_many_contents_are_forgotten);

    async fn very_many_contents_are_forgotten(world: World) {
        const CONTENTS: u32 = 120_000;
        let catalogue = world.catalogue().await;
        let mut row = repository("a", &[]);
        // Every thousandth is used.
        row.files.extend(
            (0..CONTENTS)
                .step_by(1000)
                .map(|n| file(format!("{n}.rs").as_bytes(), key(&n.to_string()))),
        );
        let batch = Batch {
            segment: Some(segment("s", CONTENTS as usize)),
            contents: (0..CONTENTS).map(|n| content(&n.to_string(), n)).collect(),
            repositories: vec![row],
        };
        catalogue.commit(&batch, "older", None).await.unwrap();
        catalogue.forget_unused_contents(RECIPE).await.unwrap();
        let left = world.texts("SELECT count(*) || '' FROM contents").await;
        assert_eq!(left, [(CONTENTS / 1000).to_string()]);
        assert_eq!(
            catalogue.stats().await.unwrap().funnel.survivors.files,
            u64::from(CONTENTS / 1000)
        );
    }
}
