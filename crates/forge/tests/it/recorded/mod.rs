//! Answers that GitHub gave: the 22 scenarios of `@octokit/fixtures`, each in its raw and its normalized form.
//!
//! A server on the loopback interface gives them again, with their status, headers and body; in addresses its own host
//! stands for that of GitHub.

mod answer;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codelupe_core::Slice;
use codelupe_forge::{
    Budget, Error, ErrorKind, GoneReason, HttpSettings, Known, Lister, Listing, Pace, Query, Refreshed, Site, SiteKind,
    Token,
};
use codelupe_testkit::http::{Request, Server};
use serde_json::Value;

use answer::{Answer, is_repository, replay, scenario, scenarios};

/// A lister of what `server` gives.
fn lister(server: &Server, token: Option<&str>) -> Lister {
    let site = Site::new(SiteKind::GitHub, &server.url("")).unwrap();
    let token = token.map(|token| Token::new(token, &site.api()).unwrap());
    let budget = Budget::new(&site, token.is_some(), Pace::Unspaced);
    let budget = budget.with_patience(Duration::from_secs(10));
    Lister::new(site, token, &HttpSettings::default(), budget).unwrap()
}

fn query(server: &Server, rest: &str) -> Query {
    format!("github:127.0.0.1:{}{rest}", server.port()).parse().unwrap()
}

fn known(id: u64) -> Known {
    Known {
        id,
        node_id: Some("R_1".to_owned()),
        full_name: "owner/name".to_owned(),
        etag: Some("\"another\"".to_owned()),
    }
}

/// The error that an answer is, whatever was asked for; none when it is none.
fn error(answer: &Answer) -> Option<ErrorKind> {
    match answer.status {
        200 => None,
        // Where it leads is asked again, and answers the same; or it leads to another host.
        301 | 302 | 307 => Some(ErrorKind::Redirect),
        404 => Some(ErrorKind::Gone),
        422 => Some(ErrorKind::Refused),
        _ => Some(ErrorKind::Protocol),
    }
}

