//! Repositories that someone made to do harm: each costs bounded work, and tells what is wrong with it.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use codelupe_core::{Reason, error::ErrorCode};
use codelupe_forge::{ErrorKind, Limits, revision};

use crate::fixture::{
    Bare, folder, git, git_with_input, git_word, listing, locate, open_error, open_path, read, read_all, write,
};

/// A repository with one good file `ok.rs` beside what `entries` adds.
fn with_ok(bare: &Bare, entries: &[(&str, &[u8], &str)]) -> String {
    let ok = bare.blob(b"fn ok() {}\n");
    let mut all = entries.to_vec();
    all.push(("100644", b"ok.rs", &ok));
    bare.commit(&bare.tree(&all))
}

fn make_fifo(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
    // No byte of a path from tempfile is NUL, so the name below is the one that was made.
    assert!(CString::new(path.as_os_str().as_bytes()).is_ok());
}

fn check_refused(path: &Path, kind: ErrorKind, word: &str) {
    let error = open_error(path, &Limits::default());
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.code(), ErrorCode::CorruptInput);
    assert!(error.to_string().contains(word), "{error}");
}

#[test]
fn names_that_could_leave_the_repository_are_dropped_and_odd_ones_kept() {
    let bare = Bare::new();
    let file = bare.blob(b"evil\n");
    let hook = bare.tree(&[("100755", b"post-checkout", &file)]);
    let git_folder = bare.tree(&[("40000", b"hooks", &hook)]);
    let long = vec![b'x'; 5000];
    let mut entries: Vec<(&str, &[u8], &str)> = Vec::new();
    for name in [&b".."[..], b".", b".git", b".GIT"] {
        entries.push(("40000", name, &git_folder));
    }
    for name in [&b"a/../../x"[..], b"/abs", b"a/b", &long] {
        entries.push(("100644", name, &file));
    }
    let odd = [
        &b"C:\\x"[..],
        b"esc\x1b]0;t\x07",
        b"new\nline",
        b"nonutf8\xff",
        b"CON",
        b"-rf",
        b"dot.",
    ];
    for name in odd {
        entries.push(("100644", name, &file));
    }
    with_ok(&bare, &entries);
    let mut snapshot = bare.open().unwrap();
    let listed = listing(&*snapshot);
    let dropped: Vec<_> = listed.iter().filter(|(_, reason)| reason.is_some()).collect();
    assert!(dropped.iter().all(|(_, reason)| *reason == Some(Reason::BadPath)));
    assert_eq!(dropped.len(), 8);
    assert!(snapshot.entries().iter().all(|entry| entry.path.len() <= 4096));
    assert_eq!(read_all(&mut *snapshot).len(), odd.len() + 1);
}

#[test]
fn links_submodules_and_odd_modes() {
    let bare = Bare::new();
    let file = bare.blob(b"x\n");
    let target = bare.blob(b"/etc/passwd");
    let sub = bare.tree(&[("100644", b"pwned", &file)]);
    let missing = "1".repeat(40);
    with_ok(
        &bare,
        &[
            ("120000", b"a", &target),
            ("40000", b"a", &sub),
            ("120000", b"link", &target),
            ("160000", b"submodule", &missing),
            ("100664", b"group-writable", &file),
            ("100755", b"script", &file),
            ("0", b"zero", &file),
            ("10644", b"fifo", &file),
            ("100644", b"twice", &file),
            ("100755", b"twice", &file),
        ],
    );
    let mut snapshot = bare.open().unwrap();
    let expected = [
        ("a", Some(Reason::Symlink)),
        ("a/pwned", None),
        ("fifo", Some(Reason::SpecialFile)),
        ("group-writable", None),
        ("link", Some(Reason::Symlink)),
        ("ok.rs", None),
        ("script", None),
        ("submodule", Some(Reason::Submodule)),
        ("twice", None),
        ("zero", Some(Reason::SpecialFile)),
    ];
    let expected: Vec<_> = expected.map(|(path, reason)| (path.to_owned(), reason)).into();
    assert_eq!(listing(&*snapshot), expected);
    assert_eq!(read(&mut *snapshot, "link").unwrap_err().reason, Reason::Symlink);
    assert_eq!(read_all(&mut *snapshot).len(), 5);
}

