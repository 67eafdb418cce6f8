//! Of a repository of which much is known, only the rest is fetched.

use std::io::Read;

use codelupe_forge::{Entry, Fetched, Limits, Remote, Snapshot};
use codelupe_testkit::git_http;
use codelupe_testkit::http::{Request, Server, respond};

use crate::fetching::fetcher;
use crate::fixture::{Bare, git, git_word, listing, open_path, read};

/// Twenty files; the first is the largest.
fn repository() -> Bare {
    let bare = Bare::new();
    let blobs: Vec<String> = (0..20)
        .map(|n| bare.blob(format!("fn f{n}() {{}}\n").repeat(200 / (n + 1)).as_bytes()))
        .collect();
    let names: Vec<String> = (0..20).map(|n| format!("f{n:02}.rs")).collect();
    let entries: Vec<(&str, &[u8], &str)> = names
        .iter()
        .zip(&blobs)
        .map(|(name, blob)| ("100644", name.as_bytes(), blob.as_str()))
        .collect();
    let tree = bare.tree(&entries);
    let commit = bare.commit(&tree);
    git(bare.path(), &["update-ref", "HEAD", &commit]);
    bare
}

/// How a server takes a request.
type Manner = fn(&Request) -> Option<&'static [u8]>;

/// Git's own server, but for requests that `manner` answers itself.
fn serve(bare: &Bare, manner: Manner) -> (Server, Remote) {
    let folder = bare.path().parent().unwrap().to_owned();
    let server = Server::start(move |request, stream| match manner(request) {
        Some(answer) => respond(stream, 200, &[], answer),
        None => git_http::ask(&folder, request, |mut answer| {
            let mut body = Vec::new();
            answer.body.read_to_end(&mut body)?;
            respond(stream, answer.status, &[], &body)
        }),
    });
    let name = bare.path().file_name().unwrap().to_str().unwrap();
    let remote = Remote::at(&server.url(&format!("/{name}"))).unwrap();
    (server, remote)
}

fn fetch(remote: &Remote, wanted: &[&str]) -> Box<dyn Snapshot> {
    let wanted = |entries: &[Entry]| {
        let found = entries.iter().enumerate();
        let found = found.filter(|(_, entry)| wanted.iter().any(|name| entry.path == name.as_bytes()));
        Some(found.map(|(index, _)| index).collect())
    };
    let fetched = fetcher().fetch(remote, &Limits::default(), Some("an old one"), Some(&wanted));
    match fetched.unwrap() {
        Fetched::Snapshot(snapshot) => snapshot,
        Fetched::Unchanged => panic!("it has changed"),
    }
}

/// The wants of each request for a pack.
fn wants(server: &Server) -> Vec<usize> {
    let fetches = server.requests();
    let fetches = fetches.iter().filter_map(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        body.contains("command=fetch").then(|| body.matches("want ").count())
    });
    fetches.collect()
}

fn check_all(bare: &Bare, snapshot: &mut dyn Snapshot) {
    let mut local = open_path(bare.path(), &Limits::default()).unwrap();
    assert_eq!(listing(snapshot), listing(&*local));
    assert_eq!(snapshot.repository().commit, local.repository().commit);
    for n in 0..20 {
        let name = format!("f{n:02}.rs");
        assert_eq!(read(snapshot, &name), read(&mut *local, &name));
    }
}

#[test]
fn what_is_wanted_arrives_and_nothing_else() {
    let bare = repository();
    let (server, remote) = serve(&bare, |_| None);
    let mut snapshot = fetch(&remote, &["f03.rs", "f19.rs"]);
    assert_eq!(wants(&server), [1, 2]);
    let mut local = open_path(bare.path(), &Limits::default()).unwrap();
    assert_eq!(listing(&*snapshot), listing(&*local));
    for name in ["f03.rs", "f19.rs"] {
        assert_eq!(read(&mut *snapshot, name), read(&mut *local, name));
    }
    assert!(read(&mut *snapshot, "f00.rs").is_err());

    let snapshot = fetch(&remote, &[]);
    assert_eq!(wants(&server), [1, 2, 1]);
    assert_eq!(listing(&*snapshot), listing(&*local));
}

#[test]
fn equal_files_are_asked_for_once() {
    let bare = Bare::new();
    let blob = bare.blob(b"fn same() {}\n");
    let names: [&[u8]; 6] = [b"a.rs", b"b.rs", b"c.rs", b"d.rs", b"e.rs", b"f.rs"];
    let tree = bare.tree(&names.map(|name| ("100644", name, blob.as_str())));
    let commit = bare.commit(&tree);
    git(bare.path(), &["update-ref", "HEAD", &commit]);
    let (server, remote) = serve(&bare, |_| None);
    let mut snapshot = fetch(&remote, &["a.rs", "b.rs", "c.rs", "d.rs"]);
    assert_eq!(wants(&server), [1, 1]);
    assert_eq!(read(&mut *snapshot, "d.rs").unwrap(), b"fn same() {}\n");
}

#[test]
fn where_most_is_wanted_all_is_fetched_at_once() {
    let bare = repository();
    let (server, remote) = serve(&bare, |_| None);
    let names: Vec<String> = (0..11).map(|n| format!("f{n:02}.rs")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut snapshot = fetch(&remote, &names);
    assert_eq!(wants(&server), [1, 1]);
    check_all(&bare, &mut *snapshot);
}

fn wants_many(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).matches("want ").count() > 1
}

#[test]
fn servers_that_give_no_file_by_its_id_are_asked_for_all() {
    let bare = repository();
    let check = |manner: Manner| {
        let (server, remote) = serve(&bare, manner);
        let mut snapshot = fetch(&remote, &["f03.rs", "f19.rs"]);
        assert_eq!(wants(&server), [1, 2, 1]);
        check_all(&bare, &mut *snapshot);
    };
    check(|request| wants_many(request).then_some(b"0037ERR upload-pack: not our ref 0123456789012345678901"));
    check(|request| wants_many(request).then_some(b"000dpackfile\n0012\x03no such thing0000"));
    check(|request| wants_many(request).then_some(b"<html>"));
    check(|request| {
        // A pack of no objects, as `git pack-objects --stdout </dev/null` writes it.
        let empty = b"000dpackfile\n0025\x01PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82;\xd8\xa8\xea\xb5\x10\xadj\xc7\\\x82;\xfd>\xd3\x1e0000";
        wants_many(request).then_some(empty)
    });
}

#[test]
fn a_server_that_cannot_filter_is_asked_for_all() {
    let bare = repository();
    let plain: Manner = |request| {
        let capabilities = b"000eversion 2\n0012fetch=shallow\n0000";
        (request.method == "GET").then_some(capabilities)
    };
    let (server, remote) = serve(&bare, plain);
    let mut snapshot = fetch(&remote, &["f03.rs"]);
    assert_eq!(wants(&server), [1]);
    check_all(&bare, &mut *snapshot);
    assert_eq!(
        snapshot.repository().commit.as_deref(),
        Some(git_word(bare.path(), &["rev-parse", "HEAD"], b"").as_str())
    );
}
