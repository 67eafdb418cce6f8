//! Repositories read from the archives of their forge, held against what git has.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;

use codelupe_forge::{
    Error, ErrorKind, FetchSettings, Fetched, Fetcher, HttpSettings, Limits, Remote, Site, SiteKind, Snapshot, Token,
};
use codelupe_testkit::http::{Request, Server, respond};

use crate::fetching::fetcher_with;
use crate::fixture::{Bare, folder, git, git_word, read_all, write};

/// A forge that is closed to git, and gives archives of one repository, made by git itself.
pub(crate) fn forge(repository: &Path) -> Server {
    let repository = repository.to_owned();
    Server::start(move |request, stream| answer(&repository, request, stream))
}

fn answer(repository: &Path, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
    let branch = "main/x y";
    match request.target.as_str() {
        "/api/v3/repos/owner/name/tarball"
        | "/api/v4/projects/owner%2Fname/repository/archive.tar.gz"
        | "/api/v1/repos/owner/name/archive/main/x%20y.tar.gz" => {
            let arguments = ["archive", "--format=tar.gz", "--prefix=owner-name-0123456/", "HEAD"];
            respond(stream, 200, &[], &git(repository, &arguments))
        }
        "/api/v1/repos/owner/name" => {
            let described = format!("{{\"default_branch\": \"{branch}\", \"size\": 1}}");
            respond(stream, 200, &[], described.as_bytes())
        }
        _ if request.path().ends_with("/info/refs") => respond(stream, 403, &[], b"no git over HTTP here"),
        _ => respond(stream, 404, &[], b""),
    }
}

fn fetcher(server: &Server, kind: SiteKind, settings: &FetchSettings) -> Fetcher {
    let site = Site::new(kind, &server.url("/")).unwrap();
    let token = Token::new("SECRET", &site.api()).unwrap();
    fetcher_with(&HttpSettings::default(), settings, vec![token]).with_sites([site])
}

fn allowed() -> FetchSettings {
    FetchSettings {
        archive: true,
        ..FetchSettings::default()
    }
}

fn fetch(server: &Server, kind: SiteKind, known: Option<&str>) -> Result<Fetched, Error> {
    let remote = Remote::at(&server.url("/owner/name.git")).unwrap();
    fetcher(server, kind, &allowed()).fetch(&remote, &Limits::default(), known, None)
}

fn snapshot(server: &Server, kind: SiteKind) -> Box<dyn Snapshot> {
    match fetch(server, kind, None).unwrap() {
        Fetched::Snapshot(snapshot) => snapshot,
        Fetched::Unchanged => panic!("nothing was known"),
    }
}

/// Path and content of all files at `HEAD`, by `cat-file`.
fn files_by_git(repository: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let listing = git(repository, &["ls-tree", "-r", "-z", "HEAD"]);
    let mut files = BTreeMap::new();
    for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let words: Vec<&str> = std::str::from_utf8(&line[..tab]).unwrap().split(' ').collect();
        files.insert(
            line[tab + 1..].to_vec(),
            git(repository, &["cat-file", words[1], words[2]]),
        );
    }
    files
}

fn files_of(snapshot: &mut dyn Snapshot) -> BTreeMap<Vec<u8>, Vec<u8>> {
    read_all(snapshot).into_iter().collect()
}

fn repository_of(files: &[(&[u8], &[u8])]) -> tempfile::TempDir {
    let folder = folder();
    git(folder.path(), &["init", "-q", "-b", "main", "."]);
    for (path, content) in files {
        write(folder.path(), path, content);
    }
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "x"]);
    folder
}

#[test]
fn without_attributes_an_archive_has_what_git_has() {
    let long = ["deep/".repeat(40).into_bytes(), vec![b'n'; 200]].concat();
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).take(9 << 20).collect();
    let bare = repository_of(&[
        (b"src/lib.rs", b"fn lib() {}\r\n$Id$ $Format:%H$\n"),
        (&long, b"a long path\n"),
        (&[b'p'; 100], b"as long as the field\n"),
        ("gr\u{f6}\u{df}e\n\x1b[31m.c".as_bytes(), b"odd name\n"),
        (b"bad\xff\xfe.c", b"not UTF-8\n"),
        (b"large.bin", &large),
        (b"run.sh", b"#!/bin/sh\n"),
    ]);
    let server = forge(bare.path());
    let expected = files_by_git(bare.path());
    assert_eq!(expected.len(), 7);
    let head = git_word(bare.path(), &["rev-parse", "HEAD"], b"");
    for kind in [SiteKind::GitHub, SiteKind::GitLab, SiteKind::Gitea] {
        let mut snapshot = snapshot(&server, kind);
        let repository = snapshot.repository();
        assert_eq!(repository.commit.as_ref(), Some(&head));
        assert_eq!(repository.revision, format!("archive:{head}"));
        assert_eq!(repository.committed_at, Some(1_700_000_000));
        for entry in snapshot.entries() {
            let id = git_word(
                bare.path(),
                &["hash-object", "--stdin"],
                &expected[entry.path.as_slice()],
            );
            assert_eq!(entry.blob.unwrap().to_string(), id);
        }
        assert_eq!(files_of(&mut *snapshot), expected);
        let known = fetch(&server, kind, Some(&format!("archive:{head}"))).unwrap();
        assert!(matches!(known, Fetched::Unchanged));
    }
    let bearer = |request: &Request| request.header("authorization") == Some("Bearer SECRET");
    let asked = server.requests();
    let mut of_api = asked.iter().filter(|request| request.path().starts_with("/api/"));
    assert!(of_api.all(bearer));
}

