//! Databases that may be read and not written.
//!
//! A SQLite file or folder without the right to write is not here: root, as whom tests may run, has that right anyway.

use codelupe_catalogue::{Catalogue, ErrorKind, Migrate};
use codelupe_testkit::postgres::shared;

use super::shown;
use crate::rows::{RECIPE, batch, repository};
use crate::world::{World, on_both};

on_both!(a_reader_writes_nothing);

async fn refuses_to_write(catalogue: &Catalogue) {
    let rows = vec![repository("b", &[("one.rs", "one")])];
    for error in [
        catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.err(),
        catalogue.replace_duplicates(&[], "state", 1, None).await.err(),
        catalogue.forget_unused_contents(RECIPE).await.err(),
        catalogue.set_index_state("digest").await.err(),
        catalogue.forget_errors(None).await.err(),
        catalogue.retry(None).await.err(),
    ] {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Permission, "{}", shown(&error));
    }
    assert_eq!(catalogue.stats().await.unwrap().repositories, 1);
}

async fn a_reader_writes_nothing(world: World) {
    let writer = world.catalogue().await;
    writer
        .commit(
            &batch(&["one"], vec![repository("a", &[("one.rs", "one")])]),
            RECIPE,
            None,
        )
        .await
        .unwrap();
    let reader = Catalogue::open_read_only(&world.url).await.unwrap();
    refuses_to_write(&reader).await;
    writer
        .commit(
            &batch(&["one"], vec![repository("b", &[("one.rs", "one")])]),
            RECIPE,
            None,
        )
        .await
        .unwrap();
    assert_eq!(reader.stats().await.unwrap().repositories, 2);
}

#[tokio::test]
async fn a_database_that_is_read_only() {
    let world = World::postgres();
    let name = world.text().rsplit('/').next().unwrap().to_owned();
    let read_only = |on: &str| {
        shared().psql(
            "postgres",
            &format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}"),
        );
    };
    read_only("on");
    let error = Catalogue::open(&world.url, Migrate::Allowed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{}", shown(&error));
    read_only("off");
    let writer = world.catalogue().await;
    writer
        .commit(
            &batch(&["one"], vec![repository("a", &[("one.rs", "one")])]),
            RECIPE,
            None,
        )
        .await
        .unwrap();
    writer.close().await;
    read_only("on");
    refuses_to_write(&world.catalogue().await).await;
}

#[tokio::test]
async fn a_user_without_rights() {
    let world = World::postgres();
    let server = shared();
    let name = world.text().rsplit('/').next().unwrap().to_owned();
    server.psql("postgres", "CREATE ROLE guest LOGIN");
    let guest = world.text().replace("postgres@", "guest@").parse().unwrap();
    let error = Catalogue::open(&guest, Migrate::Allowed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{}", shown(&error));
    world.catalogue().await.close().await;
    let error = Catalogue::open_read_only(&guest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{}", shown(&error));
    server.psql(&name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest");
    let reader = Catalogue::open_read_only(&guest).await.unwrap();
    assert_eq!(reader.stats().await.unwrap().repositories, 0);
    let writer = Catalogue::open(&guest, Migrate::Refused).await.unwrap();
    let error = writer
        .commit(&batch(&["one"], Vec::new()), RECIPE, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission, "{}", shown(&error));
}
