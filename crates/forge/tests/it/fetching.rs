//! What is fetched over HTTP from git's own server equals what the git command line has, whoever made the repository.

use std::path::Path;
use std::sync::OnceLock;

use codelupe_forge::{
    Error, ErrorKind, FetchSettings, Fetched, Fetcher, HttpSettings, Limits, Remote, Snapshot, Token, Url,
};
use codelupe_testkit::git_http;
use codelupe_testkit::http::Server;
use tokio::runtime::{Handle, Runtime};

use crate::fixture::{Bare, git, git_with_input, git_word, listing, open_path, read, read_all, write};

pub(crate) fn handle() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap()).handle().clone()
}

pub(crate) fn fetcher_with(http: &HttpSettings, settings: &FetchSettings, tokens: Vec<Token>) -> Fetcher {
    Fetcher::new(http, settings, tokens, std::env::temp_dir(), handle()).unwrap()
}

pub(crate) fn fetcher() -> Fetcher {
    fetcher_with(&HttpSettings::default(), &FetchSettings::default(), Vec::new())
}

/// Fetches what is at an address.
pub(crate) fn fetch(url: &str) -> Result<Box<dyn Snapshot>, Error> {
    fetch_by(&fetcher(), url, &Limits::default())
}

fn fetch_by(fetcher: &Fetcher, url: &str, limits: &Limits) -> Result<Box<dyn Snapshot>, Error> {
    match fetcher.fetch(&Remote::at(url).unwrap(), limits, None, None)? {
        Fetched::Snapshot(snapshot) => Ok(snapshot),
        Fetched::Unchanged => panic!("nothing was known"),
    }
}

pub(crate) fn error_of(fetched: Result<Box<dyn Snapshot>, Error>) -> Error {
    match fetched {
        Ok(snapshot) => panic!("it was fetched, with {} entries", snapshot.entries().len()),
        Err(error) => error,
    }
}

/// Serves a repository, and tells its address.
fn serve(bare: &Bare) -> (Server, String) {
    let server = git_http::serve(bare.path().parent().unwrap(), None);
    let name = bare.path().file_name().unwrap().to_str().unwrap();
    let url = server.url(&format!("/{name}"));
    (server, url)
}

/// Serves the folder of a repository and fetches it.
fn fetch_folder(path: &Path) -> Result<Box<dyn Snapshot>, Error> {
    let server = git_http::serve(path.parent().unwrap(), None);
    let name = path.file_name().unwrap().to_str().unwrap();
    fetch(&server.url(&format!("/{name}")))
}

/// Everything that is seen of a snapshot.
fn all_of(snapshot: &mut dyn Snapshot) -> Vec<(Vec<u8>, String)> {
    let mut buffer = Vec::new();
    (0..snapshot.entries().len())
        .map(|index| {
            let entry = snapshot.entries()[index].clone();
            let content = match snapshot.read(index, &mut buffer) {
                Ok(()) => format!("{:?} {}", entry.blob, buffer.escape_ascii()),
                Err(failure) => format!("{:?} {}", entry.blob, failure.reason),
            };
            (entry.path.to_vec(), content)
        })
        .collect()
}

/// Compares a fetched repository with the same one read from its folder.
fn check_same(path: &Path) -> Vec<(Vec<u8>, String)> {
    let mut local = open_path(path, &Limits::default()).unwrap();
    let mut fetched = fetch_folder(path).unwrap();
    let (here, there) = (local.repository(), fetched.repository());
    assert_eq!(
        (&here.commit, &here.revision, here.committed_at),
        (&there.commit, &there.revision, there.committed_at)
    );
    assert_eq!(listing(&*local), listing(&*fetched));
    let all = all_of(&mut *fetched);
    assert_eq!(all_of(&mut *local), all);
    all
}

fn with_history(rounds: u32) -> Bare {
    let bare = Bare::new();
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["init", "-q", "-b", "main", "."]);
    for round in 0..rounds {
        for file in 0..30 {
            let lines: Vec<String> = (0..300)
                .map(|n| {
                    format!(
                        "line {}
",
                        n + round * 3 + file
                    )
                })
                .collect();
            write(
                work.path(),
                format!("src/f{file}.rs").as_bytes(),
                lines.concat().as_bytes(),
            );
        }
        write(work.path(), b"bad\xff.c", b"not UTF-8\n");
        write(work.path(), b"empty", b"");
        git(work.path(), &["add", "-A"]);
        git(work.path(), &["commit", "-q", "-m", "x"]);
    }
    let to = bare.path().to_str().unwrap();
    git(work.path(), &["push", "-q", to, "main"]);
    bare
}

