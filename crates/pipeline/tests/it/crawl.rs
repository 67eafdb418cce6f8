//! The crawl stage against a forge that behaves as badly as real ones do: it lists only so many, forgets, renames, shifts
//! pages, breaks off.

mod forge;
mod refresh;
mod select;

use std::collections::BTreeSet;

use codelupe_catalogue::{Catalogue, CatalogueUrl, HostedFilter, Migrate};
use codelupe_core::error::ErrorCode;
use codelupe_pipeline::crawl::{CrawlOptions, Crawled, Listing, crawl};
use codelupe_worker::Progress;
use tempfile::TempDir;

use forge::{Forge, Trouble};

struct World {
    url: CatalogueUrl,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = CatalogueUrl::Sqlite(folder.path().join("catalogue.sqlite"));
        Self { url, _folder: folder }
    }

    async fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.url, Migrate::Refused).await.unwrap()
    }
}

async fn run(catalogue: &Catalogue, forge: &Forge) -> Crawled {
    crawl(catalogue, &[forge], CrawlOptions::default(), &Progress::default())
        .await
        .unwrap()
}

async fn ids(catalogue: &Catalogue) -> BTreeSet<u64> {
    let filter = HostedFilter {
        limit: 1_000_000,
        ..HostedFilter::default()
    };
    let rows = catalogue.hosted_repositories(&filter).await.unwrap();
    rows.into_iter().map(|row| row.repository.id).collect()
}

/// The crawl is over, and everything that the forge stated was found.
fn assert_whole(crawled: &Crawled, forge: &Forge) {
    let report = &crawled.reports[0];
    assert!(report.done, "{report:?}");
    assert_eq!(report.incomplete, []);
    assert_eq!((report.found, report.stated), (forge.len(), forge.len()));
}

#[tokio::test]
async fn what_is_found_is_what_there_is() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    // A cap of 50 for 1,000, of which 200 were made in one second.
    let forge = Forge::new(1000).crowded(200);
    let crawled = run(&catalogue, &forge).await;
    assert_whole(&crawled, &forge);
    assert_eq!(ids(&catalogue).await, forge.ids());
    assert_eq!((crawled.upserted.new, crawled.listed), (1000, 1000));
    assert_eq!(crawled.requests, forge.asked());

    let again = run(&catalogue, &forge).await;
    assert_whole(&again, &forge);
    assert_eq!((again.upserted.unchanged, again.upserted.new), (1000, 0));
}

#[tokio::test]
async fn a_crawl_that_is_cut_off_loses_and_repeats_nothing() {
    let whole = {
        let world = World::new();
        let forge = Forge::new(300);
        run(&world.catalogue().await, &forge).await;
        forge.asked()
    };
    for every in [1, 2, 3, 7, 20] {
        let world = World::new();
        let forge = Forge::new(300);
        let mut rounds = 0;
        loop {
            let catalogue = world.catalogue().await;
            // The forge hangs at the request after those, and the crawl is dropped there.
            forge.hang_after(every);
            let (listings, progress): ([&dyn Listing; 1], _) = ([&forge], Progress::default());
            let crawling = crawl(&catalogue, &listings, CrawlOptions::default(), &progress);
            let done = tokio::select! {
                crawled = crawling => Some(crawled.unwrap()),
                () = forge.hung() => None,
            };
            catalogue.close().await;
            if let Some(crawled) = done {
                assert_whole(&crawled, &forge);
                break;
            }
            rounds += 1;
            assert!(rounds <= whole, "no progress with {every}");
        }
        assert_eq!(ids(&world.catalogue().await).await, forge.ids(), "every {every}");
        // The answers that never came are the only ones that were asked for again.
        assert_eq!(forge.asked() - rounds, whole, "every {every}");
    }
}

#[tokio::test]
async fn a_limit_leaves_the_crawl_open() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(100);
    let options = CrawlOptions {
        limit: Some(15),
        ..CrawlOptions::default()
    };
    let progress = Progress::default();
    let crawled = crawl(&catalogue, &[&forge], options, &progress).await.unwrap();
    assert!((15..25).contains(&crawled.listed), "{crawled:?}");
    assert!(!crawled.reports[0].done);
    let rest = run(&catalogue, &forge).await;
    assert_whole(&rest, &forge);
    assert_eq!(rest.listed + crawled.listed, 100);
}

