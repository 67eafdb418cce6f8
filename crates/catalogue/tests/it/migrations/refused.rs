//! Schemas that are not this program's.

use std::fs;

use codelupe_catalogue::{Catalogue, ErrorKind, Migrate, MigrationState, Schema};

use super::{connect, counts, full, newest, versions};
use crate::world::{World, on_both};

on_both!(
    what_must_exist_is_not_made,
    an_empty_database_gets_the_schema,
    an_old_schema_is_refused_or_migrated,
    an_unknown_migration_is_refused,
    a_changed_migration_is_refused,
);

async fn what_must_exist_is_not_made(world: World) {
    let missing = [
        Catalogue::open_existing(&world.url).await.err(),
        Catalogue::open_read_only(&world.url).await.err(),
    ];
    for error in missing {
        assert_eq!(error.unwrap().kind(), ErrorKind::NoCatalogue);
    }
    if world.is_sqlite() {
        for error in [
            Schema::connect_existing(&world.url).await.err(),
            Schema::connect_read_only(&world.url).await.err(),
        ] {
            assert_eq!(error.unwrap().kind(), ErrorKind::NoCatalogue);
        }
        assert!(
            fs::read_dir(world.folder()).unwrap().next().is_none(),
            "nothing was made"
        );
    }
    let mut schema = full(&world).await;
    Catalogue::open_existing(&world.url)
        .await
        .unwrap()
        .set_index_state("digest")
        .await
        .unwrap();
    assert_eq!(
        Schema::connect_existing(&world.url)
            .await
            .unwrap()
            .verify()
            .await
            .unwrap(),
        [""; 0]
    );
    let mut reader = Schema::connect_read_only(&world.url).await.unwrap();
    assert_eq!(reader.verify().await.unwrap(), [""; 0]);
    let last = newest(&mut schema).await;
    schema.rollback(last - 1).await.unwrap();
    let error = Catalogue::open_existing(&world.url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaOutdated, "{error}");
    assert_eq!(
        versions(&reader.status().await.unwrap(), MigrationState::Pending),
        [last]
    );
}

async fn an_empty_database_gets_the_schema(world: World) {
    let catalogue = Catalogue::open(&world.url, Migrate::Refused).await.unwrap();
    assert_eq!(catalogue.stats().await.unwrap().repositories, 0);
    catalogue.close().await;
    assert_eq!(connect(&world.url).await.verify().await.unwrap(), [""; 0]);
}

async fn an_old_schema_is_refused_or_migrated(world: World) {
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    let mut pending = Vec::new();
    for version in (1..last).rev() {
        let undone = schema.rollback(version).await.unwrap();
        pending.insert(0, format!("{:04} {}", undone[0].version, undone[0].name));
        for error in [
            Catalogue::open(&world.url, Migrate::Refused).await.unwrap_err(),
            Catalogue::open_read_only(&world.url).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::SchemaOutdated, "{error}");
            assert!(error.to_string().contains(&pending.join(", ")), "{error}");
        }
        let status = schema.status().await.unwrap();
        assert_eq!(
            versions(&status, MigrationState::Applied),
            (1..=version).collect::<Vec<_>>(),
            "nothing was done"
        );
    }
    Catalogue::open(&world.url, Migrate::Allowed)
        .await
        .unwrap()
        .close()
        .await;
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
    Catalogue::open_read_only(&world.url).await.unwrap();
}

async fn an_unknown_migration_is_refused(world: World) {
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    world
        .execute(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES ({}, 'from the future', true, {}, 0)",
            last + 1,
            if world.is_sqlite() { "x'00'" } else { "'\\x00'" }
        ))
        .await;
    is_refused(&world, &format!("{:04}, which this program does not know", last + 1)).await;
    let status = schema.status().await.unwrap();
    assert_eq!(versions(&status, MigrationState::Unknown), [last + 1]);
    assert!(schema.verify().await.unwrap()[0].contains("unknown"));
}

async fn a_changed_migration_is_refused(world: World) {
    let mut schema = full(&world).await;
    let zero = if world.is_sqlite() { "x'00'" } else { "'\\x00'" };
    world
        .execute(&format!(
            "UPDATE _sqlx_migrations SET checksum = {zero} WHERE version = 1"
        ))
        .await;
    is_refused(&world, "migration 0001 catalogue was applied with another text").await;
    assert_eq!(versions(&schema.status().await.unwrap(), MigrationState::Changed), [1]);
    assert!(schema.verify().await.unwrap()[0].contains("changed"));
}

/// By everything that would touch it; and nothing is touched.
async fn is_refused(world: &World, words: &str) {
    let before = counts(world).await;
    let mut schema = connect(&world.url).await;
    for error in [
        Catalogue::open(&world.url, Migrate::Refused).await.unwrap_err(),
        Catalogue::open(&world.url, Migrate::Allowed).await.unwrap_err(),
        Catalogue::open_read_only(&world.url).await.unwrap_err(),
        schema.migrate(None).await.unwrap_err(),
        schema.rollback(0).await.unwrap_err(),
        schema.rollback_steps(0).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::SchemaNewer, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(counts(world).await, before);
}
