//! Servers that our own client does not speak to, reached by the git program.

mod hostile;

use std::fs;
use std::io::{Read, Result as IoResult};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use codelupe_forge::{
    Error, ErrorKind, FetchSettings, Fetched, Fetcher, HttpSettings, Limits, Remote, Snapshot, Token, Url,
};
use codelupe_testkit::git_http;
use codelupe_testkit::http::{Request, Server, respond};

use crate::fetching::{error_of, handle};
use crate::fixture::{Bare, git, git_with_input, git_word, listing, open_path, read_all, write};

/// A fetcher with a folder of its own, which must be empty when all is over.
struct Bench {
    folder: tempfile::TempDir,
    settings: FetchSettings,
    tokens: Vec<Token>,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: FetchSettings::default(),
            tokens: Vec::new(),
        }
    }

    fn fetcher(&self) -> Fetcher {
        let folder = self.folder.path().to_owned();
        let http = HttpSettings {
            contact: Some("mailto:a@example.org".to_owned()),
            ..HttpSettings::default()
        };
        Fetcher::new(&http, &self.settings, self.tokens.clone(), folder, handle()).unwrap()
    }

    fn fetch_known(&self, url: &str, known: Option<&str>) -> Result<Fetched, Error> {
        self.fetcher()
            .fetch(&Remote::at(url).unwrap(), &Limits::default(), known, None)
    }

    fn fetch(&self, url: &str) -> Result<Box<dyn Snapshot>, Error> {
        match self.fetch_known(url, None)? {
            Fetched::Snapshot(snapshot) => Ok(snapshot),
            Fetched::Unchanged => panic!("nothing was known"),
        }
    }

    /// The error of fetching, after which no folder is left.
    fn error(&self, url: &str) -> Error {
        let error = error_of(self.fetch(url));
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 0);
        error
    }
}

/// Git's own server, that hears nothing of newer protocols.
pub(crate) fn old_server(folder: &Path) -> Server {
    let folder = folder.to_owned();
    Server::start(move |request, stream| answer_as_of_old(&folder, false, request, stream))
}

fn answer_as_of_old(folder: &Path, closed: bool, request: &Request, stream: &mut TcpStream) -> IoResult<()> {
    if closed && request.header("authorization") != Some(SECRET_HEADER) {
        return respond(stream, 401, &[("www-authenticate", "Basic")], b"");
    }
    let mut request = request.clone();
    request.headers.retain(|(name, _)| name != "git-protocol");
    git_http::ask(folder, &request, |mut answer| {
        let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut body = Vec::new();
        answer.body.read_to_end(&mut body)?;
        respond(stream, answer.status, &headers, &body)
    })
}

/// What `x-access-token:SECRETTOKEN` is in base64.
const SECRET_HEADER: &str = "Basic eC1hY2Nlc3MtdG9rZW46U0VDUkVUVE9LRU4=";

/// A server of plain files, that knows nothing of git.
fn plain_server(folder: &Path) -> Server {
    let folder = folder.to_owned();
    Server::start(
        move |request, stream| match fs::read(folder.join(request.path().trim_start_matches('/'))) {
            Ok(content) => respond(stream, 200, &[], &content),
            Err(_) => respond(stream, 404, &[], b""),
        },
    )
}

fn with_history() -> Bare {
    let bare = Bare::new();
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["init", "-q", "-b", "main", "."]);
    for round in 0..4 {
        for file in 0..10 {
            let lines: Vec<String> = (0..200).map(|n| format!("line {}\n", n + round * 3 + file)).collect();
            write(
                work.path(),
                format!("src/f{file}.rs").as_bytes(),
                lines.concat().as_bytes(),
            );
        }
        write(work.path(), b"bad\xff.c", b"not UTF-8\n");
        write(work.path(), b"empty", b"");
        write(work.path(), b".gitattributes", b"*.rs eol=crlf ident\n*.c filter=lfs\n");
        git(work.path(), &["add", "-A"]);
        git(work.path(), &["commit", "-q", "-m", "x"]);
    }
    git(
        work.path(),
        &[
            "push",
            "-q",
            bare.path().to_str().unwrap(),
            "main",
            "HEAD:refs/heads/other",
        ],
    );
    git(bare.path(), &["update-server-info"]);
    bare
}

fn parts(path: &Path) -> (PathBuf, String) {
    let name = path.file_name().unwrap().to_str().unwrap();
    (path.parent().unwrap().to_owned(), format!("/{name}"))
}

