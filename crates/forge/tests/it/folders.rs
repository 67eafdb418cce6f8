//! Plain folders and unpacked crates.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use codelupe_core::{BlobId, Reason, error::ErrorCode};
use codelupe_forge::{ErrorKind, Kind, Limits, open, revision};

use crate::fixture::{folder, git, git_word, listing, locate, open_as, open_error, open_path, read, read_all, write};

fn names(path: &Path) -> Vec<String> {
    let snapshot = open_path(path, &Limits::default()).unwrap();
    listing(&*snapshot).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn files_are_sorted_read_whole_and_hash_as_git_says() {
    let folder = folder();
    let path = folder.path();
    for (name, content) in [
        (&b"b.rs"[..], &b"b\n"[..]),
        (b"a/c.rs", b"c\r\n"),
        (b"a.rs", b"a"),
        (b"a-b/x", b"x"),
        (b".github/w.yml", b"on: push\n"),
        (b"new\nline\x1b", b"odd\n"),
        (b"bad\xff", b"bytes\0\xff"),
    ] {
        write(path, name, content);
    }
    let mut snapshot = open_path(path, &Limits::default()).unwrap();
    assert!(snapshot.entries().is_sorted_by(|a, b| a.path < b.path));
    let files = read_all(&mut *snapshot);
    assert_eq!(files.len(), 7);
    for (name, content) in &files {
        assert_eq!(
            BlobId::of(content).to_string(),
            git_word(path, &["hash-object", "--stdin"], content)
        );
        let entry = snapshot.entries().iter().find(|entry| entry.path == name[..]).unwrap();
        assert_eq!((entry.size, entry.blob), (Some(content.len() as u64), None));
    }
}

#[test]
fn links_and_special_files_are_never_opened() {
    let folder = folder();
    let path = folder.path();
    write(path, b"ok.rs", b"fn ok() {}\n");
    write(path, b"empty", b"");
    std::fs::create_dir(path.join("sub")).unwrap();
    symlink("/etc/passwd", path.join("passwd")).unwrap();
    symlink("self", path.join("self")).unwrap();
    symlink("..", path.join("sub/parent")).unwrap();
    symlink("missing", path.join("dangling")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(path.join("fifo"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = UnixListener::bind(path.join("socket")).unwrap();
    std::fs::File::create(path.join("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let mut snapshot = open_path(path, &Limits::default()).unwrap();
    let expected = [
        ("dangling", Some(Reason::Symlink)),
        ("empty", Some(Reason::Empty)),
        ("fifo", Some(Reason::SpecialFile)),
        ("huge", Some(Reason::TooLarge)),
        ("ok.rs", None),
        ("passwd", Some(Reason::Symlink)),
        ("self", Some(Reason::Symlink)),
        ("socket", Some(Reason::SpecialFile)),
        ("sub/parent", Some(Reason::Symlink)),
    ];
    let expected: Vec<_> = expected.map(|(path, reason)| (path.to_owned(), reason)).into();
    assert_eq!(listing(&*snapshot), expected);
    for (path, reason) in expected.iter().filter(|(_, reason)| reason.is_some()) {
        assert_eq!(
            read(&mut *snapshot, path).unwrap_err().reason,
            reason.unwrap(),
            "{path}"
        );
    }
    let beyond = snapshot.entries().len();
    assert_eq!(
        snapshot.read(beyond, &mut Vec::new()).unwrap_err().reason,
        Reason::Unreadable
    );
}

#[test]
fn a_file_that_turns_into_something_else_after_listing_is_noticed() {
    let folder = folder();
    let path = folder.path();
    for name in ["fifo", "gone", "grown", "link", "shrunk", "sub/f", "sub2/f"] {
        write(path, name.as_bytes(), b"content\n");
    }
    let limits = Limits {
        max_blob_bytes: 100,
        ..Limits::default()
    };
    let mut snapshot = open_path(path, &limits).unwrap();
    let remove = |name: &str| std::fs::remove_file(path.join(name)).unwrap();
    remove("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(path.join("fifo"))
            .status()
            .unwrap()
            .success()
    );
    remove("gone");
    write(path, b"grown", &[b'x'; 101]);
    remove("link");
    symlink("/etc/passwd", path.join("link")).unwrap();
    write(path, b"shrunk", b"");
    std::fs::remove_dir_all(path.join("sub")).unwrap();
    symlink("sub2", path.join("sub")).unwrap();
    let mut check = |name: &str, reason: Reason| {
        assert_eq!(read(&mut *snapshot, name).unwrap_err().reason, reason, "{name}");
    };
    check("fifo", Reason::SpecialFile);
    check("gone", Reason::Unreadable);
    check("grown", Reason::TooLarge);
    check("link", Reason::Symlink);
    check("shrunk", Reason::Empty);
    check("sub/f", Reason::Symlink);
    assert_eq!(read(&mut *snapshot, "sub2/f").unwrap(), b"content\n");
}

#[test]
fn ignore_files_are_honored_as_git_does() {
    let folder = folder();
    let path = folder.path();
    write(
        path,
        b".gitignore",
        b"*.log\n/target\n!keep.log\nbuild/\r\n# comment\n\\#odd\n[\n",
    );
    for name in [
        "a.log",
        "keep.log",
        "sub/b.log",
        "sub/keep.log",
        "sub/again.txt",
        "target/x",
        "sub/target/x",
        "sub/build/x",
        "build",
        "#odd",
        "only/y",
        "only/z",
    ] {
        write(path, name.as_bytes(), b"x\n");
    }
    write(path, b"sub/.gitignore", b"!b.log\nagain.*\n");
    write(path, b"only/.gitignore", b"/*\n!z\n");
    let listed = names(path);
    git(path, &["init", "-q", "."]);
    let by_git = git(path, &["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let by_git: Vec<_> = by_git
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .collect();
    let mut by_git: Vec<_> = by_git
        .iter()
        .map(|name| String::from_utf8(name.to_vec()).unwrap())
        .collect();
    by_git.sort();
    assert!(by_git.len() > 5 && by_git.contains(&"sub/b.log".to_owned()));
    assert_eq!(listed, by_git);
}

#[test]
fn ignore_files_that_attack_count_as_absent() {
    let folder = folder();
    let path = folder.path();
    write(path, b"a/x.log", b"x\n");
    write(path, b"b/x.log", b"x\n");
    write(path, b"c/x.log", b"x\n");
    assert!(
        Command::new("mkfifo")
            .arg(path.join("a/.gitignore"))
            .status()
            .unwrap()
            .success()
    );
    symlink("/dev/zero", path.join("b/.gitignore")).unwrap();
    std::fs::File::create(path.join("c/.gitignore"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    write(path, b"d/.gitignore", b"x.log\n");
    write(path, b"d/x.log", b"x\n");
    let listed = names(path);
    for kept in ["a/x.log", "b/x.log", "c/x.log"] {
        assert!(listed.contains(&kept.to_owned()), "{kept}");
    }
    assert!(!listed.contains(&"d/x.log".to_owned()));
    // Rules above the repository are none of its business.
    let outer = self::folder();
    write(outer.path(), b".gitignore", b"*\n");
    write(outer.path(), b"inner/f", b"x\n");
    assert_eq!(names(&outer.path().join("inner")), ["f"]);
}

#[test]
fn too_many_files_refuse_the_repository_by_name() {
    let folder = folder();
    let path = folder.path().join("crowded");
    for n in 0..30 {
        write(&path, format!("d{}/f{n}", n % 3).as_bytes(), b"x");
    }
    let limits = |max_entries| Limits {
        max_entries,
        ..Limits::default()
    };
    assert_eq!(open_path(&path, &limits(33)).unwrap().entries().len(), 30);
    let error = open_error(&path, &limits(32));
    assert_eq!(error.kind(), ErrorKind::TooManyEntries);
    assert_eq!(error.code(), ErrorCode::CorruptInput);
    assert!(error.to_string().contains("crowded"), "{error}");
}

#[test]
fn deep_folders_end_at_the_depth_limit() {
    let folder = folder();
    let deep = ["d"; 70].join("/");
    write(folder.path(), format!("{deep}/f").as_bytes(), b"x");
    write(folder.path(), format!("{}/f", ["d"; 63].join("/")).as_bytes(), b"x");
    let listed = listing(&*open_path(folder.path(), &Limits::default()).unwrap());
    let expected = [
        (["d"; 64].join("/"), Some(Reason::BadPath)),
        (format!("{}/f", ["d"; 63].join("/")), None),
    ];
    assert_eq!(listed, expected);
}

/// Runs this test again as a user that permission bits bind, when it is run as root.
fn as_plain_user(test: &str) -> bool {
    const MARK: &str = "CODELUPE_TEST_AS_PLAIN_USER";
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root || std::env::var_os(MARK).is_some() {
        return true;
    }
    let copy = folder();
    std::fs::set_permissions(copy.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = copy.path().join("test");
    // By a process of its own: what is open for writing here, a child of another test may hold open a while longer, and
    // then it cannot be started.
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .uid(65534)
        .gid(65534)
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[test]
fn what_may_not_be_read_is_recorded_and_the_rest_read() {
    if !as_plain_user("folders::what_may_not_be_read_is_recorded_and_the_rest_read") {
        return;
    }
    let folder = folder();
    let path = folder.path().join("r");
    write(&path, b"closed/f", b"x");
    write(&path, b"file", b"x");
    write(&path, b"ok", b"x");
    let forbid = |name: &str, mode| {
        std::fs::set_permissions(path.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    forbid("closed", 0);
    forbid("file", 0);
    let mut snapshot = open_path(&path, &Limits::default()).unwrap();
    let expected = [("closed", Some(Reason::Unreadable)), ("file", None), ("ok", None)];
    assert_eq!(
        listing(&*snapshot),
        expected.map(|(path, reason)| (path.to_owned(), reason))
    );
    assert_eq!(read(&mut *snapshot, "file").unwrap_err().reason, Reason::Unreadable);
    assert_eq!(read(&mut *snapshot, "ok").unwrap(), b"x");
    let located = locate(&path);
    let forbid_all = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    forbid_all(0);
    let error = open(&located, &Limits::default()).err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Access, ErrorCode::Permission));
    forbid_all(0o755);
    forbid("closed", 0o755);
}

#[test]
fn the_revision_changes_with_content_names_and_nothing_else() {
    let folder = folder();
    let path = folder.path();
    write(path, b"a/f", b"one");
    write(path, b"g", b"x");
    let now = || revision(&locate(path), &Limits::default()).unwrap();
    let first = now();
    assert_eq!(first, now());
    assert_eq!(
        first,
        open_path(path, &Limits::default()).unwrap().repository().revision
    );
    let _ = std::fs::read(path.join("a/f")).unwrap();
    assert_eq!(first, now());
    std::fs::rename(path.join("g"), path.join("h")).unwrap();
    let renamed = now();
    assert_ne!(first, renamed);
    let file = std::fs::File::options().append(true).open(path.join("a/f")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_ne!(renamed, now());
}

#[test]
fn a_crate_is_read_whole_and_says_where_it_comes_from() {
    let outer = folder();
    let path = outer.path().join("my-crate-1.2.3");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    write(&path, b".cargo-ok", b"{\"v\":1}");
    write(&path, b".gitignore", b"*.rs\n");
    write(&path, b"src/lib.rs", b"//! x\n");
    write(&path, b"src/.cargo-ok", b"not the mark\n");
    write(&path, b".git/HEAD", b"left over\n");
    let info = format!("{{\"git\":{{\"sha1\":\"{commit}\"}},\"path_in_vcs\":\"sub\"}}");
    write(&path, b".cargo_vcs_info.json", info.as_bytes());
    let manifest = "[package]\nname = \"my-crate\"\nrepository = \"https://example.org/a/b\"\n";
    write(&path, b"Cargo.toml", manifest.as_bytes());
    let located = locate(&path);
    assert_eq!(located.kind, Kind::Crate);
    let snapshot = open(&located, &Limits::default()).unwrap();
    let repository = snapshot.repository();
    assert_eq!(repository.name.as_str(), "my-crate-1.2.3");
    assert_eq!(
        (repository.forge.as_str(), repository.family.as_str()),
        ("crate", "my-crate")
    );
    assert_eq!(
        (repository.commit.as_deref(), repository.origin.as_str()),
        (Some(commit), "https://example.org/a/b")
    );
    let listed: Vec<_> = listing(&*snapshot).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        listed,
        [
            ".cargo_vcs_info.json",
            ".gitignore",
            "Cargo.toml",
            "src/.cargo-ok",
            "src/lib.rs"
        ]
    );
    assert_eq!(open_as(&path, Kind::Folder).repository().family, "my-crate-1.2.3");
    assert!(
        !listing(&*open_as(&path, Kind::Folder))
            .iter()
            .any(|(path, _)| path == "src/lib.rs")
    );
}

#[test]
fn a_repository_that_is_gone_or_a_file_is_an_error_with_its_path() {
    let folder = folder();
    let path = folder.path().join("here");
    write(&path, b"f", b"x");
    let located = locate(&path);
    std::fs::remove_dir_all(&path).unwrap();
    let check = |kind: ErrorKind, code: ErrorCode| {
        let error = open(&located, &Limits::default()).err().unwrap();
        assert_eq!((error.kind(), error.code()), (kind, code));
        assert!(error.to_string().contains("here"), "{error}");
    };
    check(ErrorKind::NotFound, ErrorCode::NotFound);
    std::fs::write(&path, "x").unwrap();
    check(ErrorKind::NotAFolder, ErrorCode::Validation);
    std::fs::remove_file(&path).unwrap();
    symlink("/etc", &path).unwrap();
    check(ErrorKind::NotAFolder, ErrorCode::Validation);
}