#[test]
fn the_newest_files_arrive_as_git_has_them() {
    let bare = with_history(4);
    check_same(bare.path());
    git(bare.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    let all = check_same(bare.path());
    assert_eq!(all.len(), 32);
    let by_git = git_with_input(bare.path(), &["cat-file", "blob", "HEAD:src/f7.rs"], b"");
    let mut snapshot = fetch_folder(bare.path()).unwrap();
    assert_eq!(read(&mut *snapshot, "src/f7.rs").unwrap(), by_git);
}

#[test]
fn little_memory_changes_nothing() {
    let bare = with_history(3);
    git(bare.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    let (_server, url) = serve(&bare);
    let with = |keep_bytes, filter| {
        let settings = FetchSettings {
            keep_bytes,
            filter,
            ..FetchSettings::default()
        };
        let fetcher = fetcher_with(&HttpSettings::default(), &settings, Vec::new());
        all_of(&mut *fetch_by(&fetcher, &url, &Limits::default()).unwrap())
    };
    let expected = with(40 << 20, false);
    assert_eq!(with(0, false), expected);
    assert_eq!(with(5000, true), expected);
}

#[test]
fn files_that_the_server_leaves_out_have_the_same_reason() {
    let bare = Bare::new();
    let blobs = [5000, 10, 11, 9].map(|bytes| bare.blob(&vec![b'a'; bytes]));
    let names: [&[u8]; 4] = [b"a_far", b"b_at", b"c_over", b"d_under"];
    let entries: Vec<_> = names
        .iter()
        .zip(&blobs)
        .map(|(name, blob)| ("100644", *name, blob.as_str()))
        .collect();
    let commit = bare.commit(&bare.tree(&entries));
    git(bare.path(), &["update-ref", "HEAD", &commit]);
    let (server, url) = serve(&bare);
    let limits = Limits {
        max_blob_bytes: 10,
        ..Limits::default()
    };
    let with = |filter| {
        let settings = FetchSettings {
            filter,
            ..FetchSettings::default()
        };
        let fetcher = fetcher_with(&HttpSettings::default(), &settings, Vec::new());
        all_of(&mut *fetch_by(&fetcher, &url, &limits).unwrap())
    };
    let expected = with(false);
    let ends: Vec<&str> = expected
        .iter()
        .filter_map(|(_, said)| said.rsplit(' ').next())
        .collect();
    assert_eq!(ends, ["too_large", "aaaaaaaaaa", "too_large", "aaaaaaaaa"]);
    assert_eq!(with(true), expected);
    let last = server.requests().pop().unwrap().body;
    assert!(String::from_utf8_lossy(&last).contains("filter blob:limit=11\n"));
}

#[test]
fn an_unchanged_head_costs_two_small_requests() {
    let bare = with_history(1);
    let server = git_http::serve(bare.path(), None);
    let remote = Remote::at(&server.url("/")).unwrap_err();
    assert_eq!(remote.kind(), ErrorKind::Invalid);
    let parent = git_http::serve(bare.path().parent().unwrap(), None);
    let name = bare.path().file_name().unwrap().to_str().unwrap();
    let remote = Remote::at(&parent.url(&format!("/{name}"))).unwrap();
    let head = git_word(bare.path(), &["rev-parse", "HEAD"], b"");
    let fetched = fetcher().fetch(&remote, &Limits::default(), Some(&head), None).unwrap();
    assert!(matches!(fetched, Fetched::Unchanged));
    let requests = parent.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|request| request.header("git-protocol") == Some("version=2"))
    );
    assert!(requests[0].header("user-agent").unwrap().starts_with("codelupe/"));
    let fetched = fetcher()
        .fetch(&remote, &Limits::default(), Some("other"), None)
        .unwrap();
    assert!(matches!(fetched, Fetched::Snapshot(_)));
}