fn kind<T>(outcome: Result<T, Error>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

/// What is read of a list that is the answer, or its member `items`.
fn check_list(answer: &Answer, list: Option<&Value>, page: Result<Listing, Error>) {
    let list = list.and_then(Value::as_array).filter(|_| answer.status == 200);
    match (list, page) {
        (
            Some(list),
            Ok(Listing::Page {
                repositories, skipped, ..
            }),
        ) => {
            let wanted = list.iter().filter(|entry| is_repository(entry)).count();
            assert_eq!(
                (repositories.len(), skipped),
                (wanted, (list.len() - wanted) as u64),
                "{answer:?}"
            );
        }
        (None, Err(failure)) => {
            let wanted = error(answer).unwrap_or(ErrorKind::Protocol);
            assert_eq!(failure.kind(), wanted, "{answer:?}");
        }
        (_, other) => panic!("{other:?} of {answer:?}"),
    }
}

/// What is read of one answer, whatever is asked for.
async fn check_every_way(server: &Server, answer: &Answer) {
    let (anonymous, with_token) = (lister(server, None), lister(server, Some("SECRET")));
    let wanted = match answer.repository() {
        Some(_) if answer.status == 200 => None,
        _ => error(answer).or(Some(ErrorKind::Protocol)),
    };
    let single = anonymous
        .page(&query(server, "/owner/name"), Slice::default(), None)
        .await;
    assert_eq!(kind(single), wanted, "{answer:?}");

    let owned = anonymous.page(&query(server, "/owner"), Slice::default(), None).await;
    check_list(answer, Some(&answer.body), owned);

    let search = query(server, "?q=x");
    let slice = anonymous.first_slice(&search, 1_600_000_000).unwrap();
    let found = anonymous.page(&search, slice, None).await;
    check_list(answer, answer.body.get("items"), found);

    let refreshed = anonymous.refresh(&[known(answer.repository().unwrap_or(1))]).await;
    match (refreshed, wanted) {
        (Ok(refreshed), None) => {
            let Refreshed::Changed { etag, .. } = &refreshed[0].1 else {
                panic!("{refreshed:?}")
            };
            assert_eq!(etag.as_deref(), answer.header("etag"));
        }
        (Ok(refreshed), Some(ErrorKind::Gone)) => {
            assert_eq!(refreshed[0].1, Refreshed::Gone(GoneReason::NotFound));
        }
        (refreshed, wanted) => assert_eq!(kind(refreshed), wanted, "{answer:?}"),
    }

    let nodes = with_token.refresh(&[known(1)]).await;
    assert_eq!(kind(nodes), error(answer).or(Some(ErrorKind::Protocol)), "{answer:?}");
}

#[tokio::test]
async fn every_answer_is_read_or_is_an_error_of_its_kind() {
    let current = Arc::new(Mutex::new(None));
    let server = {
        let current = Arc::clone(&current);
        replay(move |_| current.lock().unwrap().clone())
    };
    let mut kinds = BTreeSet::new();
    for answer in scenarios().concat() {
        *current.lock().unwrap() = Some(answer.clone());
        check_every_way(&server, &answer).await;
        kinds.insert(answer.status);
    }
    assert_eq!(kinds, BTreeSet::from([200, 201, 204, 205, 301, 302, 307, 404, 422]));
}

/// Every repository in a JSON, however deep.
fn repositories_in<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    if is_repository(value) {
        found.push(value);
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| repositories_in(value, found)),
        Value::Object(members) => members.values().for_each(|value| repositories_in(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_recorded_repository_is_decoded() {
    let answers = scenarios().concat();
    let mut all = Vec::new();
    for answer in &answers {
        repositories_in(&answer.body, &mut all);
    }
    assert!(all.len() >= 20, "{}", all.len());
    let mut page = answers
        .iter()
        .find(|answer| answer.target.ends_with("/hello-world"))
        .unwrap()
        .clone();
    page.body = all.iter().map(|entry| (*entry).clone()).collect();
    let server = replay(move |_| Some(page.clone()));
    let page = lister(&server, None)
        .page(&query(&server, "/owner"), Slice::default(), None)
        .await;
    let Listing::Page {
        repositories, skipped, ..
    } = page.unwrap()
    else {
        panic!("a list of an owner is one page")
    };
    assert_eq!((repositories.len(), skipped), (all.len(), 0));
    for (found, entry) in repositories.iter().zip(all) {
        assert_eq!(Some(found.id), entry["id"].as_u64());
        assert_eq!(found.node_id.as_deref(), entry["node_id"].as_str());
        assert_eq!(found.full_name, entry["full_name"]);
        assert_eq!(found.private, entry["private"]);
        assert_eq!(found.stars, entry["stargazers_count"].as_u64());
        assert_eq!(found.size_kib, entry["size"].as_u64());
        assert_eq!(found.default_branch.as_deref(), entry["default_branch"].as_str());
        assert_eq!(found.created_at.is_some(), entry["created_at"].is_string());
        let raw: Value = serde_json::from_str(&found.raw).unwrap();
        assert_eq!(raw["id"], entry["id"]);
    }
}

/// The recorded answer to this very request; the path is the one on GitHub.
fn recorded(answers: &[Answer], request: &Request) -> Option<Answer> {
    let target = request.target.strip_prefix("/api/v3")?;
    answers
        .iter()
        .find(|answer| answer.method == request.method && answer.target == target)
        .cloned()
}

#[tokio::test]
async fn a_renamed_repository_is_found_by_its_id() {
    for answers in scenario("rename-repository") {
        let moved = answers.iter().find(|answer| answer.status == 301).unwrap();
        let old = moved.target.strip_prefix("/repos").unwrap().to_owned();
        let now = answers
            .iter()
            .find(|answer| answer.target.starts_with("/repositories/"))
            .unwrap();
        let (id, name, etag) = (
            now.repository().unwrap(),
            now.body["full_name"].as_str().unwrap().to_owned(),
            now.header("etag").map(str::to_owned),
        );
        let log = answers.clone();
        let server = replay(move |request| recorded(&log, request));
        let lister = lister(&server, None);
        let page = lister
            .page(&query(&server, &old), Slice::default(), None)
            .await
            .unwrap();
        let Listing::Page { repositories, .. } = page else {
            panic!("{page:?}")
        };
        assert_eq!((repositories[0].id, &repositories[0].full_name), (id, &name));
        assert_ne!(format!("/{name}"), old);
        let asked: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.path().to_owned())
            .collect();
        assert_eq!(
            asked,
            [format!("/api/v3/repos{old}"), format!("/api/v3/repositories/{id}")]
        );

        let refreshed = lister.refresh(&[known(id)]).await.unwrap();
        let Refreshed::Changed {
            repository,
            etag: found,
        } = &refreshed[0].1
        else {
            panic!("{refreshed:?}")
        };
        assert_eq!((&repository.full_name, found), (&name, &etag));
    }
}

#[tokio::test]
async fn links_to_the_next_page_are_followed_to_the_last() {
    for answers in scenario("paginate-issues") {
        let pages: Vec<Answer> = answers
            .into_iter()
            .filter(|answer| answer.target.contains("per_page=3"))
            .collect();
        let links: Vec<String> = pages[1..].iter().map(|answer| answer.target.clone()).collect();
        let server = replay(move |request| match request.path() {
            // The list of an owner begins as that of the issues did.
            "/api/v3/users/owner/repos" => Some(pages[0].clone()),
            _ => recorded(&pages, request),
        });
        let (lister, owner) = (lister(&server, None), query(&server, "/owner"));
        let (mut cursor, mut cursors, mut skipped_in_all) = (None, Vec::new(), 0);
        loop {
            let page = lister.page(&owner, Slice::default(), cursor.as_deref()).await.unwrap();
            let Listing::Page {
                repositories,
                skipped,
                next,
                ..
            } = page
            else {
                panic!("{page:?}")
            };
            assert!(repositories.is_empty(), "an issue is no repository");
            skipped_in_all += skipped;
            cursor = next;
            match &cursor {
                Some(next) => cursors.push(next.strip_prefix(&server.url("/api/v3")).unwrap().to_owned()),
                None => break,
            }
        }
        assert_eq!(cursors, links);
        assert_eq!((cursors.len(), skipped_in_all), (4, 13));
    }
}

#[tokio::test]
async fn a_search_is_read_up_to_its_total() {
    for answers in scenario("search-issues") {
        let found = answers
            .into_iter()
            .find(|answer| answer.target.starts_with("/search/"))
            .unwrap();
        let (total, items) = (
            found.body["total_count"].as_u64(),
            found.body["items"].as_array().unwrap().len() as u64,
        );
        let server = replay(move |_| Some(found.clone()));
        let (lister, search) = (lister(&server, None), query(&server, "?q=sesame"));
        let slice = lister.first_slice(&search, 1_600_000_000).unwrap();
        let page = lister.page(&search, slice, None).await.unwrap();
        let wanted = Listing::Page {
            repositories: Vec::new(),
            skipped: items,
            total,
            incomplete: false,
            next: None,
        };
        assert_eq!(page, wanted);
    }
}
