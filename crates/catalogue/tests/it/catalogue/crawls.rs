//! Listings that survive a restart.

use codelupe_catalogue::{AfterPage, Catalogue, CrawlId, CrawledPage, ErrorKind, IncompleteSlice};
use codelupe_core::{HostedRepository, Slice};

use crate::rows::hosted;
use crate::world::{World, on_both};

on_both!(
    a_listing_goes_on_where_it_was,
    a_split_slice_is_replaced_by_its_parts,
    a_page_that_is_stored_twice_counts_once,
    a_slice_that_is_read_again_starts_afresh,
    a_listing_that_is_over_begins_again,
    the_report_names_what_is_missing,
    a_page_of_no_slice_stores_nothing,
    listings_are_told_apart,
);

const FORGE: &str = "github.com";

fn created(from: i64, to: i64) -> Slice {
    Slice {
        created: Some((from, to)),
        stars: None,
    }
}

fn page(repositories: &[HostedRepository], after: AfterPage, total: u64) -> CrawledPage<'_> {
    CrawledPage {
        repositories,
        after,
        total: Some(total),
        incomplete: false,
        skipped: 0,
    }
}

fn next(cursor: &str) -> AfterPage {
    AfterPage::Next(cursor.to_owned())
}

async fn open(catalogue: &Catalogue) -> CrawlId {
    catalogue.open_crawl(FORGE, "q", &[created(0, 9)]).await.unwrap()
}

fn some(ids: std::ops::RangeInclusive<u64>) -> Vec<HostedRepository> {
    ids.map(|id| hosted(id, &format!("o/{id}"))).collect()
}

async fn a_listing_goes_on_where_it_was(world: World) {
    let mut expected_cursor = None;
    for (n, after) in [next("2"), next("3"), AfterPage::Done].into_iter().enumerate() {
        // Each page by a program of its own.
        let catalogue = world.catalogue().await;
        let crawl = open(&catalogue).await;
        let slice = catalogue.next_slice(crawl).await.unwrap().unwrap();
        assert_eq!((slice.slice, &slice.cursor), (created(0, 9), &expected_cursor));
        if let AfterPage::Next(cursor) = &after {
            expected_cursor = Some(cursor.clone());
        }
        let first = u64::try_from(n).unwrap() * 10;
        let rows = some(first + 1..=first + 10);
        let upserted = catalogue
            .record_page(crawl, slice.slice, &page(&rows, after, 30))
            .await
            .unwrap();
        assert_eq!(upserted.new, 10);
        catalogue.close().await;
    }
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    assert_eq!(catalogue.next_slice(crawl).await.unwrap(), None);
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert!(report.done, "{report:?}");
    assert_eq!(
        (report.found, report.stated, report.slices_done, report.slices_open),
        (30, 30, 1, 0)
    );
    assert_eq!(report.incomplete, []);
    assert_eq!(catalogue.hosted_counts().await.unwrap().total(), 30);
}

async fn a_split_slice_is_replaced_by_its_parts(world: World) {
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    let parts = created(0, 9).halves().unwrap();
    for _ in 0..2 {
        catalogue.split_slice(crawl, created(0, 9), &parts).await.unwrap();
    }
    let slice = catalogue.next_slice(crawl).await.unwrap().unwrap();
    assert_eq!(slice.slice, parts[0]);
    let by_stars = Slice {
        stars: Some((0, 5)),
        ..parts[0]
    };
    catalogue.split_slice(crawl, parts[0], &[by_stars]).await.unwrap();
    assert_eq!(catalogue.next_slice(crawl).await.unwrap().unwrap().slice, by_stars);
    for slice in [by_stars, parts[1]] {
        catalogue
            .record_page(crawl, slice, &page(&[], AfterPage::Done, 0))
            .await
            .unwrap();
    }
    assert_eq!(catalogue.next_slice(crawl).await.unwrap(), None);
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert_eq!((report.slices_done, report.slices_open, report.stated), (2, 0, 0));
}

async fn a_page_that_is_stored_twice_counts_once(world: World) {
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    let rows = some(1..=10);
    for expected in [10, 0] {
        let stored = catalogue
            .record_page(crawl, created(0, 9), &page(&rows, next("2"), 15))
            .await
            .unwrap();
        assert_eq!(stored.new, expected);
    }
    let rows = some(6..=15);
    catalogue
        .record_page(crawl, created(0, 9), &page(&rows, AfterPage::Done, 15))
        .await
        .unwrap();
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert_eq!((report.found, report.stated, report.incomplete.len()), (15, 15, 0));
}