#[test]
fn a_detached_head_a_tag_and_no_commit_at_all() {
    let bare = Bare::new();
    assert!(fetch_folder(bare.path()).unwrap().entries().is_empty());
    assert_eq!(fetch_folder(bare.path()).unwrap().repository().revision, "unborn");
    let tree = bare.tree(&[("100644", b"a.rs", &bare.blob(b"fn a() {}\n"))]);
    let commit = bare.commit(&tree);
    std::fs::write(bare.path().join("HEAD"), &commit).unwrap();
    assert_eq!(check_same(bare.path()).len(), 1);
    let tag = format!("object {commit}\ntype commit\ntag t\ntagger A <a@b> 1700000000 +0000\n\nx\n");
    let tag = git_word(bare.path(), &["mktag"], tag.as_bytes());
    std::fs::write(bare.path().join("HEAD"), tag).unwrap();
    check_same(bare.path());
}

#[test]
fn what_a_hostile_tree_holds_is_judged_as_on_disk() {
    let bare = Bare::new();
    let code = bare.blob(b"fn main() {}\n");
    let outside = bare.blob(b"../../../etc/passwd");
    let inner = bare.tree(&[("100644", b"x.rs", &code)]);
    let tree = bare.tree(&[
        ("100644", b"..", &code),
        ("100644", b".git", &code),
        ("100664", b"group.rs", &code),
        ("100755", b"run.sh", &code),
        ("120000", b"link", &outside),
        ("160000", b"module", &"12".repeat(20)),
        ("100644", b"/abs", &code),
        ("100644", b"a/../../x", &code),
        ("100644", b"CON", &code),
        ("100644", b"-rf", &code),
        ("100644", b"esc\x1b]0;x\x07\n", &code),
        ("100644", b"\xff\xfe", &code),
        ("0", b"odd", &code),
        ("40000", b"d", &inner),
        ("40000", b"d", &inner),
        ("100644", b"missing.rs", &"34".repeat(20)),
    ]);
    bare.commit(&tree);
    // Git's server does not send a repository that lacks an object.
    let refused = error_of(fetch_folder(bare.path()));
    assert!(
        matches!(
            refused.kind(),
            ErrorKind::Network | ErrorKind::Refused | ErrorKind::Protocol
        ),
        "{refused:?}"
    );
    let whole = bare.tree(&[
        ("100644", b"..", &code),
        ("100644", b".git", &code),
        ("100664", b"group.rs", &code),
        ("120000", b"link", &outside),
        ("100644", b"/abs", &code),
        ("100644", b"a/../../x", &code),
        ("100644", b"esc\x1b]0;x\x07\n", &code),
        ("100644", b"\xff\xfe", &code),
        ("40000", b"d", &inner),
        ("40000", b"d", &inner),
    ]);
    bare.commit(&whole);
    let all = check_same(bare.path());
    assert_eq!(all.len(), 10 - 1);
}

#[test]
fn attributes_links_and_lfs_change_no_byte() {
    let bare = Bare::new();
    let attributes = b"* text=auto eol=crlf ident\nsecret.rs export-ignore\nv.rs export-subst\n*.bin filter=lfs\nw.txt working-tree-encoding=UTF-16\n";
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let files: [(&[u8], &[u8]); 6] = [
        (b".gitattributes", attributes),
        (b"data.bin", lfs),
        (b"secret.rs", b"fn secret() {}\n"),
        (b"unix.sh", b"echo\n"),
        (b"v.rs", b"// $Format:%H$ $Id$\r\n"),
        (b"w.txt", b"utf-8 text\n"),
    ];
    let ids: Vec<String> = files.iter().map(|(_, content)| bare.blob(content)).collect();
    let entries: Vec<(&str, &[u8], &str)> = files
        .iter()
        .zip(&ids)
        .map(|((name, _), id)| ("100644", *name, &**id))
        .collect();
    bare.commit(&bare.tree(&entries));
    check_same(bare.path());
    let mut snapshot = fetch_folder(bare.path()).unwrap();
    let fetched = read_all(&mut *snapshot);
    let expected: Vec<(Vec<u8>, Vec<u8>)> = files
        .iter()
        .map(|(name, content)| (name.to_vec(), content.to_vec()))
        .collect();
    assert_eq!(fetched, expected);
}

