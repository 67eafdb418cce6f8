//! Archives that somebody made who wants to do harm, or that did not come in well.

use std::io::{self, BufReader, Read};

use tar::{EntryType, Header};

use super::*;

#[test]
fn what_is_no_file_or_lies_outside_is_recorded_and_the_rest_arrives() {
    check(
        |tar| {
            let tar = tar
                .header(b'1', "name-0123/hard", 0)
                .changed_header(b'2', "name-0123/link", 0, |header| {
                    header.set_link_name("../../etc/passwd").unwrap();
                })
                .header(b'3', "name-0123/null", 0)
                .header(b'4', "name-0123/disk", 0)
                .header(b'6', "name-0123/fifo", 0)
                .member(b'V', "name-0123/label", b"of another program")
                .member(b'0', "/etc/passwd", b"absolute")
                .member(b'0', "../escaped", b"up")
                .member(b'0', "name-0123/../../escaped", b"up")
                .member(b'0', "name-0123/.git/hooks/post-checkout", b"#!/bin/sh")
                .member(b'0', "other/x", b"another folder")
                .member(b'0', "name-0123", b"the folder as a file")
                .member(b'5', "name-0123/.GIT/", b"")
                .member(b'0', "name-0123/esc\x1b]0;x\x07", b"odd")
                .member(b'0', "name-0123/twice", b"first")
                .member(b'0', "name-0123/twice", b"second");
            tar.member(b'7', "name-0123/z", b"z")
        },
        &[
            ("../../escaped", "<bad_path>"),
            ("../escaped", "<bad_path>"),
            (".GIT/", "<bad_path>"),
            (".git/hooks/post-checkout", "<bad_path>"),
            ("/etc/passwd", "<bad_path>"),
            ("disk", "<special_file>"),
            ("esc\\x1b]0;x\\x07", "odd"),
            ("fifo", "<special_file>"),
            ("hard", "<special_file>"),
            ("label", "<special_file>"),
            ("link", "<symlink>"),
            ("name-0123", "<bad_path>"),
            ("null", "<special_file>"),
            ("other/x", "<bad_path>"),
            ("twice", "first"),
            ("z", "z"),
        ],
    );
    // An archive whose first member climbs out has no folder until a good one comes.
    let tar = Tar::default()
        .member(b'0', "../../root", b"x")
        .member(b'0', "/abs", b"x")
        .member(b'0', "file", b"x")
        .member(b'0', "name/a", b"a")
        .end();
    let mut all = all_of(read(&tar).unwrap());
    let found = all.iter().position(|(path, _)| path == "a").unwrap();
    assert_eq!(all.remove(found).1, "a");
    assert!(
        all.len() == 3 && all.iter().all(|(_, seen)| seen == "<bad_path>"),
        "{all:?}"
    );
}

#[test]
fn sparse_files_are_dropped_and_the_archive_stays_in_step() {
    check(
        |tar| {
            let tar = tar
                .pax(&[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", "name-0123/p1"),
                ])
                .member(b'0', "name-0123/GNUSparseFile.1/p1", b"1\n0\n1\nx")
                .pax(&[("GNU.sparse.size", "1000000000000"), ("path", "name-0123/p0")])
                .member(b'0', "name-0123/cut", b"x");
            // The map of the old form goes on in blocks that the size does not count.
            let mut gnu = Header::new_gnu();
            gnu.as_old_mut().name[..15].copy_from_slice(b"name-0123/s.old");
            gnu.set_entry_type(EntryType::GNUSparse);
            gnu.set_size(3);
            gnu.as_gnu_mut().unwrap().isextended = *b"1";
            gnu.set_cksum();
            let mut more = [0; 512];
            more[504] = 1;
            let tar = tar.content(gnu.as_bytes()).content(&more).content(&[0; 512]);
            tar.content(b"abc").member(b'0', "name-0123/z", b"z")
        },
        &[
            ("p0", "<special_file>"),
            ("p1", "<special_file>"),
            ("s.old", "<special_file>"),
            ("z", "z"),
        ],
    );
    let endless = Tar::of_git().changed_header(b'S', "name-0123/s", 3, |header| {
        let name = b"ustar  \0";
        header.as_mut_bytes()[257..265].copy_from_slice(name);
        header.as_mut_bytes()[482] = 1;
    });
    let mut map = [0; 512];
    map[504] = 1;
    let tar = [endless.0, map.repeat(1000)].concat();
    let few = Limits {
        max_tree_bytes: 1 << 10,
        max_listing_bytes: 100 << 10,
        ..Limits::default()
    };
    assert_eq!(
        kind_of(read_with(&gzip(&tar)[..], &few, &costs())),
        ErrorKind::TooManyEntries
    );
    let not_gnu = Tar::of_git().member(b'S', "name-0123/s", b"abc").end();
    assert_eq!(kind_of(read(&not_gnu)), ErrorKind::Corrupt);
}