async fn a_slice_that_is_read_again_starts_afresh(world: World) {
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    let rows = some(1..=3);
    let broken = CrawledPage {
        incomplete: true,
        skipped: 2,
        ..page(&rows, AfterPage::Again, 3)
    };
    catalogue.record_page(crawl, created(0, 9), &broken).await.unwrap();
    let slice = catalogue.next_slice(crawl).await.unwrap().unwrap();
    assert_eq!((slice.cursor, slice.passes, slice.total), (None, 1, Some(3)));
    catalogue
        .record_page(crawl, created(0, 9), &page(&rows, AfterPage::Done, 3))
        .await
        .unwrap();
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert_eq!((report.found, report.skipped, report.incomplete.len()), (3, 0, 0));
}

async fn a_listing_that_is_over_begins_again(world: World) {
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    catalogue
        .record_page(crawl, created(0, 9), &page(&some(1..=3), AfterPage::Done, 3))
        .await
        .unwrap();
    assert_eq!(catalogue.next_slice(crawl).await.unwrap(), None);
    let again = catalogue.open_crawl(FORGE, "q", &[created(0, 99)]).await.unwrap();
    assert_eq!(again, crawl);
    let slice = catalogue.next_slice(again).await.unwrap().unwrap();
    assert_eq!((slice.slice, slice.cursor), (created(0, 99), None));
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert!(!report.done && report.found == 0, "{report:?}");
    assert_eq!(
        catalogue.hosted_counts().await.unwrap().total(),
        3,
        "what was found stays"
    );
}

async fn the_report_names_what_is_missing(world: World) {
    let catalogue = world.catalogue().await;
    let slices = [created(0, 1), created(2, 3), created(4, 5), created(6, 7)];
    let crawl = catalogue.open_crawl(FORGE, "q", &slices).await.unwrap();
    catalogue
        .record_page(crawl, slices[0], &page(&some(1..=3), AfterPage::Done, 3))
        .await
        .unwrap();
    catalogue
        .record_page(crawl, slices[1], &page(&some(4..=5), AfterPage::Done, 7))
        .await
        .unwrap();
    let skipping = CrawledPage {
        skipped: 1,
        total: None,
        ..page(&[], AfterPage::Done, 0)
    };
    catalogue.record_page(crawl, slices[2], &skipping).await.unwrap();
    catalogue
        .finish_slice(crawl, slices[3], Some(2000), true)
        .await
        .unwrap();
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert_eq!((report.found, report.stated, report.skipped), (5, 2010, 1));
    let missing = |slice: Slice, total, found, skipped| IncompleteSlice {
        slice: slice.to_string(),
        total,
        found,
        skipped,
    };
    assert_eq!(
        report.incomplete,
        [
            missing(slices[1], Some(7), 2, 0),
            missing(slices[2], None, 0, 1),
            missing(slices[3], Some(2000), 0, 0)
        ]
    );
}

async fn a_page_of_no_slice_stores_nothing(world: World) {
    let catalogue = world.catalogue().await;
    let crawl = open(&catalogue).await;
    let rows = some(1..=3);
    let error = catalogue
        .record_page(crawl, created(5, 6), &page(&rows, AfterPage::Done, 3))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(catalogue.hosted_counts().await.unwrap().total(), 0);
    let report = catalogue.crawl(FORGE, "q").await.unwrap().unwrap();
    assert_eq!((report.found, report.slices_open), (0, 1));
    for error in [
        catalogue
            .split_slice(crawl, created(5, 6), &[created(5, 5)])
            .await
            .unwrap_err(),
        catalogue
            .finish_slice(crawl, created(5, 6), None, false)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

async fn listings_are_told_apart(world: World) {
    let catalogue = world.catalogue().await;
    let mut seen = std::collections::HashSet::new();
    for (forge, query) in [("a", "q"), ("a", "Q"), ("b", "q"), ("a", "q\0'")] {
        let crawl = catalogue.open_crawl(forge, query, &[Slice::default()]).await.unwrap();
        assert!(seen.insert(crawl), "{forge} {query:?}");
        assert_eq!(catalogue.open_crawl(forge, query, &[]).await.unwrap(), crawl);
        let slice = catalogue.next_slice(crawl).await.unwrap().unwrap();
        assert_eq!(slice.slice, Slice::default());
    }
    assert_eq!(catalogue.crawl("b", "Q").await.unwrap(), None);
}
