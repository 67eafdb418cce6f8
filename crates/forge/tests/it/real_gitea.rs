//! A real Gitea: what it lists, what of it is fetched, and what becomes of repositories that are renamed and deleted.

use std::collections::BTreeSet;
use std::path::Path;

use codelupe_core::Slice;
use codelupe_forge::{
    Budget, ErrorKind, FetchSettings, Fetched, Fetcher, GoneReason, HttpSettings, Known, Limits, Lister, Pace, Query,
    Refreshed, Remote, Site, SiteKind, Snapshot, Token,
};
use codelupe_testkit::gitea::{ADMIN, Gitea};
use serde_json::{Value, json};

use crate::fixture::{git, read_all};
use crate::listing::walk;

/// More than one page of 50.
const COUNT: u64 = 60;

/// A Gitea with an organization of [`COUNT`] repositories, every tenth archived, every third with a topic; a fork, and one
/// that is private.
fn seeded() -> Gitea {
    let gitea = Gitea::start(Path::new(env!("CARGO_TARGET_TMPDIR")));
    gitea.call("POST", "orgs", &json!({"username": "many"}));
    for number in 0..COUNT {
        let name = format!("repo{number}");
        gitea.call(
            "POST",
            "orgs/many/repos",
            &json!({"name": name, "description": "d", "auto_init": number == 0}),
        );
        if number % 3 == 0 {
            gitea.call(
                "PUT",
                &format!("repos/many/{name}/topics"),
                &json!({"topics": ["parser"]}),
            );
        }
        if number % 10 == 1 {
            gitea.call("PATCH", &format!("repos/many/{name}"), &json!({"archived": true}));
        }
    }
    let content = json!({"content": "Zm4gbWFpbigpIHt9Cg==", "message": "m"});
    gitea.call("POST", "repos/many/repo0/contents/src/main.rs", &content);
    gitea.call("POST", "repos/many/repo0/forks", &json!({}));
    gitea.call(
        "POST",
        "user/repos",
        &json!({"name": "secret", "private": true, "auto_init": true}),
    );
    gitea
}

fn lister(gitea: &Gitea, token: Option<&str>) -> Lister {
    let site = Site::new(SiteKind::Gitea, &gitea.url()).unwrap();
    let token = token.map(|token| Token::new(token, &site.api()).unwrap());
    let budget = Budget::new(&site, token.is_some(), Pace::Unspaced);
    Lister::new(site, token, &HttpSettings::default(), budget).unwrap()
}

fn query(lister: &Lister, rest: &str) -> Query {
    format!("forgejo:{}{rest}", lister.site().host()).parse().unwrap()
}

/// The names that a whole listing finds, none of them twice.
async fn names(lister: &Lister, rest: &str) -> BTreeSet<String> {
    let walked = walk(lister, &query(lister, rest)).await;
    assert_eq!((walked.twice, walked.skipped, walked.short.len()), (0, 0, 0), "{rest}");
    walked.found.into_values().map(|found| found.full_name).collect()
}

fn many(wanted: impl Fn(u64) -> bool) -> BTreeSet<String> {
    (0..COUNT)
        .filter(|number| wanted(*number))
        .map(|number| format!("many/repo{number}"))
        .collect()
}

fn fork() -> String {
    format!("{ADMIN}/repo0")
}

#[test]
fn a_real_gitea_is_listed_fetched_and_refreshed() {
    let gitea = seeded();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lister = lister(&gitea, None);
    runtime.block_on(searches(&lister));
    runtime.block_on(owners(&gitea, &lister));
    let fetcher = fetcher(&gitea, &runtime);
    fetched(&gitea, &fetcher);
    runtime.block_on(renamed_and_deleted(&gitea, &lister));
    renamed_is_fetched(&gitea, &fetcher);
}

async fn searches(lister: &Lister) {
    let with_fork = |mut names: BTreeSet<String>| {
        names.insert(fork());
        names
    };
    assert_eq!(names(lister, "?q=repo").await, with_fork(many(|_| true)));
    assert_eq!(
        names(lister, "?archived=false").await,
        with_fork(many(|number| number % 10 != 1))
    );
    assert_eq!(names(lister, "?archived=true").await, many(|number| number % 10 == 1));
    assert_eq!(names(lister, "?topic=parser").await, many(|number| number % 3 == 0));
    assert_eq!(names(lister, "?fork=only").await, BTreeSet::from([fork()]));
    assert_eq!(names(lister, "?fork=false").await, many(|_| true));
}

