//! Listing a forge that behaves: every repository, each once, within the limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codelupe_core::{HostedRepository, Slice};
use codelupe_forge::{
    Budget, ErrorKind, GoneReason, HttpSettings, Known, Lister, Listing, Pace, Query, Refreshed, Site, SiteKind, Token,
};
use codelupe_testkit::forge::{ForgeServer, Hosted, Kind, Limit, generate};

/// 2026-01-01.
pub(crate) const NOW: i64 = 1_767_225_600;

pub(crate) fn lister(server: &ForgeServer, kind: SiteKind, token: Option<&str>) -> Lister {
    let site = Site::new(kind, server.url()).unwrap();
    let token = token.map(|token| Token::new(token, &site.api()).unwrap());
    let budget = Budget::new(&site, token.is_some(), Pace::Unspaced).with_patience(Duration::from_secs(10));
    Lister::new(site, token, &HttpSettings::default(), budget).unwrap()
}

pub(crate) fn github(server: &ForgeServer) -> Lister {
    lister(server, SiteKind::GitHub, None)
}

pub(crate) fn query(server: &ForgeServer, kind: &str, rest: &str) -> Query {
    format!("{kind}:{}{rest}", server.host()).parse().unwrap()
}

/// What a whole walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) found: BTreeMap<u64, HostedRepository>,
    pub(crate) twice: u64,
    pub(crate) skipped: u64,
    /// Slices that the forge called incomplete, once for every page.
    pub(crate) incomplete: Vec<Slice>,
    /// Slices with fewer repositories than their total.
    pub(crate) short: Vec<Slice>,
    pub(crate) pages: u64,
}

/// Lists everything, cutting what is too full.
pub(crate) async fn walk(lister: &Lister, query: &Query) -> Walk {
    let mut walk = Walk::default();
    walk_from(lister, query, lister.first_slice(query, NOW).unwrap(), &mut walk).await;
    walk
}

async fn walk_from(lister: &Lister, query: &Query, slice: Slice, walk: &mut Walk) {
    let mut open = vec![slice];
    while let Some(slice) = open.pop() {
        let (mut cursor, mut seen) = (None::<String>, BTreeSet::new());
        loop {
            walk.pages += 1;
            assert!(walk.pages < 2000, "it does not end");
            let page = lister.page(query, slice, cursor.as_deref()).await.unwrap();
            let Listing::Page {
                repositories,
                skipped,
                total,
                incomplete,
                next,
            } = page
            else {
                open.extend(slice.halves().unwrap());
                break;
            };
            walk.skipped += skipped;
            walk.incomplete.extend(incomplete.then_some(slice));
            seen.extend(repositories.iter().map(|repository| repository.id));
            for repository in repositories {
                walk.twice += u64::from(walk.found.insert(repository.id, repository).is_some());
            }
            if next.is_none() {
                walk.short
                    .extend(total.is_some_and(|total| (seen.len() as u64) < total).then_some(slice));
                break;
            }
            cursor = next;
        }
    }
}

fn ids(hosted: &[Hosted], wanted: impl Fn(&Hosted) -> bool) -> BTreeSet<u64> {
    hosted
        .iter()
        .filter(|hosted| wanted(hosted))
        .map(|hosted| hosted.id)
        .collect()
}

fn keys(walk: &Walk) -> BTreeSet<u64> {
    walk.found.keys().copied().collect()
}

#[tokio::test]
async fn a_search_finds_more_than_the_forge_lists_at_once_and_each_once() {
    let all = generate(3500, 3600);
    let server = ForgeServer::start(Kind::GitHub, all.clone());
    let lister = github(&server);
    let walked = walk(&lister, &query(&server, "github", "?q=repo")).await;
    assert_eq!(keys(&walked), ids(&all, |_| true));
    assert_eq!((walked.twice, walked.skipped, walked.incomplete.len()), (0, 0, 0));

    let walked = walk(
        &lister,
        &query(&server, "github", "?language=Jupyter Notebook&stars=>50&fork=false"),
    )
    .await;
    let wanted =
        |hosted: &Hosted| hosted.language == Some("Jupyter Notebook") && hosted.stars > 50 && hosted.parent.is_none();
    assert_eq!(keys(&walked), ids(&all, wanted));
    assert!(!walked.found.is_empty());
}