#[test]
fn bombs_end_at_their_limits_and_the_rest_arrives() {
    let bare = Bare::new();
    let zeros = bare.blob(&vec![0; 80 << 20]);
    let good = bare.blob(b"fn good() {}\n");
    bare.commit(&bare.tree(&[("100644", b"good.rs", &good), ("100644", b"zeros.c", &zeros)]));
    git(bare.path(), &["gc", "-q", "--prune=now"]);
    let all = check_same(bare.path());
    assert!(all[1].1.ends_with("too_large"), "{}", all[1].1);

    let mut tree = bare.tree(&[("100644", b"x.rs", &good)]);
    for _ in 0..6 {
        let names: Vec<Vec<u8>> = (0..10).map(|n| format!("d{n}").into_bytes()).collect();
        let entries: Vec<(&str, &[u8], &str)> = names.iter().map(|name| ("40000", &name[..], &*tree)).collect();
        tree = bare.tree(&entries);
    }
    bare.commit(&tree);
    assert_eq!(error_of(fetch_folder(bare.path())).kind(), ErrorKind::TooManyEntries);

    let mut deep = bare.tree(&[("100644", b"x.rs", &good)]);
    for _ in 0..300 {
        deep = bare.tree(&[("40000", b"d", &deep)]);
    }
    bare.commit(&deep);
    check_same(bare.path());
}

#[test]
fn each_limit_refuses_the_repository_with_its_kind() {
    let bare = with_history(1);
    let (_server, url) = serve(&bare);
    let small = FetchSettings {
        max_pack_bytes: 1024,
        max_inflated_bytes: 1 << 30,
        ..FetchSettings::default()
    };
    let fetcher = fetcher_with(&HttpSettings::default(), &small, Vec::new());
    assert_eq!(
        error_of(fetch_by(&fetcher, &url, &Limits::default())).kind(),
        ErrorKind::TooLarge
    );
    let flat = FetchSettings {
        max_pack_bytes: 20_000,
        max_inflated_bytes: 20_000,
        ..FetchSettings::default()
    };
    let fetcher = fetcher_with(&HttpSettings::default(), &flat, Vec::new());
    let refused = error_of(fetch_by(&fetcher, &url, &Limits::default()));
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused:?}");
    let few = Limits {
        max_entries: 3,
        ..Limits::default()
    };
    let fetcher = fetcher_with(&HttpSettings::default(), &FetchSettings::default(), Vec::new());
    assert_eq!(
        error_of(fetch_by(&fetcher, &url, &few)).kind(),
        ErrorKind::TooManyEntries
    );
}

#[test]
fn a_token_opens_its_own_origin_and_is_never_told() {
    let bare = with_history(1);
    let server: Server = git_http::serve(bare.path().parent().unwrap(), Some("SECRETTOKEN"));
    let url = server.url(&format!("/{}", bare.path().file_name().unwrap().to_str().unwrap()));
    let refused = error_of(fetch(&url));
    assert_eq!(refused.kind(), ErrorKind::Auth);
    let site = Url::parse(&server.url("/")).unwrap();
    let other = Url::parse("https://other.example/").unwrap();
    let with = |site: &Url, secret| {
        let token = Token::new(secret, site).unwrap();
        fetch_by(
            &fetcher_with(&HttpSettings::default(), &FetchSettings::default(), vec![token]),
            &url,
            &Limits::default(),
        )
    };
    assert!(with(&site, "SECRETTOKEN").is_ok());
    assert_eq!(error_of(with(&other, "SECRETTOKEN")).kind(), ErrorKind::Auth);
    let wrong = error_of(with(&site, "SECRETWRONG"));
    assert!(!format!("{wrong:?}").contains("SECRET"), "{wrong:?}");
}

#[test]
fn other_formats_and_missing_repositories_are_named() {
    let folder = tempfile::tempdir().unwrap();
    git(
        folder.path(),
        &["init", "-q", "--bare", "--object-format=sha256", "sha256.git"],
    );
    let server = git_http::serve(folder.path(), None);
    assert_eq!(
        error_of(fetch(&server.url("/sha256.git"))).kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(error_of(fetch(&server.url("/none.git"))).kind(), ErrorKind::Gone);
    drop(server);
    let closed = git_http::serve(folder.path(), None);
    let url = closed.url("/sha256.git");
    drop(closed);
    let settings = HttpSettings {
        connect_seconds: 5,
        ..HttpSettings::default()
    };
    let fetcher = fetcher_with(&settings, &FetchSettings::default(), Vec::new());
    assert_eq!(
        error_of(fetch_by(&fetcher, &url, &Limits::default())).kind(),
        ErrorKind::Network
    );
}