#[test]
fn a_tree_bomb_ends_at_the_limit() {
    let bare = Bare::new();
    let file = bare.blob(b"boom\n");
    let names: Vec<String> = (0..10).map(|n| format!("d{n}")).collect();
    let level = |mode: &'static str, id: &str| {
        let entries: Vec<_> = names.iter().map(|name| (mode, name.as_bytes(), id)).collect();
        bare.tree(&entries)
    };
    let mut tree = level("100644", &file);
    for _ in 0..5 {
        tree = level("40000", &tree);
    }
    bare.commit(&tree);
    check_refused(bare.path(), ErrorKind::TooManyEntries, "200000");
    // Nothing but folders, thirty levels of ten: no file ever comes.
    let mut tree = bare.tree(&[]);
    for _ in 0..30 {
        tree = level("40000", &tree);
    }
    bare.commit(&tree);
    git(bare.path(), &["gc", "-q", "--prune=now"]);
    check_refused(bare.path(), ErrorKind::TooManyEntries, "200000");
}

#[test]
fn a_tree_of_giant_names_ends_at_the_listing_limit() {
    let bare = Bare::new();
    let name = vec![b'n'; 1 << 20];
    let leaf = bare.tree(&[("100644", &name, &bare.blob(b"x"))]);
    let names: Vec<String> = (0..1000).map(|n| format!("d{n:03}")).collect();
    let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_bytes(), &leaf[..])).collect();
    bare.commit(&bare.tree(&entries));
    check_refused(bare.path(), ErrorKind::TooManyEntries, "bytes");
    // One giant tree is an unreadable folder.
    let giant = vec![b'n'; 33 << 20];
    let leaf = bare.tree(&[("100644", &giant, &bare.blob(b"x"))]);
    with_ok(&bare, &[("40000", b"giant", &leaf)]);
    let listed = listing(&*bare.open().unwrap());
    assert_eq!(
        listed,
        [
            ("giant".to_owned(), Some(Reason::Unreadable)),
            ("ok.rs".to_owned(), None)
        ]
    );
}

#[test]
fn deep_folders_end_at_the_depth_limit() {
    let bare = Bare::new();
    let path = format!("{}f.rs", "d/".repeat(1900));
    let person = "A B <a@example.org> 1700000000 +0100";
    let script = format!(
        "commit refs/heads/main\ncommitter {person}\ndata 1\nx\n\
         M 100644 inline {path}\ndata 2\nx\n\nM 100644 inline ok.rs\ndata 2\nx\n\n"
    );
    git_with_input(bare.path(), &["fast-import", "--quiet"], script.as_bytes());
    let listed = listing(&*bare.open().unwrap());
    let deepest = ["d"; 64].join("/");
    assert_eq!(listed, [(deepest, Some(Reason::BadPath)), ("ok.rs".to_owned(), None)]);
    let limits = Limits {
        max_depth: 1024,
        max_path_bytes: 100,
        ..Limits::default()
    };
    let snapshot = open_path(bare.path(), &limits).unwrap();
    assert_eq!(snapshot.entries()[0].path.len(), 100);
    assert_eq!(snapshot.entries()[0].verdict.reason(), Some(Reason::BadPath));
}

#[test]
fn a_blob_of_300_megabytes_is_not_decoded() {
    let bare = Bare::new();
    let zeros = std::fs::File::create(bare.path().join("zeros")).unwrap();
    zeros.set_len(300 << 20).unwrap();
    let big = git(bare.path(), &["-c", "core.compression=1", "hash-object", "-w", "zeros"]);
    let big = std::str::from_utf8(&big).unwrap().trim();
    with_ok(&bare, &[("100644", b"big.rs", big)]);
    for packed in [false, true] {
        if packed {
            git(bare.path(), &["-c", "core.bigFileThreshold=64m", "repack", "-adq"]);
        }
        let mut snapshot = bare.open().unwrap();
        let mut buffer = Vec::new();
        let failure = snapshot.read(0, &mut buffer).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge);
        assert!(failure.detail.contains("314572800"), "{failure}");
        assert_eq!(buffer.capacity(), 0, "nothing was decoded");
        assert_eq!(read_all_but(&mut *snapshot, 0), 1);
    }
}

