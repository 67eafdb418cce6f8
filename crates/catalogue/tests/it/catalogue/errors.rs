//! Errors that were met.

use std::time::Duration;

use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence};

use crate::world::{World, on_both};

on_both!(
    occurrences_are_folded_by_fingerprint,
    new_fingerprints_are_told_once,
    the_latest_come_first_and_age_limits_them,
    errors_are_forgotten_one_or_all,
    hostile_texts_are_stored,
);

fn report(message: &str) -> ErrorOccurrence {
    ErrorOccurrence::new(
        "store",
        ErrorCode::Database,
        message,
        ErrorContext::new().with_repository(message).with_job(7, 2),
    )
}

async fn occurrences_are_folded_by_fingerprint(world: World) {
    let catalogue = world.catalogue().await;
    let (first, second) = (report("cannot read `a.rs`"), report("cannot read `b.rs`"));
    assert_eq!(first.fingerprint(), second.fingerprint());
    catalogue.record_errors(&[(first, 3)]).await.unwrap();
    catalogue
        .record_errors(&[(second.clone(), 1), (second.clone(), 2)])
        .await
        .unwrap();
    let rows = catalogue.errors(None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(row.count, 6);
    assert_eq!(row.message, second.message, "the latest message is kept");
    let context: serde_json::Value = serde_json::from_str(&row.context).unwrap();
    assert_eq!(context, serde_json::to_value(&second.context).unwrap());
    assert_eq!(
        (row.code.as_str(), row.class.as_str(), row.category.as_str()),
        ("database", "transient", "database")
    );
    assert_eq!(
        (row.component.as_str(), row.fingerprint.as_str()),
        ("store", second.fingerprint().to_string().as_str())
    );
    assert!(
        row.first_seen > 1_700_000_000_000 && row.last_seen >= row.first_seen,
        "{row:?}"
    );
}

async fn new_fingerprints_are_told_once(world: World) {
    let catalogue = world.catalogue().await;
    let (one, two) = (report("one"), report("two"));
    let print = |occurrence: &ErrorOccurrence| occurrence.fingerprint().to_string();
    let new = catalogue
        .record_errors(&[(one.clone(), 1), (one.clone(), 1)])
        .await
        .unwrap();
    assert_eq!(new, [print(&one)]);
    let new = catalogue
        .record_errors(&[(one.clone(), 2), (two.clone(), 5)])
        .await
        .unwrap();
    assert_eq!(new, [print(&two)]);
    assert!(catalogue.record_errors(&[(two, 5), (one, 7)]).await.unwrap().is_empty());
    assert!(catalogue.record_errors(&[]).await.unwrap().is_empty());
}

async fn the_latest_come_first_and_age_limits_them(world: World) {
    let catalogue = world.catalogue().await;
    for message in ["one", "two", "three"] {
        catalogue.record_errors(&[(report(message), 1)]).await.unwrap();
    }
    world
        .execute("UPDATE errors SET last_seen = last_seen - 3600000 WHERE message = 'one'")
        .await;
    world
        .execute("UPDATE errors SET last_seen = last_seen - 7200000 WHERE message = 'three'")
        .await;
    let check = async |age: Option<Duration>, limit: u32, expected: &[&str]| {
        let rows = catalogue.errors(age, limit).await.unwrap();
        let messages: Vec<&str> = rows.iter().map(|row| row.message.as_str()).collect();
        assert_eq!(messages, expected, "{age:?} {limit}");
    };
    check(None, 10, &["two", "one", "three"]).await;
    check(None, 2, &["two", "one"]).await;
    check(None, 0, &[]).await;
    check(Some(Duration::from_mins(90)), 10, &["two", "one"]).await;
    check(Some(Duration::from_mins(30)), 10, &["two"]).await;
    check(Some(Duration::MAX), 10, &["two", "one", "three"]).await;
}

async fn errors_are_forgotten_one_or_all(world: World) {
    let catalogue = world.catalogue().await;
    let occurrences = ["one", "two", "three"].map(|message| (report(message), 1));
    catalogue.record_errors(&occurrences).await.unwrap();
    let fingerprint = occurrences[0].0.fingerprint().to_string();
    assert_eq!(catalogue.forget_errors(Some(&fingerprint)).await.unwrap(), 1);
    assert_eq!(catalogue.forget_errors(Some(&fingerprint)).await.unwrap(), 0);
    assert_eq!(catalogue.forget_errors(Some("\0")).await.unwrap(), 0);
    assert_eq!(catalogue.errors(None, 10).await.unwrap().len(), 2);
    assert_eq!(
        catalogue.record_errors(&occurrences[..1]).await.unwrap(),
        [fingerprint],
        "it is new again"
    );
    assert_eq!(catalogue.forget_errors(None).await.unwrap(), 3);
    assert!(catalogue.errors(None, 10).await.unwrap().is_empty());
}

async fn hostile_texts_are_stored(world: World) {
    let catalogue = world.catalogue().await;
    let context = ErrorContext::new().with_path(b"\xff\0\x1b").with_repository("a\0b");
    let mut occurrence = ErrorOccurrence::new(
        "a\0b",
        ErrorCode::Database,
        "x\0\u{1b}y'; DROP TABLE errors; --",
        context,
    );
    // Its fields are open: what does not come from its maker may hold anything.
    occurrence.message.push('\0');
    occurrence.component.push('\0');
    catalogue
        .record_errors(&[(occurrence.clone(), u64::MAX), (occurrence, 1)])
        .await
        .unwrap();
    let rows = catalogue.errors(None, 10).await.unwrap();
    assert!(rows[0].message.contains("DROP TABLE"), "{rows:?}");
    assert!(rows[0].count > 0, "{rows:?}");
}