/// Compares what was fetched with the same repository read from its folder.
fn check_same(fetched: &mut dyn Snapshot, path: &Path) {
    let mut local = open_path(path, &Limits::default()).unwrap();
    let (here, there) = (local.repository(), fetched.repository());
    assert_eq!(
        (&here.commit, &here.revision, here.committed_at),
        (&there.commit, &there.revision, there.committed_at)
    );
    assert_eq!(there.name, Remote::at(&there.origin).unwrap().name);
    assert_eq!(listing(&*local), listing(fetched));
    assert_eq!(read_all(&mut *local), read_all(fetched));
}

#[test]
fn an_old_server_and_one_of_plain_files_give_what_the_folder_has() {
    let bare = with_history();
    let (parent, name) = parts(bare.path());
    let bench = Bench::new();
    let old = old_server(&parent);
    check_same(&mut *bench.fetch(&old.url(&name)).unwrap(), bare.path());
    check_same(
        &mut *bench.fetch(&plain_server(&parent).url(&name)).unwrap(),
        bare.path(),
    );
    git(bare.path(), &["gc", "-q", "--prune=now"]);
    git(bare.path(), &["update-server-info"]);
    check_same(
        &mut *bench.fetch(&plain_server(&parent).url(&name)).unwrap(),
        bare.path(),
    );
    let asked = old.requests();
    let user_agents = asked.iter().map(|request| request.header("user-agent").unwrap());
    assert!(
        user_agents
            .into_iter()
            .all(|name| name.ends_with("(+mailto:a@example.org)"))
    );
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
}

#[test]
fn the_folder_is_there_while_its_snapshot_is() {
    let bare = with_history();
    let (parent, name) = parts(bare.path());
    let bench = Bench::new();
    let snapshot = bench.fetch(&old_server(&parent).url(&name)).unwrap();
    let folders: Vec<PathBuf> = fs::read_dir(bench.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(folders.len(), 1);
    let commits = git(&folders[0].join("repository"), &["rev-list", "--all"]);
    assert_eq!(
        commits.split(|byte| *byte == b'\n').count(),
        2,
        "one commit, and the end of its line"
    );
    assert!(!folders[0].join("repository/hooks").exists());
    drop(snapshot);
    assert!(!folders[0].exists());
}

#[test]
fn a_known_head_no_commit_at_all_and_sha_256() {
    let bare = Bare::new();
    let (parent, name) = parts(bare.path());
    let old = old_server(&parent);
    let bench = Bench::new();
    assert_eq!(bench.fetch(&old.url(&name)).unwrap().repository().revision, "unborn");
    assert!(matches!(
        bench.fetch_known(&old.url(&name), Some("unborn")).unwrap(),
        Fetched::Unchanged
    ));
    bare.commit(&bare.tree(&[("100644", b"a.rs", &bare.blob(b"fn a() {}\n"))]));
    let head = git_word(bare.path(), &["rev-parse", "HEAD"], b"");
    assert!(matches!(
        bench.fetch_known(&old.url(&name), Some(&head)).unwrap(),
        Fetched::Unchanged
    ));
    assert!(
        old.requests().iter().all(|request| request.method == "GET"),
        "no pack was asked for"
    );
    let sha256 = tempfile::tempdir().unwrap();
    git(
        sha256.path(),
        &["init", "-q", "--bare", "-b", "main", "--object-format=sha256", "x.git"],
    );
    let tree = git_word(&sha256.path().join("x.git"), &["mktree"], b"");
    let commit = git_word(&sha256.path().join("x.git"), &["commit-tree", &tree, "-m", "x"], b"");
    git(
        &sha256.path().join("x.git"),
        &["update-ref", "refs/heads/main", &commit],
    );
    let error = bench.error(&git_http::serve(sha256.path(), None).url("/x.git"));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("SHA-256"), "{error}");
}

#[test]
fn without_the_setting_the_reason_stays_that_of_the_protocol() {
    let bare = with_history();
    let (parent, name) = parts(bare.path());
    let mut bench = Bench::new();
    bench.settings.git_command = false;
    let old = old_server(&parent);
    let error = bench.error(&old.url(&name));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(old.requests().len(), 1);
}