/// Reads every kept entry but `skip`, and counts them.
fn read_all_but(snapshot: &mut dyn codelupe_forge::Snapshot, skip: usize) -> usize {
    let mut buffer = Vec::new();
    let others = (0..snapshot.entries().len()).filter(|index| *index != skip);
    others
        .filter(|index| snapshot.read(*index, &mut buffer).is_ok())
        .count()
}

#[test]
fn a_small_delta_of_a_giant_base_is_not_decoded() {
    let bare = Bare::new();
    let mut giant: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let base = bare.blob(&giant);
    giant.truncate(9 << 20);
    let small = bare.blob(&giant);
    // git compares neighbors in the order of a hash of their paths: the later letter makes the giant the base.
    let folders = [&base, &small].map(|id| bare.tree(&[("100644", b"f", id)]));
    with_ok(&bare, &[("40000", b"z", &folders[0]), ("40000", b"a", &folders[1])]);
    git(bare.path(), &["repack", "-adfq", "--depth=50", "--window=10"]);
    let question = ["cat-file", "--batch-check=%(deltabase)"];
    assert_eq!(git_word(bare.path(), &question, small.as_bytes()), base);
    let check = |max_decode_bytes: usize, expected: Result<usize, Reason>| {
        let limits = Limits {
            max_decode_bytes,
            max_tree_bytes: 1 << 20,
            ..Limits::default()
        };
        let mut snapshot = open_path(bare.path(), &limits).unwrap();
        let failure = read(&mut *snapshot, "z/f").map(|content| content.len()).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge);
        let small = read(&mut *snapshot, "a/f").map(|content| content.len());
        assert_eq!(small.map_err(|failure| failure.reason), expected);
        assert_eq!(read(&mut *snapshot, "ok.rs").unwrap(), b"fn ok() {}\n");
    };
    // Two buffers as large as the base, 12 MB each.
    check(32 << 20, Ok(9 << 20));
    check(16 << 20, Err(Reason::Unreadable));
}

#[test]
fn a_missing_object_is_one_unreadable_file() {
    let bare = Bare::new();
    let lost = bare.blob(b"lost\n");
    let sub = bare.tree(&[("100644", b"x", &lost)]);
    with_ok(
        &bare,
        &[
            ("40000", b"gone", &sub),
            ("100644", b"lost", &lost),
            ("100644", b"tree-as-blob", &sub),
        ],
    );
    std::fs::remove_file(bare.loose(&lost)).unwrap();
    let mut snapshot = bare.open().unwrap();
    for path in ["lost", "gone/x", "tree-as-blob"] {
        assert_eq!(
            read(&mut *snapshot, path).unwrap_err().reason,
            Reason::Unreadable,
            "{path}"
        );
    }
    assert_eq!(read(&mut *snapshot, "ok.rs").unwrap(), b"fn ok() {}\n");
    std::fs::remove_file(bare.loose(&sub)).unwrap();
    let listed = listing(&*bare.open().unwrap());
    assert_eq!(listed[0], ("gone".to_owned(), Some(Reason::Unreadable)));
}

#[test]
fn content_that_is_not_what_its_id_says_is_refused() {
    let bare = Bare::new();
    let (wanted, other) = (bare.blob(b"popular file\n"), bare.blob(b"poison\n"));
    with_ok(&bare, &[("100644", b"f", &wanted)]);
    std::fs::copy(bare.loose(&other), bare.loose(&wanted)).unwrap();
    let failure = read(&mut *bare.open().unwrap(), "f").unwrap_err();
    assert_eq!(failure.reason, Reason::Unreadable);
    assert!(failure.detail.contains("hash"), "{failure}");
}

