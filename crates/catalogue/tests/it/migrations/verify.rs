//! What is found wrong with a database.

use codelupe_catalogue::Schema;

use super::{connect, full, newest};
use crate::world::{World, on_both};

on_both!(
    a_good_database_has_nothing_wrong,
    a_missing_index_is_found,
    a_table_too_many_is_found,
    a_column_too_many_is_found,
    a_missing_migration_is_found,
);

async fn finds(world: &World, words: &[&str]) {
    let findings = connect(&world.url).await.verify().await.unwrap();
    for words in words {
        assert!(
            findings.iter().any(|finding| finding.contains(words)),
            "{words}: {findings:?}"
        );
    }
}

async fn a_good_database_has_nothing_wrong(world: World) {
    let mut schema = full(&world).await;
    assert_eq!(schema.verify().await.unwrap(), [""; 0]);
}

async fn a_missing_index_is_found(world: World) {
    full(&world).await;
    world.execute("DROP INDEX files_by_content").await;
    finds(&world, &["lacks: ", "files_by_content"]).await;
}

async fn a_table_too_many_is_found(world: World) {
    full(&world).await;
    world.execute("CREATE TABLE extra (id BIGINT PRIMARY KEY)").await;
    finds(&world, &["has what it should not: ", "extra"]).await;
}

async fn a_column_too_many_is_found(world: World) {
    full(&world).await;
    world.execute("ALTER TABLE files ADD COLUMN extra TEXT").await;
    finds(&world, &["has what it should not: ", "extra"]).await;
}

async fn a_missing_migration_is_found(world: World) {
    let mut schema = full(&world).await;
    let last = newest(&mut schema).await;
    schema.rollback(last - 1).await.unwrap();
    finds(&world, &[&format!("migration {last:04}"), "pending"]).await;
    // Without any, every one is missing.
    schema.rollback(0).await.unwrap();
    let missing: Vec<String> = (1..=last).map(|version| format!("migration {version:04}")).collect();
    finds(&world, &missing.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_is_found() {
    let world = World::sqlite();
    full(&world).await;
    world.execute("DELETE FROM contents").await;
    finds(&world, &["rows refer to rows that are not there"]).await;
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    use std::io::{Seek, SeekFrom, Write};
    let world = World::sqlite();
    full(&world).await.close().await;
    // All has gone from the write-ahead log into the file.
    let path = world.folder().join("catalogue.sqlite");
    let length = std::fs::metadata(&path).unwrap().len();
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    // Page 2 is the root of the first table.
    file.seek(SeekFrom::Start(length - 4096)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    // Where the page is one of the schema, it is found at opening already.
    let findings = async { Schema::connect(&world.url).await?.verify().await };
    match findings.await {
        Ok(findings) => assert!(!findings.is_empty()),
        Err(error) => assert_eq!(error.kind(), codelupe_catalogue::ErrorKind::Corrupt, "{error}"),
    }
}