#[test]
fn links_and_submodules_are_no_files() {
    let bare = Bare::new();
    let code = bare.blob(b"fn main() {}\n");
    let long_target = bare.blob(&[b'/'; 5000]);
    let tree = bare.tree(&[
        ("100644", b"a.rs", &code),
        ("120000", b"link", &bare.blob(b"../../etc/passwd")),
        ("120000", b"long", &long_target),
        ("160000", b"module", &"12".repeat(20)),
        ("100644", b"z.rs", &code),
    ]);
    bare.commit(&tree);
    let snapshot = snapshot(&forge(bare.path()), SiteKind::GitHub);
    let listed: Vec<(String, Option<&str>)> = snapshot
        .entries()
        .iter()
        .map(|entry| {
            (
                entry.path.to_string(),
                entry.verdict.reason().map(codelupe_core::Reason::code),
            )
        })
        .collect();
    let expected = [
        ("a.rs", None),
        ("link", Some("symlink")),
        ("long", Some("symlink")),
        ("z.rs", None),
    ];
    assert_eq!(listed, expected.map(|(path, reason)| (path.to_owned(), reason)));
}

#[test]
fn attributes_change_an_archive_in_the_ways_that_are_known() {
    let attributes = b"secret.rs export-ignore\nver.c export-subst\ncrlf.txt text eol=crlf\nid.c ident\nwide.txt working-tree-encoding=UTF-16BE\n";
    let bare = repository_of(&[
        (b".gitattributes", attributes),
        (b"crlf.txt", b"a\nb\n"),
        (b"id.c", b"// $Id$\n"),
        (b"plain.c", b"int x;\n"),
        (b"secret.rs", b"// hidden\n"),
        (b"ver.c", b"char *v = \"$Format:%H$\";\n"),
        (b"wide.txt", b"\0w\0\n"),
    ]);
    let (by_git, head) = (
        files_by_git(bare.path()),
        git_word(bare.path(), &["rev-parse", "HEAD"], b""),
    );
    let id = git_word(bare.path(), &["rev-parse", "HEAD:id.c"], b"");
    let archived = files_of(&mut *snapshot(&forge(bare.path()), SiteKind::GitHub));
    let mut expected = by_git.clone();
    expected.remove(&b"secret.rs"[..]);
    expected.insert(b"crlf.txt".to_vec(), b"a\r\nb\r\n".to_vec());
    expected.insert(b"id.c".to_vec(), format!("// $Id: {id} $\n").into_bytes());
    expected.insert(b"ver.c".to_vec(), format!("char *v = \"{head}\";\n").into_bytes());
    assert_eq!(by_git[&b"wide.txt"[..]], b"w\n");
    expected.insert(b"wide.txt".to_vec(), b"\0w\0\n".to_vec());
    assert_eq!(archived, expected);
}

#[test]
fn an_archive_is_read_only_where_that_is_set_and_the_forge_is_known() {
    let bare = repository_of(&[(b"a.rs", b"fn a() {}\n")]);
    let server = forge(bare.path());
    let remote = Remote::at(&server.url("/owner/name")).unwrap();
    let kind = |fetcher: Fetcher| {
        let fetched = fetcher.fetch(&remote, &Limits::default(), None, None);
        fetched.map(|_| ()).unwrap_err().kind()
    };
    assert_eq!(
        kind(fetcher(&server, SiteKind::GitHub, &FetchSettings::default())),
        ErrorKind::Refused
    );
    let unknown = fetcher_with(&HttpSettings::default(), &allowed(), Vec::new());
    assert_eq!(kind(unknown), ErrorKind::Refused);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path().ends_with("/info/refs"))
    );
}

#[test]
fn what_a_forge_refuses_has_its_kind_and_limits_hold() {
    let check = |status: u16, headers: &'static [(&str, &str)], kind: ErrorKind| {
        let server = Server::start(move |request, stream| {
            if request.path().ends_with("/info/refs") {
                respond(stream, 403, &[], b"")
            } else {
                respond(stream, status, headers, b"<!DOCTYPE html><title>Sign in</title>")
            }
        });
        let error = fetch(&server, SiteKind::GitHub, None).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains("SECRET"));
    };
    check(200, &[], ErrorKind::Corrupt);
    check(404, &[], ErrorKind::Gone);
    check(451, &[], ErrorKind::TakenDown);
    check(429, &[("retry-after", "1800")], ErrorKind::RateLimited);
    check(403, &[("x-ratelimit-remaining", "0")], ErrorKind::RateLimited);
    check(403, &[("x-ratelimit-remaining", "9")], ErrorKind::Refused);
    check(
        302,
        &[("location", "http://169.254.169.254/latest/")],
        ErrorKind::Redirect,
    );
    let bare = repository_of(&[(b"a.rs", &vec![b'x'; 100_000])]);
    let server = forge(bare.path());
    let small = FetchSettings {
        max_pack_bytes: 20_000,
        max_inflated_bytes: 20_000,
        ..allowed()
    };
    let remote = Remote::at(&server.url("/owner/name")).unwrap();
    let fetched = fetcher(&server, SiteKind::GitHub, &small).fetch(&remote, &Limits::default(), None, None);
    assert_eq!(fetched.map(|_| ()).unwrap_err().kind(), ErrorKind::TooLarge);
}