#[test]
fn a_missing_commit_tree_or_head_is_an_error() {
    let bare = Bare::new();
    let commit = with_ok(&bare, &[]);
    let tree = String::from_utf8(git(bare.path(), &["rev-parse", "HEAD^{tree}"])).unwrap();
    let blob = bare.blob(b"fn ok() {}\n");
    let check = |head: &str, word: &str| {
        std::fs::write(bare.path().join("HEAD"), head).unwrap();
        check_refused(bare.path(), ErrorKind::Corrupt, word);
    };
    check(&blob, "is a blob");
    check(&"1".repeat(40), "missing");
    check("", "HEAD");
    check("ref: refs/../../x", "HEAD");
    check("ref: HEAD", "HEAD");
    std::fs::write(bare.path().join("HEAD"), &commit).unwrap();
    assert_eq!(bare.open().unwrap().entries().len(), 1);
    std::fs::remove_file(bare.loose(tree.trim())).unwrap();
    check(&commit, "root tree");
    let tagless = bare.object("commit", b"nothing here\n");
    check(&tagless, "first header");
    let mut circle = bare.path().join("refs/heads/a");
    std::fs::write(&circle, "ref: refs/heads/b").unwrap();
    circle.set_file_name("b");
    std::fs::write(&circle, "ref: refs/heads/a").unwrap();
    check("ref: refs/heads/a", "circle");
}

#[test]
fn a_flipped_byte_in_a_pack_loses_files_and_never_more() {
    let bare = Bare::new();
    let mut entries = Vec::new();
    let blobs: Vec<String> = (0..40_u32)
        .map(|n| {
            bare.blob(
                (0..200)
                    .map(|line| format!("file {n} line {}\n", line * n))
                    .collect::<Vec<_>>()
                    .concat()
                    .as_bytes(),
            )
        })
        .collect();
    let names: Vec<String> = (0..40).map(|n| format!("f{n:02}")).collect();
    for (name, blob) in names.iter().zip(&blobs) {
        entries.push(("100644", name.as_bytes(), &blob[..]));
    }
    bare.commit(&bare.tree(&entries));
    git(bare.path(), &["gc", "-q", "--prune=now"]);
    let mut good = bare.open().unwrap();
    let expected = read_all(&mut *good);
    assert_eq!(expected.len(), 40);
    for extension in ["pack", "idx"] {
        let path = bare.pack(extension);
        let content = std::fs::read(&path).unwrap();
        let mut lost = 0;
        for at in (0..content.len()).step_by(content.len() / 150) {
            let mut broken = content.clone();
            broken[at] ^= 0x55;
            std::fs::write(&path, &broken).unwrap();
            // A refused repository is fine too; a wrong content, a panic or a hang is not.
            let Ok(mut snapshot) = bare.open() else {
                lost += 1;
                continue;
            };
            let mut buffer = Vec::new();
            for index in 0..snapshot.entries().len() {
                match snapshot.read(index, &mut buffer) {
                    Ok(()) => assert!(expected.iter().any(|(_, content)| *content == buffer), "flip at {at}"),
                    Err(failure) => {
                        assert_eq!(failure.reason, Reason::Unreadable, "{failure}");
                        lost += 1;
                    }
                }
            }
        }
        assert!(lost > 0, "no flip in the {extension} was noticed");
        for length in [0, 4, content.len() / 2, content.len() - 1] {
            std::fs::write(&path, &content[..length]).unwrap();
            if let Ok(mut snapshot) = bare.open() {
                let mut buffer = Vec::new();
                for index in 0..snapshot.entries().len() {
                    if snapshot.read(index, &mut buffer).is_ok() {
                        assert!(
                            expected.iter().any(|(_, content)| *content == buffer),
                            "cut at {length}"
                        );
                    }
                }
            }
        }
        std::fs::write(&path, &content).unwrap();
    }
    assert_eq!(read_all(&mut *bare.open().unwrap()), expected);
}

