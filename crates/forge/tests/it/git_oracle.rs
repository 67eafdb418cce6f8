//! What is read equals what the git command line says.

use std::collections::BTreeMap;
use std::path::Path;

use codelupe_core::{BlobId, Reason, Verdict};
use codelupe_forge::{Kind, Limits, Snapshot, revision};

use crate::fixture::{Bare, folder, git, git_with_input, git_word, listing, locate, open_path, read_all, write};

/// Every blob and its content by `ls-tree` and `cat-file`, symbolic links and submodules left aside.
fn files_by_git(repository: &Path) -> BTreeMap<Vec<u8>, (String, Vec<u8>)> {
    let listing = git(repository, &["ls-tree", "-r", "-z", "HEAD"]);
    let mut files = BTreeMap::new();
    for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let words: Vec<&str> = std::str::from_utf8(&line[..tab]).unwrap().split(' ').collect();
        if words[1] == "blob" && words[0] != "120000" {
            let content = git(repository, &["cat-file", "blob", words[2]]);
            files.insert(line[tab + 1..].to_vec(), (words[2].to_owned(), content));
        }
    }
    files
}

/// Compares ids, paths and contents of everything that is kept or empty.
fn check_against_git(repository: &Path) -> Box<dyn Snapshot> {
    let mut snapshot = open_path(repository, &Limits::default()).unwrap();
    assert_eq!(snapshot.repository().forge, "git");
    assert!(snapshot.entries().is_sorted_by(|a, b| a.path < b.path));
    let expected = files_by_git(repository);
    let listed: BTreeMap<Vec<u8>, String> = snapshot
        .entries()
        .iter()
        .filter_map(|entry| Some((entry.path.to_vec(), entry.blob?.to_string())))
        .collect();
    let ids = expected.iter().map(|(path, (id, _))| (path.clone(), id.clone()));
    assert_eq!(listed, ids.collect());
    for (path, content) in read_all(&mut *snapshot) {
        assert_eq!(content, expected[&path].1, "{}", path.escape_ascii());
    }
    let head = git_word(repository, &["rev-parse", "HEAD^{commit}"], b"");
    assert_eq!(snapshot.repository().commit.as_ref(), Some(&head));
    assert_eq!(snapshot.repository().committed_at, Some(1_700_000_000));
    assert_eq!(
        revision(&locate(repository), &Limits::default()).unwrap(),
        snapshot.repository().revision
    );
    snapshot
}

/// A repository with a history that packs into deltas.
fn with_history() -> tempfile::TempDir {
    let folder = folder();
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main", "."]);
    git(path, &["config", "core.fileMode", "false"]);
    let lines = |from: u32| {
        (from..from + 400)
            .map(|n| format!("line {n}\n"))
            .collect::<Vec<_>>()
            .concat()
    };
    for round in 0..6 {
        for file in 0..5 {
            let name = format!("src/deep/er/f{file}.rs");
            write(path, name.as_bytes(), lines(round * 7 + file).as_bytes());
        }
        write(path, b"empty", b"");
        write(path, b"a.b", b"dot before slash\n");
        write(path, b"a/b", b"slash\n");
        write(path, b"a-b", b"dash\n");
        write(path, "größe\n\x1b[31m.c".as_bytes(), b"odd name\n");
        write(path, b"bad\xff\xfe.c", b"not UTF-8\n");
        write(path, b"run.sh", format!("#!/bin/sh\n# {round}\n").as_bytes());
        git(path, &["add", "-A"]);
        git(path, &["update-index", "--chmod=+x", "run.sh"]);
        git(path, &["commit", "-q", "-m", "x"]);
    }
    folder
}

#[test]
fn loose_packed_and_mixed_objects_read_the_same() {
    let folder = with_history();
    let path = folder.path();
    let loose = listing(&*check_against_git(path));
    assert_eq!(
        loose
            .iter()
            .filter(|(_, reason)| *reason == Some(Reason::Empty))
            .count(),
        1
    );
    git(path, &["gc", "-q", "--aggressive", "--prune=now"]);
    let chains = git(path, &["rev-list", "--objects", "--all", "--disk-usage"]);
    assert!(!chains.is_empty());
    assert_eq!(listing(&*check_against_git(path)), loose);
    write(path, b"later.rs", b"fn later() {}\n");
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", "later"]);
    assert_eq!(listing(&*check_against_git(path)).len(), loose.len() + 1);
    git(path, &["repack", "-q", "-d", "--write-midx"]);
    check_against_git(path);
}

