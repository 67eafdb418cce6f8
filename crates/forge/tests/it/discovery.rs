//! Which repositories a source has.

use std::os::unix::fs::symlink;
use std::path::Path;

use codelupe_core::error::ErrorCode;
use codelupe_forge::{ErrorKind, Kind, Source, discover};

use crate::fixture::{folder, git, local, write};

fn found(source: &Source) -> Vec<(String, Kind)> {
    let located = local(discover(source).unwrap());
    assert!(
        located
            .iter()
            .all(|located| located.path.is_absolute() && located.path.is_dir())
    );
    assert!(located.is_sorted_by(|a, b| a.name < b.name));
    located
        .into_iter()
        .map(|located| (located.name.to_string(), located.kind))
        .collect()
}

fn check(source: &Source, expected: &[(&str, Kind)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), *kind))
        .collect();
    assert_eq!(found(source), expected, "{source}");
}

fn init(path: &Path, bare: bool) {
    std::fs::create_dir_all(path).unwrap();
    git(
        path,
        if bare {
            &["init", "-q", "--bare", "."]
        } else {
            &["init", "-q", "."]
        },
    );
}

#[test]
fn a_repository_is_one_repository() {
    let outer = folder();
    let path = outer.path().join("work");
    init(&path, false);
    write(&path, b"child/f", b"x");
    check(&Source::Auto(path.clone()), &[("work", Kind::Git)]);
    let bare = outer.path().join("bare.git");
    init(&bare, true);
    check(&Source::Auto(bare), &[("bare", Kind::Git)]);
    let plain = outer.path().join("plain");
    write(&plain, b"child/grand/f", b"x");
    check(&Source::Auto(plain.clone()), &[("plain", Kind::Folder)]);
    check(&Source::Repositories(plain), &[("child", Kind::Folder)]);
    check(
        &Source::Repository(outer.path().join("work/../plain/.")),
        &[("plain", Kind::Folder)],
    );
}

#[test]
fn children_are_repositories_as_soon_as_one_is() {
    let outer = folder();
    let path = outer.path();
    init(&path.join("b"), false);
    init(&path.join("a.git"), true);
    write(path, b"c/f", b"x");
    write(path, b"d-1.0.0/.cargo-ok", b"");
    write(path, b"e/Cargo.toml", b"");
    write(path, b"e/.cargo_vcs_info.json", b"");
    write(path, b"worktree/.git", b"gitdir: /elsewhere\n");
    write(path, b".github/README", b"x");
    write(path, b"a file", b"x");
    symlink("/etc", path.join("link")).unwrap();
    let expected = [
        (".github", Kind::Folder),
        ("a", Kind::Git),
        ("b", Kind::Git),
        ("c", Kind::Folder),
        ("d-1.0.0", Kind::Crate),
        ("e", Kind::Crate),
        ("worktree", Kind::Folder),
    ];
    check(&Source::Auto(path.to_owned()), &expected);
    check(&Source::Repositories(path.to_owned()), &expected);
}

#[test]
fn owners_hold_repositories() {
    let outer = folder();
    let path = outer.path();
    init(&path.join("owner/name"), false);
    init(&path.join("other/bare.git"), true);
    write(path, b"other/notes/f", b"x");
    write(path, b"index/serde-1.0.0/.cargo-ok", b"");
    let expected = [
        ("index/serde-1.0.0", Kind::Crate),
        ("other/bare", Kind::Git),
        ("owner/name", Kind::Git),
    ];
    check(&Source::Auto(path.to_owned()), &expected);
}

#[test]
fn names_are_printable_and_unique() {
    let outer = folder();
    let path = outer.path();
    init(&path.join("x"), false);
    init(&path.join("x.git"), true);
    write(path, b"esc\x1b/f", b"x");
    write(path, b"bad\xff/f", b"x");
    write(path, b"bad\\xff/f", b"x");
    let expected = [
        ("bad\\xff", Kind::Folder),
        ("bad\\xff~2", Kind::Folder),
        ("esc\\u{1b}", Kind::Folder),
        ("x", Kind::Git),
        ("x~2", Kind::Git),
    ];
    check(&Source::Auto(path.to_owned()), &expected);
}

#[test]
fn a_git_folder_behind_a_link_is_not_followed() {
    let outer = folder();
    let path = outer.path();
    init(&path.join("private"), false);
    std::fs::create_dir(path.join("hostile")).unwrap();
    symlink("../private/.git", path.join("hostile/.git")).unwrap();
    check(&Source::Repository(path.join("hostile")), &[("hostile", Kind::Folder)]);
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let outer = folder();
    write(outer.path(), b"file", b"x");
    let check = |name: &str, kind: ErrorKind, code: ErrorCode| {
        for source in [
            Source::Auto(outer.path().join(name)),
            Source::Repositories(outer.path().join(name)),
            Source::Repository(outer.path().join(name)),
        ] {
            let error = discover(&source).unwrap_err();
            assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    };
    check("absent", ErrorKind::NotFound, ErrorCode::NotFound);
    check("file", ErrorKind::NotAFolder, ErrorCode::Validation);
    let empty = outer.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(discover(&Source::Repositories(empty)).unwrap().is_empty());
}