#[tokio::test]
async fn a_second_that_is_too_full_is_cut_by_stars() {
    let mut all = generate(1500, 0);
    for hosted in &mut all {
        hosted.stars = hosted.id;
    }
    let server = ForgeServer::start(Kind::GitHub, all.clone());
    let walked = walk(&github(&server), &query(&server, "github", "?q=repo")).await;
    assert_eq!(keys(&walked), ids(&all, |_| true));
    assert_eq!((walked.twice, walked.incomplete.len()), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_cut_is_listed_as_far_as_it_goes_and_called_incomplete() {
    let mut all = generate(1100, 0);
    for hosted in &mut all {
        hosted.stars = 3;
    }
    let server = ForgeServer::start(Kind::GitHub, all);
    let walked = walk(&github(&server), &query(&server, "github", "?stars=3")).await;
    assert_eq!(walked.found.len(), 1000);
    assert_eq!(walked.incomplete.len(), 10, "every page says so");
}

#[tokio::test]
async fn what_is_made_meanwhile_does_not_disturb() {
    let all = generate(1800, 3600);
    let server = ForgeServer::start(Kind::GitHub, all.clone());
    server.edit(|world| {
        world.drift = Some(|world| {
            let id = world.repositories.len() as u64 + 1;
            let mut new = generate(id, 0).pop().unwrap();
            new.created = NOW + 10;
            world.repositories.insert(id, new);
        });
    });
    let walked = walk(&github(&server), &query(&server, "github", "?q=repo")).await;
    assert_eq!(keys(&walked), ids(&all, |_| true));
    assert!(walked.short.is_empty());
}

#[tokio::test]
async fn what_moves_to_another_page_is_missed_only_where_the_total_tells() {
    let all = generate(1800, 3600);
    let server = ForgeServer::start(Kind::GitHub, all.clone());
    // After every answer the last one gets the most stars: it was on a page to come, and is now on the first.
    server.edit(|world| {
        world.drift = Some(|world| {
            let least = world
                .repositories
                .values()
                .min_by_key(|hosted| hosted.stars)
                .unwrap()
                .id;
            let most = world.repositories.values().map(|hosted| hosted.stars).max().unwrap();
            world.repositories.get_mut(&least).unwrap().stars = most + 1;
        });
    });
    let lister = github(&server);
    let search = query(&server, "github", "?q=repo");
    let mut walked = walk(&lister, &search).await;
    assert!(walked.found.len() < all.len() && !walked.short.is_empty());
    server.edit(|world| world.drift = None);
    for slice in std::mem::take(&mut walked.short) {
        walk_from(&lister, &search, slice, &mut walked).await;
    }
    assert_eq!(keys(&walked), ids(&all, |_| true));
    assert!(walked.short.is_empty());
}

#[tokio::test]
async fn requests_are_as_the_forge_asks_for() {
    let server = ForgeServer::start(Kind::GitHub, generate(120, 60));
    let lister = lister(&server, SiteKind::GitHub, Some("SECRET"));
    walk(&lister, &query(&server, "github", "?topic=parser")).await;
    walk(&lister, &query(&server, "github", "/owner1")).await;
    let requests = server.take_requests();
    assert!(requests.len() >= 2);
    for request in requests {
        assert_eq!(
            request.headers["accept"],
            "application/vnd.github+json, application/json;q=0.9"
        );
        assert_eq!(request.headers["x-github-api-version"], "2022-11-28");
        assert_eq!(request.headers["authorization"], "Bearer SECRET");
        assert!(request.headers["user-agent"].starts_with("codelupe/"));
        assert_eq!(request.query["per_page"], "100");
    }
}

#[tokio::test]
async fn owners_and_single_repositories() {
    let all = generate(1500, 60);
    let server = ForgeServer::start(Kind::GitHub, all.clone());
    let lister = github(&server);
    let walked = walk(&lister, &query(&server, "github", "/owner3")).await;
    assert_eq!(keys(&walked), ids(&all, |hosted| hosted.owner() == "owner3"));
    assert_eq!(walked.pages, 3);

    let walked = walk(&lister, &query(&server, "github", "/owner3/repo10")).await;
    let found = &walked.found[&10];
    assert_eq!(
        (found.forge.as_str(), found.parent, found.watchers),
        (server.host().as_str(), Some(1), Some(3))
    );
    assert_eq!(found.clone_url, format!("{}/owner3/repo10.git", server.url()));

    server.edit(|world| world.rename(10, "elsewhere/new-name"));
    let walked = walk(&lister, &query(&server, "github", "/owner3/repo10")).await;
    assert_eq!(walked.found[&10].full_name, "elsewhere/new-name");

    let missing = query(&server, "github", "/owner3/none");
    let gone = lister.page(&missing, Slice::default(), None).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Gone);
}

fn known(id: u64, etag: Option<String>) -> Known {
    Known {
        id,
        node_id: Some(format!("R_{id:08x}")),
        full_name: format!("owner{}/repo{id}", id % 7),
        etag,
    }
}

#[tokio::test]
async fn known_repositories_are_refreshed_by_id_a_hundred_at_a_time() {
    let server = ForgeServer::start(Kind::GitHub, generate(250, 60));
    server.edit(|world| {
        world.rename(5, "elsewhere/new-name");
        world.remove(6, 404);
        world.remove(7, 451);
        world.remove(8, 403);
    });
    let lister = lister(&server, SiteKind::GitHub, Some("SECRET"));
    let wanted: Vec<_> = (1..=250).map(|id| known(id, None)).collect();
    let refreshed: BTreeMap<_, _> = lister.refresh(&wanted).await.unwrap().into_iter().collect();
    assert_eq!(refreshed.len(), 250);
    let Refreshed::Changed { repository, .. } = &refreshed[&5] else {
        panic!("{:?}", refreshed[&5])
    };
    assert_eq!(repository.full_name, "elsewhere/new-name");
    assert_eq!(repository.languages, BTreeMap::from([("Go".to_owned(), 1000)]));
    assert_eq!(refreshed[&6], Refreshed::Gone(GoneReason::NotFound));
    assert_eq!(refreshed[&7], Refreshed::Gone(GoneReason::Dmca));
    assert_eq!(refreshed[&8], Refreshed::Gone(GoneReason::Blocked));
    assert_eq!(
        server.take_requests().len(),
        3 + 3,
        "three batches, and three that are not among them"
    );
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    let lister = github(&server);
    let first = lister.refresh(&[known(3, None)]).await.unwrap();
    let Refreshed::Changed { etag, .. } = &first[0].1 else {
        panic!("{first:?}")
    };
    assert!(etag.is_some());
    let again = lister.refresh(&[known(3, etag.clone())]).await.unwrap();
    assert_eq!(again, [(3, Refreshed::Unchanged)]);
    server.edit(|world| world.repositories.get_mut(&3).unwrap().stars += 1);
    let changed = lister.refresh(&[known(3, etag.clone())]).await.unwrap();
    assert!(matches!(changed[0].1, Refreshed::Changed { .. }));
}

#[tokio::test]
async fn limits_that_the_forge_states_are_kept() {
    let server = ForgeServer::start(Kind::GitHub, generate(900, 60));
    server.edit(|world| {
        let window = Duration::from_secs(2);
        world.limit("search", Limit { requests: 5, window });
    });
    let walked = walk(&github(&server), &query(&server, "github", "?q=repo")).await;
    assert_eq!((walked.found.len(), walked.pages), (900, 9));
    assert_eq!(server.edit(|world| world.limits.refused()), 0);
}

#[tokio::test]
async fn an_estimate_costs_one_request() {
    let server = ForgeServer::start(Kind::GitHub, generate(2000, 60));
    let estimate = github(&server)
        .estimate(&query(&server, "github", "?q=repo"), NOW)
        .await
        .unwrap();
    assert_eq!((estimate.repositories, estimate.requests), (Some(2000), Some(20)));
    assert_eq!(server.take_requests().len(), 1);
}

#[tokio::test]
async fn a_query_for_another_forge_is_refused_before_it_is_sent() {
    let server = ForgeServer::start(Kind::GitHub, generate(1, 60));
    let lister = github(&server);
    for text in ["github:a/b", "gitlab:127.0.0.1:1/a/b"] {
        let error = lister
            .page(&text.parse().unwrap(), Slice::default(), None)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert!(server.take_requests().is_empty());
}