#[test]
fn deltas_are_resolved() {
    let folder = with_history();
    git(folder.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    // An old commit: its blobs are deltas of the newer ones.
    git(folder.path(), &["checkout", "-q", "HEAD~5"]);
    let depths = git_with_input(
        folder.path(),
        &["cat-file", "--batch-check=%(deltabase)"],
        &git(folder.path(), &["ls-tree", "-r", "--format=%(objectname)", "HEAD"]),
    );
    let zeros = "0".repeat(40);
    let deltas = String::from_utf8(depths)
        .unwrap()
        .lines()
        .filter(|base| *base != zeros)
        .count();
    assert!(deltas >= 3, "the fixture has {deltas} deltas");
    check_against_git(folder.path());
}

#[test]
fn a_detached_head_a_packed_branch_and_a_tag_lead_to_the_commit() {
    let folder = with_history();
    let path = folder.path();
    git(path, &["tag", "-a", "-m", "t", "v1"]);
    git(path, &["tag", "-a", "-m", "t", "v2", "v1"]);
    git(path, &["pack-refs", "--all"]);
    assert!(!path.join(".git/refs/heads/main").exists());
    check_against_git(path);
    git(path, &["symbolic-ref", "HEAD", "refs/tags/v2"]);
    let tagged = check_against_git(path);
    assert_ne!(tagged.repository().commit.as_ref(), Some(&tagged.repository().revision));
    git(path, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    git(path, &["checkout", "-q", "--detach", "HEAD~2"]);
    check_against_git(path);
}

#[test]
fn the_work_tree_plays_no_part() {
    let folder = with_history();
    write(folder.path(), b"src/deep/er/f0.rs", b"changed\n");
    write(folder.path(), b"untracked.rs", b"new\n");
    std::fs::remove_file(folder.path().join("run.sh")).unwrap();
    check_against_git(folder.path());
}

#[test]
fn attributes_and_filters_change_no_byte() {
    let folder = folder();
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main", "."]);
    let attributes =
        "secret.rs export-ignore\nver.c export-subst\ncrlf.txt text eol=crlf\nid.c ident\nbig.bin filter=lfs\n";
    write(path, b".gitattributes", attributes.as_bytes());
    write(path, b"crlf.txt", b"a\nb\n");
    write(path, b"id.c", b"// $Id$\n");
    write(path, b"secret.rs", b"// hidden\n");
    write(path, b"ver.c", b"char *v = \"$Format:%H$\";\n");
    write(path, b"big.bin", b"version https://git-lfs.github.com/spec/v1\n");
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", "x"]);
    assert_eq!(check_against_git(path).entries().len(), 6);
}

#[test]
fn replace_references_are_not_followed() {
    let bare = Bare::new();
    let (a, b) = (bare.blob(b"original\n"), bare.blob(b"replaced\n"));
    bare.commit(&bare.tree(&[("100644", b"f", &a)]));
    git(bare.path(), &["replace", &a, &b]);
    let mut snapshot = bare.open().unwrap();
    assert_eq!(read_all(&mut *snapshot), [(b"f".to_vec(), b"original\n".to_vec())]);
}

#[test]
fn a_repository_without_commits_is_empty() {
    let bare = Bare::new();
    let snapshot = bare.open().unwrap();
    assert!(snapshot.entries().is_empty());
    assert_eq!(snapshot.repository().commit, None);
    assert_eq!(
        revision(&locate(bare.path()), &Limits::default()).unwrap(),
        snapshot.repository().revision
    );
    // An orphan branch beside commits is as unborn.
    bare.commit(&bare.tree(&[("100644", b"f", &bare.blob(b"x"))]));
    git(bare.path(), &["symbolic-ref", "HEAD", "refs/heads/main/sub"]);
    assert!(bare.open().unwrap().entries().is_empty());
    git(bare.path(), &["symbolic-ref", "HEAD", "refs/heads"]);
    assert!(bare.open().unwrap().entries().is_empty());
}

#[test]
fn the_origin_is_shown_without_credentials() {
    let folder = with_history();
    let path = folder.path();
    let origin = || open_path(path, &Limits::default()).unwrap().repository().origin.clone();
    assert_eq!(origin(), std::fs::canonicalize(path).unwrap().to_str().unwrap());
    git(
        path,
        &["remote", "add", "origin", "https://user:SECRET@example.org/a/b.git"],
    );
    assert_eq!(origin(), "https://example.org/a/b.git");
}

#[test]
fn the_name_is_the_folder_and_git_wins_over_crate() {
    let outer = folder();
    let path = outer.path().join("serde-1.0.0");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "-q", "-b", "main", "."]);
    write(&path, b".cargo-ok", b"");
    let located = locate(&path);
    assert_eq!((located.name.as_str(), located.kind), ("serde-1.0.0", Kind::Git));
    assert_eq!(
        open_path(&path, &Limits::default()).unwrap().repository().family,
        "serde-1.0.0"
    );
}

#[test]
fn ids_of_what_was_read_are_those_of_hash_object() {
    let folder = with_history();
    let mut snapshot = open_path(folder.path(), &Limits::default()).unwrap();
    let mut buffer = Vec::new();
    for index in 0..snapshot.entries().len() {
        let entry = snapshot.entries()[index].clone();
        if entry.verdict == Verdict::Kept {
            snapshot.read(index, &mut buffer).unwrap();
            let by_git = git_word(folder.path(), &["hash-object", "--stdin"], &buffer);
            assert_eq!(BlobId::of(&buffer).to_string(), by_git);
            assert_eq!(entry.blob.unwrap().to_string(), by_git);
        }
    }
}