#[test]
fn without_a_git_program_that_is_the_reason() {
    const MARK: &str = "CODELUPE_TEST_WITHOUT_GIT";
    if std::env::var_os(MARK).is_none() {
        // The search path is that of a process: this test again, in one of its own.
        let test = "git_program::without_a_git_program_that_is_the_reason";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(MARK, "1")
            .env("PATH", "/nonexistent")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let advertised =
        b"001e# service=git-upload-pack\n0000003512345678901234567890123456789012345678901234567 HEAD\0\n0000";
    let server = Server::start(move |_, stream| respond(stream, 200, &[], advertised));
    let error = Bench::new().error(&server.url("/a/b"));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let words = error.to_string();
    assert!(
        words.contains("version 2") && words.contains("no git program in PATH"),
        "{words}"
    );
}

/// How many programs have `text` in their arguments.
fn arguments_with(text: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    arguments
        .filter(|line| line.windows(text.len()).any(|part| part == text.as_bytes()))
        .count()
}

#[test]
fn a_token_opens_its_own_origin_and_goes_nowhere_else() {
    let bare = with_history();
    let (parent, name) = parts(bare.path());
    let folder = parent.clone();
    let server = Server::start(move |request, stream| {
        assert_eq!(
            arguments_with(SECRET_HEADER),
            0,
            "every user can read the arguments of a program"
        );
        answer_as_of_old(&folder, true, request, stream)
    });
    let mut bench = Bench::new();
    assert_eq!(bench.error(&server.url(&name)).kind(), ErrorKind::Auth);
    bench.tokens = vec![Token::new("SECRETTOKEN", &Url::parse(&server.url("/")).unwrap()).unwrap()];
    let snapshot = bench.fetch(&server.url(&name)).unwrap();
    assert!(!snapshot.entries().is_empty());
    let kept = fs::read_dir(bench.folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let config = fs::read_to_string(kept.join("repository/config")).unwrap();
    assert!(
        !config.contains("SECRET") && !config.contains("eC1h") && !config.contains("extraHeader"),
        "{config}"
    );
    drop(snapshot);

    let elsewhere = Server::start(|_, stream| respond(stream, 200, &[], b"0000"));
    for location in [elsewhere.url("/stolen"), "http://169.254.169.254/latest/".to_owned()] {
        let parent = parent.clone();
        // It turns round when git asks, after our own client has been answered.
        let turning = Server::start(move |request, stream| {
            if request.header("pragma").is_some() || request.method == "POST" {
                return respond(stream, 302, &[("location", &location)], b"");
            }
            answer_as_of_old(&parent, false, request, stream)
        });
        bench.tokens = vec![Token::new("SECRETTOKEN", &Url::parse(&turning.url("/")).unwrap()).unwrap()];
        let error = bench.error(&turning.url(&name));
        assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
        let by_git = turning
            .requests()
            .into_iter()
            .find(|request| request.header("pragma").is_some());
        assert_eq!(by_git.unwrap().header("authorization"), Some(SECRET_HEADER));
    }
    assert!(elsewhere.requests().is_empty(), "nobody was sent there");
}

#[test]
fn a_rename_is_followed_within_its_host() {
    let bare = with_history();
    let (parent, name) = parts(bare.path());
    let to = name.clone();
    let server = Server::start(move |request, stream| {
        if request.path().starts_with("/old/name/") {
            let location = request.target.replace("/old/name/", &format!("{to}/"));
            return respond(stream, 301, &[("location", &location)], b"");
        }
        answer_as_of_old(&parent, false, request, stream)
    });
    let bench = Bench::new();
    let snapshot = bench.fetch(&server.url("/old/name")).unwrap();
    assert_eq!(snapshot.entries().len(), 13);
    assert!(snapshot.repository().name.as_str().ends_with("/old/name"));
}

#[test]
fn a_long_list_of_references_is_no_obstacle() {
    let bare = with_history();
    let head = git_word(bare.path(), &["rev-parse", "HEAD"], b"");
    let references: Vec<String> = (0..3000)
        .map(|n| format!("create refs/pull/{n}/head {head}\n"))
        .collect();
    git_with_input(bare.path(), &["update-ref", "--stdin"], references.concat().as_bytes());
    git(bare.path(), &["update-server-info"]);
    let (parent, name) = parts(bare.path());
    let bench = Bench::new();
    check_same(&mut *bench.fetch(&old_server(&parent).url(&name)).unwrap(), bare.path());
    check_same(
        &mut *bench.fetch(&plain_server(&parent).url(&name)).unwrap(),
        bare.path(),
    );
}
