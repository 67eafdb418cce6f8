//! Each migration, up and down, with data.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use codelupe_catalogue::{Catalogue, ErrorKind, Loss, Migrate, MigrationState, Rename};

use super::{connect, counts, full, newest, versions};
use crate::world::{World, on_both};

on_both!(
    the_schema_is_the_committed_one,
    migrations_are_applied_up_to_the_one_that_is_named,
    going_down_gives_the_schema_of_going_up,
    each_migration_goes_down_and_up_and_loses_what_it_names,
    every_earlier_schema_with_data_becomes_the_newest,
    nothing_is_left_at_the_bottom,
    steps_name_tables_and_rows,
    going_back_to_nowhere_is_refused,
);

/// `CODELUPE_BLESS=1 cargo test -p codelupe-catalogue committed` writes them anew.
async fn the_schema_is_the_committed_one(world: World) {
    let mut schema = connect(&world.url).await;
    schema.migrate(None).await.unwrap();
    let dump = schema.dump().await.unwrap();
    let name = if world.is_sqlite() {
        "sqlite.txt"
    } else {
        "postgres.txt"
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations/schema")
        .join(name);
    if std::env::var_os("CODELUPE_BLESS").is_some() {
        fs::write(&path, &dump).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(
        dump == committed,
        "{name} is out of date: CODELUPE_BLESS=1 cargo test -p codelupe-catalogue committed\n{dump}"
    );
}

async fn migrations_are_applied_up_to_the_one_that_is_named(world: World) {
    let mut schema = connect(&world.url).await;
    let last = newest(&mut schema).await;
    assert_eq!(
        versions(&schema.status().await.unwrap(), MigrationState::Pending),
        (1..=last).collect::<Vec<_>>()
    );
    for version in 1..=last {
        let applied = schema.migrate(Some(version)).await.unwrap();
        assert_eq!(versions(&applied, MigrationState::Applied), [version]);
        assert!(!applied[0].name.is_empty());
        let status = schema.status().await.unwrap();
        assert_eq!(
            versions(&status, MigrationState::Applied),
            (1..=version).collect::<Vec<_>>()
        );
        assert_eq!(
            versions(&status, MigrationState::Pending),
            (version + 1..=last).collect::<Vec<_>>()
        );
        assert!(schema.migrate(Some(version)).await.unwrap().is_empty(), "twice is once");
    }
    assert!(schema.migrate(None).await.unwrap().is_empty());
}

async fn going_down_gives_the_schema_of_going_up(world: World) {
    let mut schema = connect(&world.url).await;
    let last = newest(&mut schema).await;
    let mut ups = Vec::new();
    for version in 0..=last {
        schema.migrate(Some(version)).await.unwrap();
        ups.push(schema.dump().await.unwrap());
    }
    for (version, up) in (0..last).rev().zip(ups.iter().rev().skip(1)) {
        let steps = schema.rollback(version).await.unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(&schema.dump().await.unwrap(), up, "down to {version}");
    }
}

async fn each_migration_goes_down_and_up_and_loses_what_it_names(world: World) {
    let mut schema = full(&world).await;
    for version in (1..=newest(&mut schema).await).rev() {
        let (before, dump) = (counts(&world).await, schema.dump().await.unwrap());
        let steps = schema.rollback(version - 1).await.unwrap();
        assert_eq!(steps.iter().map(|step| step.version).collect::<Vec<_>>(), [version]);
        let mut kept = before.clone();
        for Loss { table, rows } in &steps[0].losses {
            assert_eq!(kept.remove(table), Some(*rows), "{table}");
        }
        let mut renamed = kept.clone();
        for Rename { from, to } in &steps[0].renames {
            let rows = renamed.remove(from).unwrap();
            renamed.insert(to.clone(), rows);
        }
        renamed.extend(steps[0].makes.iter().map(|table| (table.clone(), 0)));
        assert_eq!(counts(&world).await, renamed, "down from {version}");

        schema.migrate(Some(version)).await.unwrap();
        assert_eq!(schema.dump().await.unwrap(), dump, "up to {version} again");
        let after: BTreeMap<String, i64> = counts(&world)
            .await
            .into_iter()
            .filter(|(table, _)| kept.contains_key(table))
            .collect();
        assert_eq!(after, kept, "up to {version} again");
        schema.rollback(version - 1).await.unwrap();
    }
}

async fn every_earlier_schema_with_data_becomes_the_newest(world: World) {
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    for version in (0..last).rev() {
        let steps = schema.rollback_steps(version).await.unwrap();
        let lost: Vec<String> = steps
            .into_iter()
            .flat_map(|step| step.losses)
            .map(|loss| loss.table)
            .collect();
        let mut kept = counts(&world).await;
        kept.retain(|table, _| !lost.contains(table));
        schema.rollback(version).await.unwrap();
        let catalogue = Catalogue::open(&world.url, Migrate::Allowed).await.unwrap();
        let files = catalogue.stats().await.unwrap().funnel.found.files;
        assert_eq!(files, if version == 0 { 0 } else { 4 }, "from {version}");
        catalogue.close().await;
        assert_eq!(schema.verify().await.unwrap(), [""; 0], "from {version}");
        let after = counts(&world).await;
        assert!(
            kept.iter().all(|(table, rows)| after[table] == *rows),
            "from {version}: {kept:?} {after:?}"
        );
    }
}

async fn nothing_is_left_at_the_bottom(world: World) {
    let mut schema = full(&world).await;
    schema.rollback(0).await.unwrap();
    assert_eq!(counts(&world).await, BTreeMap::new());
    assert_eq!(schema.dump().await.unwrap().trim(), "");
    assert!(schema.rollback(0).await.unwrap().is_empty());
    let error = Catalogue::open_read_only(&world.url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoCatalogue, "{error}");
}

async fn steps_name_tables_and_rows(world: World) {
    let mut schema = full(&world).await;
    let before = counts(&world).await;
    let steps = schema.rollback_steps(0).await.unwrap();
    assert_eq!(counts(&world).await, before, "nothing is done");
    let last = newest(&mut schema).await;
    assert_eq!(
        steps.iter().map(|step| step.version).collect::<Vec<_>>(),
        (1..=last).rev().collect::<Vec<_>>()
    );
    let losses: BTreeMap<String, i64> = steps
        .iter()
        .flat_map(|step| &step.losses)
        .map(|loss| (loss.table.clone(), loss.rows))
        .collect();
    assert_eq!(losses, before);
    assert!(schema.rollback_steps(last).await.unwrap().is_empty());
    assert_eq!(steps, schema.rollback(0).await.unwrap());
}

async fn going_back_to_nowhere_is_refused(world: World) {
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    let before = counts(&world).await;
    for to in [-1, last + 1, i64::MAX, i64::MIN] {
        for error in [
            schema.rollback_steps(to).await.unwrap_err(),
            schema.rollback(to).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{to}: {error}");
        }
    }
    schema.rollback(last - 1).await.unwrap();
    let error = schema.rollback(last).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    schema.migrate(None).await.unwrap();
    assert_eq!(counts(&world).await.len(), before.len());
}
