//! Asking again for what is known.

use std::time::Duration;

use codelupe_catalogue::HostedState;
use codelupe_pipeline::crawl::{RefreshOptions, refresh};
use codelupe_worker::Progress;

use super::forge::Forge;
use super::{World, run};

const ALL: RefreshOptions = RefreshOptions {
    older_than: Duration::ZERO,
    limit: u64::MAX,
};

#[tokio::test]
async fn renames_changes_and_ends_are_seen() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(250);
    run(&catalogue, &forge).await;
    forge.each(|repository| match repository.id {
        1 => repository.full_name = "new/1".to_owned(),
        2 => repository.stars = Some(9999),
        _ => {}
    });
    forge.lose(3, HostedState::GoneNotFound);
    forge.lose(4, HostedState::GoneDmca);
    let progress = Progress::default();
    let crawled = refresh(&catalogue, &forge, ALL, &progress).await.unwrap();
    assert_eq!(
        (crawled.upserted.renamed, crawled.upserted.changed, crawled.gone),
        (1, 1, 2)
    );
    assert_eq!((crawled.listed, crawled.requests), (250, 3));
    for name in ["o/1", "new/1"] {
        let row = catalogue.hosted_by_name("github.com", name).await.unwrap().unwrap();
        assert_eq!((row.repository.id, row.etag.as_deref()), (1, Some("tag")));
    }
    for (id, state) in [
        (3, HostedState::GoneNotFound),
        (4, HostedState::GoneDmca),
        (5, HostedState::Listed),
    ] {
        let row = catalogue.hosted_repository("github.com", id).await.unwrap().unwrap();
        assert_eq!(row.state, state, "{id}");
    }
    let again = refresh(&catalogue, &forge, ALL, &progress).await.unwrap();
    assert_eq!(
        (again.upserted.unchanged, again.gone),
        (248, 0),
        "tombstones are not asked for"
    );
}

#[tokio::test]
async fn a_limit_and_an_age_are_kept() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(250);
    run(&catalogue, &forge).await;
    let progress = Progress::default();
    let check = async |older_than, limit, expected| {
        let options = RefreshOptions { older_than, limit };
        let crawled = refresh(&catalogue, &forge, options, &progress).await.unwrap();
        assert_eq!(crawled.listed, expected);
    };
    check(Duration::from_hours(1), u64::MAX, 0).await;
    check(Duration::ZERO, 130, 130).await;
    check(Duration::ZERO, 0, 0).await;
}

#[tokio::test]
async fn what_the_forge_leaves_out_is_asked_for_once_and_kept() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(30);
    run(&catalogue, &forge).await;
    let emptied = Forge::new(0);
    let crawled = refresh(&catalogue, &emptied, ALL, &Progress::default()).await.unwrap();
    assert_eq!((crawled.requests, crawled.gone), (1, 0));
    assert_eq!(catalogue.hosted_counts().await.unwrap().total(), 30);
}
