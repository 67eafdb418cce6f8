//! Listing GitLab, Gitea and Forgejo.

use std::collections::BTreeSet;

use codelupe_core::Slice;
use codelupe_forge::{ErrorKind, GoneReason, Known, Refreshed, SiteKind};
use codelupe_testkit::forge::{Fault, ForgeServer, Hosted, Kind, generate};

use crate::listing::{Walk, lister, query, walk};

fn start(kind: Kind) -> (ForgeServer, Vec<Hosted>) {
    let all = generate(720, 60);
    (ForgeServer::start(kind, all.clone()), all)
}

fn check(walked: &Walk, all: &[Hosted], wanted: impl Fn(&Hosted) -> bool) {
    let found: BTreeSet<_> = walked.found.keys().copied().collect();
    let wanted: BTreeSet<_> = all
        .iter()
        .filter(|hosted| wanted(hosted))
        .map(|hosted| hosted.id)
        .collect();
    assert!(!wanted.is_empty());
    assert_eq!(found, wanted);
    assert_eq!(walked.twice, 0);
}

#[tokio::test]
async fn gitlab_lists_projects_groups_and_single_ones() {
    let (server, all) = start(Kind::GitLab);
    let lister = lister(&server, SiteKind::GitLab, None);
    let walk_all = async |rest: &str| walk(&lister, &query(&server, "gitlab", rest)).await;
    check(&walk_all("?q=repo").await, &all, |_| true);
    check(&walk_all("?topic=parser&topic=web").await, &all, |hosted| {
        hosted.topics.contains(&"web")
    });
    check(&walk_all("?language=rust&archived=true").await, &all, |hosted| {
        hosted.language == Some("Rust") && hosted.archived
    });
    check(&walk_all("/owner2").await, &all, |hosted| hosted.owner() == "owner2");
    check(&walk_all("/owner2/repo9").await, &all, |hosted| hosted.id == 9);
    server.edit(|world| world.fail(&[Fault::Malformed]));
    assert_eq!(walk_all("?q=repo").await.skipped, 1);
}

#[tokio::test]
async fn gitea_lists_searches_owners_and_single_ones() {
    let (server, all) = start(Kind::Gitea);
    let lister = lister(&server, SiteKind::Gitea, None);
    let walk_all = async |rest: &str| walk(&lister, &query(&server, "forgejo", rest)).await;
    check(&walk_all("?q=repo").await, &all, |_| true);
    check(&walk_all("?topic=web&archived=false").await, &all, |hosted| {
        hosted.topics.contains(&"web") && !hosted.archived
    });
    check(&walk_all("?fork=only").await, &all, |hosted| hosted.parent.is_some());
    check(&walk_all("?fork=false").await, &all, |hosted| hosted.parent.is_none());
    check(&walk_all("/owner2").await, &all, |hosted| hosted.owner() == "owner2");
    check(&walk_all("/owner2/repo9").await, &all, |hosted| hosted.id == 9);
    server.edit(|world| world.rename(9, "owner2/other"));
    check(&walk_all("/owner2/repo9").await, &all, |hosted| hosted.id == 9);
    let both = query(&server, "gitea", "?topic=web&q=x");
    assert_eq!(
        lister.page(&both, Slice::default(), None).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

fn known(id: u64, etag: Option<String>) -> Known {
    Known {
        id,
        node_id: None,
        full_name: format!("owner{}/repo{id}", id % 7),
        etag,
    }
}

#[tokio::test]
async fn both_are_refreshed_one_by_one() {
    for (kind, site, token) in [
        (Kind::GitLab, SiteKind::GitLab, None),
        (Kind::Gitea, SiteKind::Gitea, None),
        (Kind::Gitea, SiteKind::Gitea, Some("SECRET")),
    ] {
        let (server, _) = start(kind);
        server.edit(|world| {
            world.rename(1, "elsewhere/new-name");
            world.remove(2, 404);
        });
        let lister = lister(&server, site, token);
        let refreshed = lister.refresh(&[known(1, None), known(2, None)]).await.unwrap();
        let Refreshed::Changed { repository, etag } = &refreshed[0].1 else {
            panic!("{refreshed:?}")
        };
        assert_eq!(repository.full_name, "elsewhere/new-name");
        assert_eq!(refreshed[1], (2, Refreshed::Gone(GoneReason::NotFound)));
        let again = lister.refresh(&[known(1, etag.clone())]).await.unwrap();
        assert_eq!(again, [(1, Refreshed::Unchanged)]);
    }
}

#[tokio::test]
async fn a_name_that_another_repository_took_is_no_answer() {
    let (server, _) = start(Kind::Gitea);
    server.edit(|world| {
        world.rename(1, "elsewhere/new-name");
        world.rename(8, "owner1/repo1");
    });
    let anonymous = lister(&server, SiteKind::Gitea, None);
    let refreshed = anonymous.refresh(&[known(1, None)]).await.unwrap();
    assert_eq!(refreshed, [(1, Refreshed::Gone(GoneReason::NotFound))]);
    let signed_in = lister(&server, SiteKind::Gitea, Some("SECRET"));
    let refreshed = signed_in.refresh(&[known(1, None)]).await.unwrap();
    assert!(matches!(refreshed[0].1, Refreshed::Changed { .. }));
}