async fn owners(gitea: &Gitea, anonymous: &Lister) {
    assert_eq!(names(anonymous, "/many").await, many(|_| true));
    assert_eq!(names(anonymous, &format!("/{ADMIN}")).await, BTreeSet::from([fork()]));
    let walked = walk(anonymous, &query(anonymous, "/many/repo0")).await;
    let found = walked.found.into_values().next().unwrap();
    assert_eq!(found.description.as_deref(), Some("d"));
    assert_eq!(found.topics, ["parser"]);
    assert_eq!((found.forks, found.default_branch.as_deref()), (Some(1), Some("main")));
    assert_eq!(found.clone_url, format!("{}/many/repo0.git", gitea.url()));
    assert!(found.created_at.is_some() && found.updated_at.is_some() && !found.empty && !found.private);
    let walked = walk(anonymous, &query(anonymous, &format!("/{}", fork()))).await;
    let copy = walked.found.into_values().next().unwrap();
    assert_eq!((copy.fork, copy.parent), (true, Some(found.id)));
    let walked = walk(anonymous, &query(anonymous, "/many/repo1")).await;
    let archived = walked.found.into_values().next().unwrap();
    assert!(archived.archived && archived.empty);

    // With a token a search is for what is public all the same; a list of an owner says what is not.
    let known = lister(gitea, Some(gitea.token()));
    assert_eq!(names(&known, "?q=secret").await, BTreeSet::new());
    let walked = walk(&known, &query(&known, &format!("/{ADMIN}"))).await;
    let private: Vec<_> = walked
        .found
        .values()
        .filter(|found| found.private)
        .map(|found| &*found.full_name)
        .collect();
    assert_eq!(private, [format!("{ADMIN}/secret")]);
}

fn fetcher(gitea: &Gitea, runtime: &tokio::runtime::Runtime) -> Fetcher {
    let site = Site::new(SiteKind::Gitea, &gitea.url()).unwrap();
    let token = Token::new(gitea.token(), &site.api()).unwrap();
    Fetcher::new(
        &HttpSettings::default(),
        &FetchSettings::default(),
        vec![token],
        std::env::temp_dir(),
        runtime.handle().clone(),
    )
    .unwrap()
}

fn fetch(fetcher: &Fetcher, gitea: &Gitea, name: &str) -> Box<dyn Snapshot> {
    let remote = Remote::at(&format!("{}/{name}.git", gitea.url())).unwrap();
    match fetcher.fetch(&remote, &Limits::default(), None, None).unwrap() {
        Fetched::Snapshot(snapshot) => snapshot,
        Fetched::Unchanged => panic!("nothing was known"),
    }
}

/// Paths and contents as git itself gives them.
fn truth(gitea: &Gitea, name: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let folder = gitea.git_folder(name);
    let listing = String::from_utf8(git(&folder, &["ls-tree", "-r", "--name-only", "HEAD"])).unwrap();
    let mut files: Vec<_> = listing
        .lines()
        .map(|path| {
            (
                path.as_bytes().to_vec(),
                git(&folder, &["show", &format!("HEAD:{path}")]),
            )
        })
        .collect();
    files.sort();
    files
}

/// Public, private with the token, and one that has nothing.
fn fetched(gitea: &Gitea, fetcher: &Fetcher) {
    for name in ["many/repo0".to_owned(), format!("{ADMIN}/secret")] {
        let mut snapshot = fetch(fetcher, gitea, &name);
        let mut files = read_all(snapshot.as_mut());
        files.sort();
        assert_eq!(files, truth(gitea, &name), "{name}");
        assert!(!files.is_empty());
    }
    assert!(fetch(fetcher, gitea, "many/repo2").entries().is_empty());
}

fn known(found: &Value) -> Known {
    Known {
        id: found["id"].as_u64().unwrap(),
        node_id: None,
        full_name: found["full_name"].as_str().unwrap().to_owned(),
        etag: None,
    }
}

async fn renamed_and_deleted(gitea: &Gitea, lister: &Lister) {
    let wanted: Vec<Known> = ["repo0", "repo3", "repo4", "repo5"]
        .iter()
        .map(|name| known(&gitea.call("GET", &format!("repos/many/{name}"), &Value::Null)))
        .collect();
    gitea.call("PATCH", "repos/many/repo0", &json!({"name": "renamed"}));
    gitea.call("DELETE", "repos/many/repo3", &Value::Null);
    gitea.call("PATCH", "repos/many/repo4", &json!({"private": true}));
    let refreshed = lister.refresh(&wanted).await.unwrap();
    let mut found = wanted.iter().map(|known| {
        let (_, found) = refreshed.iter().find(|(id, _)| *id == known.id).unwrap();
        found
    });
    let Some(Refreshed::Changed { repository, .. }) = found.next() else {
        panic!("{refreshed:?}")
    };
    assert_eq!(repository.full_name, "many/renamed");
    assert_eq!(found.next(), Some(&Refreshed::Gone(GoneReason::NotFound)));
    assert_eq!(found.next(), Some(&Refreshed::Gone(GoneReason::NotFound)));
    assert!(matches!(found.next(), Some(Refreshed::Changed { .. })));

    let signed_in = self::lister(gitea, Some(gitea.token()));
    let refreshed = signed_in.refresh(&wanted[2..3]).await.unwrap();
    let Refreshed::Changed { repository, .. } = &refreshed[0].1 else {
        panic!("{refreshed:?}")
    };
    assert!(repository.private);

    assert_eq!(
        names(lister, "/many/repo0").await,
        BTreeSet::from(["many/renamed".to_owned()])
    );
    let gone = lister
        .page(&query(lister, "/many/repo3"), Slice::default(), None)
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Gone);
}

/// The old address leads to the new one.
fn renamed_is_fetched(gitea: &Gitea, fetcher: &Fetcher) {
    let mut snapshot = fetch(fetcher, gitea, "many/repo0");
    let mut files = read_all(snapshot.as_mut());
    files.sort();
    assert_eq!(files, truth(gitea, "many/renamed"));
}
