//! Listing a forge that does not behave.

use std::time::Duration;

use codelupe_core::Slice;
use codelupe_forge::{ErrorKind, Known, Listing, SiteKind};
use codelupe_testkit::forge::{Fault, ForgeServer, Kind, generate};

use crate::listing::{NOW, github, lister, query, walk};

#[tokio::test]
async fn every_failure_has_its_kind() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    let search = query(&server, "github", "?q=repo");
    for (fault, kind) in [
        (Fault::Secondary, ErrorKind::RateLimited),
        (Fault::RetryAfter(90), ErrorKind::RateLimited),
        (Fault::Status(429), ErrorKind::RateLimited),
        (Fault::Status(500), ErrorKind::Server),
        (Fault::Status(502), ErrorKind::Server),
        (Fault::Status(401), ErrorKind::Auth),
        (Fault::Status(404), ErrorKind::Gone),
        (Fault::Status(422), ErrorKind::Refused),
        (Fault::Status(451), ErrorKind::TakenDown),
        (Fault::Html, ErrorKind::Protocol),
        (Fault::Truncated, ErrorKind::Protocol),
    ] {
        // A new identity each time: a limit holds the old one back.
        let lister = github(&server);
        let slice = lister.first_slice(&search, NOW).unwrap();
        server.edit(|world| world.fail(&[fault]));
        let error = lister.page(&search, slice, None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn after_a_limit_nothing_is_asked() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    let lister = github(&server);
    let search = query(&server, "github", "?q=repo");
    let slice = lister.first_slice(&search, NOW).unwrap();
    server.edit(|world| world.fail(&[Fault::RetryAfter(90)]));
    let limited = lister.page(&search, slice, None).await.unwrap_err();
    assert_eq!(limited.retry_after(), Some(Duration::from_secs(90)));
    let owner = query(&server, "github", "/owner1");
    let held = lister.page(&owner, Slice::default(), None).await.unwrap_err();
    assert_eq!(held.kind(), ErrorKind::RateLimited);
    assert!(held.retry_after().unwrap() > Duration::from_secs(30));
    assert_eq!(server.take_requests().len(), 1);
}

#[tokio::test]
async fn a_short_limit_is_waited_for() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    let lister = github(&server);
    let search = query(&server, "github", "?q=repo");
    let slice = lister.first_slice(&search, NOW).unwrap();
    server.edit(|world| world.fail(&[Fault::RetryAfter(1)]));
    assert!(lister.page(&search, slice, None).await.is_err());
    assert!(lister.page(&search, slice, None).await.is_ok());
    let requests = server.take_requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn graphql_reports_a_limit_with_status_200() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    let lister = lister(&server, SiteKind::GitHub, Some("SECRET"));
    server.edit(|world| world.fail(&[Fault::GraphqlLimited]));
    let known = Known {
        id: 1,
        node_id: Some("R_00000001".to_owned()),
        full_name: "owner1/repo1".to_owned(),
        etag: None,
    };
    let error = lister.refresh(&[known]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(!format!("{error:?}").contains("SECRET"));
}

#[tokio::test]
async fn broken_entries_are_skipped_and_counted() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    server.edit(|world| world.fail(&[Fault::Malformed]));
    let walked = walk(&github(&server), &query(&server, "github", "?q=repo")).await;
    assert_eq!((walked.found.len(), walked.skipped), (10, 2));
}

#[tokio::test]
async fn incomplete_results_are_reported() {
    let server = ForgeServer::start(Kind::GitHub, generate(10, 60));
    server.edit(|world| world.fail(&[Fault::Incomplete]));
    let walked = walk(&github(&server), &query(&server, "github", "?q=repo")).await;
    assert_eq!((walked.found.len(), walked.incomplete.len()), (10, 1));
}

#[tokio::test]
async fn links_lead_neither_elsewhere_nor_around() {
    let server = ForgeServer::start(Kind::GitHub, generate(1500, 60));
    let owner = query(&server, "github", "/owner1");
    for fault in [Fault::ForeignLink, Fault::LoopedLink] {
        server.edit(|world| world.fail(&[fault]));
        let page = github(&server).page(&owner, Slice::default(), None).await.unwrap();
        assert!(matches!(&page, Listing::Page { next: None, .. }), "{fault:?}");
    }
    for cursor in [
        "http://127.0.0.1:9/api/v3/users/x/repos?page=2",
        "2",
        "file:///etc/passwd",
    ] {
        let error = github(&server)
            .page(&owner, Slice::default(), Some(cursor))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{cursor}");
    }
    let search = query(&server, "github", "?q=repo");
    for cursor in ["1", "11", "-2", "x", ""] {
        let error = github(&server)
            .page(&search, Slice::default(), Some(cursor))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{cursor}");
    }
}