#[test]
fn where_programs_would_disagree_the_archive_is_refused() {
    let refused = |members: fn(Tar) -> Tar| {
        let tar = members(Tar::of_git()).member(b'0', "name-0123/z", b"z").end();
        assert_eq!(kind_of(read(&tar)), ErrorKind::Corrupt);
    };
    for kind in *b"1234560" {
        let tar = Tar::of_git().member(kind, "name-0123/x", b"content").end();
        let read = read(&tar);
        assert_eq!(read.is_ok(), kind == b'0', "{}", char::from(kind));
    }
    refused(|tar| tar.pax(&[("size", "512")]).header(b'1', "name-0123/x", 0).content(b"x"));
    refused(|tar| tar.member(b'g', "pax_global_header", record("size", "1").as_bytes()));
    refused(|tar| tar.member(b'g', "pax_global_header", record("path", "name-0123/x").as_bytes()));
    refused(|tar| tar.pax(&[("size", "-1")]));
    refused(|tar| tar.pax(&[("size", "+1")]));
    refused(|tar| tar.pax(&[("size", "99999999999999999999")]));
    for bad in [
        "",
        " path=x\n",
        "9 path=x",
        "7 path=x\n",
        "99 path=x\n",
        "x path=x\n",
        "9 path-x\n",
        "0 a=b\n",
        "00000000000000000000000009 a=b\n",
    ] {
        let tar = Tar::of_git().member(b'x', "pax", bad.as_bytes()).end();
        assert_eq!(read(&tar).is_ok(), bad.is_empty(), "{bad}");
    }
    refused(|tar| tar.changed_header(b'0', "name-0123/x", 0, |header| header.as_old_mut().size = [0xff; 12]));
    refused(|tar| {
        tar.changed_header(b'0', "name-0123/x", 0, |header| {
            header.as_old_mut().size = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        })
    });
    refused(|tar| {
        tar.changed_header(b'0', "name-0123/x", 0, |header| {
            header.as_old_mut().size = *b"12345678901x";
        })
    });
    refused(|mut tar| {
        tar.0[10] ^= 1;
        tar
    });
}

#[test]
fn what_breaks_off_is_told_from_what_is_damaged() {
    let tar = Tar::of_git().member(b'0', "name-0123/a", &[b'x'; 3000]).end();
    let packed = gzip(&tar);
    for length in [0, 5, 10, 40, packed.len() - 9, packed.len() - 1] {
        let cut = read_with(&packed[..length], &Limits::default(), &costs());
        assert_eq!(kind_of(cut), ErrorKind::Network, "{length} bytes");
    }
    for length in [0, 100, 512, 600, tar.len() - 1024] {
        assert_eq!(kind_of(read(&tar[..length])), ErrorKind::Corrupt, "{length} bytes");
    }
    let mut changed = packed.clone();
    let crc = changed.len() - 6;
    changed[crc] ^= 1;
    assert_eq!(
        kind_of(read_with(&changed[..], &Limits::default(), &costs())),
        ErrorKind::Corrupt
    );
    let html = &b"<!DOCTYPE html><title>Sign in</title>"[..];
    assert_eq!(
        kind_of(read_with(html, &Limits::default(), &costs())),
        ErrorKind::Corrupt
    );
    let broken = BufReader::new(html.chain(Failing));
    assert_eq!(
        kind_of(read_with(
            BufReader::new(packed[..30].chain(broken)),
            &Limits::default(),
            &costs()
        )),
        ErrorKind::Corrupt
    );
    assert_eq!(
        kind_of(read_with(
            BufReader::new(packed[..30].chain(Failing)),
            &Limits::default(),
            &costs()
        )),
        ErrorKind::Refused
    );
}

/// A source that fails with an error of this crate, as a body does.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(Error::new(ErrorKind::Refused, "")))
    }
}

#[test]
fn junk_after_the_end_is_not_looked_at() {
    let mut tar = Tar::of_git().member(b'0', "name-0123/a", b"a").end();
    tar.extend_from_slice(&Tar::default().member(b'0', "name-0123/hidden", b"b").end());
    tar.extend_from_slice(b"junk");
    let packed = [gzip(&tar), b"more junk".to_vec(), gzip(&tar)].concat();
    let snapshot = read_with(&packed[..], &Limits::default(), &costs()).unwrap();
    assert_eq!(all_of(snapshot), [("a".to_owned(), "a".to_owned())]);
}