#[tokio::test]
async fn a_lower_bound_is_a_crawl_of_its_own() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(100);
    let options = CrawlOptions {
        since: Some(forge.created(90)),
        ..CrawlOptions::default()
    };
    let crawled = crawl(&catalogue, &[&forge], options, &Progress::default())
        .await
        .unwrap();
    assert_eq!(crawled.upserted.new, 11);
    assert_whole(&run(&catalogue, &forge).await, &forge);
}

#[tokio::test]
async fn what_cannot_be_cut_is_said_to_lack_something() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(80).crowded(60).all_with_stars(7);
    let crawled = run(&catalogue, &forge).await;
    let report = &crawled.reports[0];
    assert!(report.done, "{report:?}");
    let [lacking] = report.incomplete.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((lacking.total, lacking.found), (Some(60), 0));
    assert_eq!((report.found, report.stated), (20, 80));
}

#[tokio::test]
async fn answers_that_may_get_better_are_asked_for_again() {
    for (trouble, times, lacks) in [
        (Trouble::Fails(ErrorCode::Network), 2, false),
        (Trouble::Incomplete, 2, false),
        (Trouble::Incomplete, 4, true),
        (Trouble::SkipsOne, 1, true),
    ] {
        let world = World::new();
        let catalogue = world.catalogue().await;
        let forge = Forge::new(10).in_trouble(trouble, times);
        let crawled = run(&catalogue, &forge).await;
        let report = &crawled.reports[0];
        assert!(report.done, "{trouble:?}");
        assert_eq!(
            report.incomplete.len(),
            usize::from(lacks),
            "{trouble:?} {times}: {report:?}"
        );
        assert_eq!(report.skipped, u64::from(matches!(trouble, Trouble::SkipsOne)));
    }
}

#[tokio::test]
async fn an_answer_that_is_wrong_for_good_is_an_error_and_the_crawl_stays_open() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(60).in_trouble(Trouble::Fails(ErrorCode::Auth), 1);
    let progress = Progress::default();
    let error = crawl(&catalogue, &[&forge], CrawlOptions::default(), &progress)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Auth, "{error}");
    assert_whole(&run(&catalogue, &forge).await, &forge);
}

#[tokio::test]
async fn pages_that_shift_are_read_again_once() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    // One goes while its slice is walked: what was on the next page moves onto the one that was read.
    let forge = Forge::new(40).losing_one_after(2);
    let crawled = run(&catalogue, &forge).await;
    let found = ids(&catalogue).await;
    assert!(forge.ids().is_subset(&found), "{:?}", forge.ids().difference(&found));
    assert!(crawled.reports[0].done);
    assert_eq!(crawled.reports[0].incomplete, []);
}

#[tokio::test]
async fn a_list_that_goes_round_ends() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(40).in_trouble(Trouble::GoesRound, u64::MAX);
    let error = crawl(&catalogue, &[&forge], CrawlOptions::default(), &Progress::default()).await;
    assert!(error.unwrap_err().to_string().contains("circle"));
}

#[tokio::test]
async fn a_stop_is_heard() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let (forge, progress) = (Forge::new(40), Progress::default());
    progress.stop();
    let error = crawl(&catalogue, &[&forge], CrawlOptions::default(), &progress)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Canceled);
    assert_eq!(forge.asked(), 0);
}

#[tokio::test]
async fn a_stop_is_heard_while_the_forge_waits() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let (forge, progress) = (Forge::new(40), Progress::default());
    forge.hang_after(1);
    let (listings, options): ([&dyn Listing; 1], _) = ([&forge], CrawlOptions::default());
    let stop = async {
        forge.hung().await;
        progress.stop();
    };
    let (crawled, ()) = tokio::join!(crawl(&catalogue, &listings, options, &progress), stop);
    assert_eq!(crawled.unwrap_err().code(), ErrorCode::Canceled);
    assert_eq!(ids(&catalogue).await.len(), 10, "what was listed is kept");
}