#[test]
fn other_formats_are_named() {
    let sha256 = folder();
    let init = ["init", "-q", "--bare", "-b", "main", "--object-format=sha256", "."];
    git(sha256.path(), &init);
    check_refused(sha256.path(), ErrorKind::Unsupported, "SHA-256");
    let bare = Bare::new();
    with_ok(&bare, &[]);
    std::fs::write(bare.path().join("HEAD"), "1".repeat(64)).unwrap();
    check_refused(bare.path(), ErrorKind::Unsupported, "SHA-256");
    git(bare.path(), &["config", "extensions.refStorage", "reftable"]);
    check_refused(bare.path(), ErrorKind::Unsupported, "reftable");
}

#[test]
fn objects_of_another_repository_are_not_borrowed() {
    let (private, hostile) = (Bare::new(), Bare::new());
    let commit = with_ok(&private, &[]);
    std::fs::write(hostile.path().join("HEAD"), &commit).unwrap();
    let alternates = hostile.path().join("objects/info/alternates");
    std::fs::create_dir_all(alternates.parent().unwrap()).unwrap();
    let objects = private.path().join("objects");
    std::fs::write(&alternates, objects.as_os_str().as_bytes()).unwrap();
    assert_eq!(
        git(hostile.path(), &["cat-file", "-t", "HEAD"]),
        b"commit\n",
        "git itself borrows"
    );
    check_refused(hostile.path(), ErrorKind::OutsideRepository, "alternates");
    // Three other ways to the same objects.
    std::fs::remove_file(&alternates).unwrap();
    symlink(
        objects.join(&commit[..2]),
        hostile.path().join("objects").join(&commit[..2]),
    )
    .unwrap();
    check_refused(hostile.path(), ErrorKind::OutsideRepository, "objects/");
    std::fs::remove_dir_all(hostile.path().join("objects")).unwrap();
    std::fs::create_dir(hostile.path().join("objects")).unwrap();
    std::fs::write(hostile.path().join("commondir"), private.path().as_os_str().as_bytes()).unwrap();
    check_refused(hostile.path(), ErrorKind::OutsideRepository, "commondir");
    let work_tree = folder();
    write(work_tree.path(), b"own.rs", b"fn own() {}\n");
    let pointer = [b"gitdir: ", private.path().as_os_str().as_bytes(), b"\n"].concat();
    write(work_tree.path(), b".git", &pointer);
    let mut snapshot = open_path(work_tree.path(), &Limits::default()).unwrap();
    assert_eq!(snapshot.repository().forge, "folder");
    assert_eq!(
        read_all(&mut *snapshot),
        [(b"own.rs".to_vec(), b"fn own() {}\n".to_vec())]
    );
}

#[test]
fn a_fifo_or_link_in_the_git_folder_never_blocks() {
    let check = |path: &str, kind: ErrorKind| {
        let bare = Bare::new();
        let commit = with_ok(&bare, &[]);
        let path = bare
            .path()
            .join(path.replace("COMMIT", &format!("{}/{}", &commit[..2], &commit[2..])));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        make_fifo(&path);
        let error = open_error(bare.path(), &Limits::default());
        assert_eq!(error.kind(), kind, "{error}");
        std::fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let error = open_error(bare.path(), &Limits::default());
        assert_eq!(error.kind(), kind, "{error}");
    };
    check("config", ErrorKind::OutsideRepository);
    check("refs/heads/main", ErrorKind::OutsideRepository);
    check("objects/COMMIT", ErrorKind::OutsideRepository);
    check("objects/pack/pack-1.idx", ErrorKind::OutsideRepository);
    check("objects/pack/pack-1.pack", ErrorKind::OutsideRepository);
    check("objects/info/alternates", ErrorKind::OutsideRepository);
    // `HEAD` decides whether it is a repository at all.
    let bare = Bare::new();
    std::fs::remove_file(bare.path().join("HEAD")).unwrap();
    make_fifo(&bare.path().join("HEAD"));
    assert_eq!(
        open_path(bare.path(), &Limits::default()).unwrap().repository().forge,
        "folder"
    );
    let located = codelupe_forge::Located {
        kind: codelupe_forge::Kind::Git,
        ..locate(bare.path())
    };
    let error = revision(&located, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutsideRepository);
}

