//! Which catalogue it is, and who can open it.

use std::fs;

use codelupe_catalogue::{Catalogue, ErrorKind, Migrate};

use crate::rows::{RECIPE, batch, repository};
use crate::world::{World, on_both};

on_both!(
    the_identity_stays_and_differs_from_others,
    a_reader_needs_a_catalogue,
    readers_and_writers_see_the_same,
    the_database_says_what_it_is,
);

async fn the_identity_stays_and_differs_from_others(world: World) {
    let catalogue = world.catalogue().await;
    let identity = catalogue.identity().await.unwrap();
    assert!(
        identity.len() == 32 && identity.bytes().all(|b| b.is_ascii_hexdigit()),
        "{identity}"
    );
    catalogue
        .commit(
            &batch(&["one"], vec![repository("a", &[("one.rs", "one")])]),
            RECIPE,
            None,
        )
        .await
        .unwrap();
    catalogue.close().await;
    assert_eq!(world.catalogue().await.identity().await.unwrap(), identity);
    let other = World::sqlite().catalogue().await.identity().await.unwrap();
    assert_ne!(other, identity);
}

async fn a_reader_needs_a_catalogue(world: World) {
    let error = Catalogue::open_read_only(&world.url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoCatalogue, "{error}");
    if world.is_sqlite() {
        assert!(
            fs::read_dir(world.folder()).unwrap().next().is_none(),
            "nothing was made"
        );
    }
    world.catalogue().await;
    Catalogue::open_read_only(&world.url).await.unwrap();
}

async fn readers_and_writers_see_the_same(world: World) {
    let catalogue = world.catalogue().await;
    let reader = Catalogue::open_read_only(&world.url).await.unwrap();
    catalogue
        .commit(
            &batch(&["one"], vec![repository("a", &[("one.rs", "one")])]),
            RECIPE,
            None,
        )
        .await
        .unwrap();
    assert_eq!(reader.stats().await.unwrap().repositories, 1);
    let again = Catalogue::open(&world.url, Migrate::Allowed).await.unwrap();
    again
        .commit(&batch(&[], vec![repository("b", &[("one.rs", "one")])]), RECIPE, None)
        .await
        .unwrap();
    for catalogue in [&catalogue, &reader, &again] {
        assert_eq!(catalogue.stats().await.unwrap().repositories, 2);
    }
}

async fn the_database_says_what_it_is(world: World) {
    let text = world.catalogue().await.describe().await.unwrap();
    let name = if world.is_sqlite() { "SQLite 3." } else { "PostgreSQL 1" };
    assert!(text.starts_with(name), "{text}");
}