#[test]
fn configuration_runs_and_includes_nothing() {
    let bare = Bare::new();
    with_ok(&bare, &[]);
    let mark = bare.path().join("PWNED");
    let run = format!("touch {}", mark.display());
    let secret = folder();
    write(
        secret.path(),
        b"included",
        b"[remote \"origin\"]\n\turl = https://example.org/from/include\n",
    );
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "uploadpack.packObjectsHook",
        "alias.x",
    ] {
        git(bare.path(), &["config", key, &run]);
    }
    git(
        bare.path(),
        &[
            "config",
            "include.path",
            secret.path().join("included").to_str().unwrap(),
        ],
    );
    git(bare.path(), &["config", "core.worktree", "/"]);
    for hook in ["post-checkout", "reference-transaction", "pre-auto-gc"] {
        write(
            bare.path(),
            format!("hooks/{hook}").as_bytes(),
            format!("#!/bin/sh\n{run}\n").as_bytes(),
        );
    }
    let mut snapshot = bare.open().unwrap();
    assert_eq!(read_all(&mut *snapshot).len(), 1);
    assert!(!snapshot.repository().origin.contains("include"));
    assert!(!mark.exists());
    // A configuration that is no configuration says nothing.
    std::fs::write(
        bare.path().join("config"),
        [b"[[[\0\xff".as_slice(), &vec![b'['; 1 << 16]].concat(),
    )
    .unwrap();
    assert_eq!(read_all(&mut *bare.open().unwrap()).len(), 1);
    std::fs::remove_file(bare.path().join("config")).unwrap();
    assert_eq!(read_all(&mut *bare.open().unwrap()).len(), 1);
}

#[test]
fn a_long_delta_chain_is_refused_and_the_limit_is_exact() {
    let bare = Bare::new();
    // Each version shortens one more line, so that its nearest neighbor is its best base.
    let line = |n: u32| format!("{:x} {:x}\n", n.wrapping_mul(2_654_435_761), n.wrapping_mul(40_503));
    let version = |changed: u32| {
        let lines = (0..300).map(|n| {
            if n < changed {
                format!("{}\n", n * 7919)
            } else {
                line(n)
            }
        });
        lines.collect::<Vec<_>>().concat()
    };
    let mut newest = String::new();
    let mut blob = String::new();
    for changed in 0..30 {
        blob = bare.blob(version(changed).as_bytes());
        newest = bare.commit(&bare.tree(&[("100644", b"f", &blob)]));
        git(bare.path(), &["update-ref", &format!("refs/tags/v{changed}"), &newest]);
    }
    git(bare.path(), &["repack", "-adfq", "--depth=30", "--window=10"]);
    let idx = bare.pack("idx");
    let verified = String::from_utf8(git(bare.path(), &["verify-pack", "-v", idx.to_str().unwrap()])).unwrap();
    // Columns: id, kind, size, size in pack, offset, depth, base.
    let depth = verified
        .lines()
        .filter(|line| line.starts_with(&blob))
        .find_map(|line| line.split_whitespace().nth(5)?.parse::<u32>().ok())
        .unwrap();
    assert!(depth > 2, "the fixture has a chain of {depth}");
    std::fs::write(bare.path().join("HEAD"), newest).unwrap();
    let check = |max_delta_chain: u32, expected: bool| {
        let limits = Limits {
            max_delta_chain,
            ..Limits::default()
        };
        let mut snapshot = open_path(bare.path(), &limits).unwrap();
        let failure = read(&mut *snapshot, "f").err();
        assert_eq!(failure.is_none(), expected, "{failure:?}");
        assert!(failure.is_none_or(|failure| failure.detail.contains(&format!("{depth} links"))));
    };
    check(depth, true);
    check(depth - 1, false);
}
