//! Archives as forges make them, built block by block.

mod hostile;
mod limits;

use std::io::{BufRead, Write};
use std::time::Duration;

use codelupe_core::BlobId;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::*;
use crate::error::ErrorKind;
use crate::remote::Remote;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A tar archive in the making, block by block.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    /// One that begins as git's do.
    fn of_git() -> Self {
        let record = format!("52 comment={COMMIT}\n");
        Self::default()
            .member(b'g', "pax_global_header", record.as_bytes())
            .member(b'5', "name-0123/", b"")
    }

    fn member(self, kind: u8, path: &str, content: &[u8]) -> Self {
        self.header(kind, path, content.len() as u64).content(content)
    }

    fn header(self, kind: u8, path: &str, size: u64) -> Self {
        self.changed_header(kind, path, size, |_| ())
    }

    /// A header as `change` leaves it, with the checksum of that.
    fn changed_header(mut self, kind: u8, path: &str, size: u64, change: impl Fn(&mut Header)) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(EntryType::new(kind));
        header.set_size(size);
        header.set_mtime(1_700_000_000);
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    fn content(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let records: Vec<String> = records.iter().map(|(key, value)| record(key, value)).collect();
        self.member(b'x', "pax", records.concat().as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn costs() -> ArchiveLimits {
    ArchiveLimits {
        packed_bytes: 64 << 20,
        inflated_bytes: 256 << 20,
        deadline: Instant::now() + Duration::from_mins(1),
        spool_folder: std::env::temp_dir(),
    }
}

fn read_with(packed: impl BufRead, limits: &Limits, costs: &ArchiveLimits) -> Result<ArchiveSnapshot, Error> {
    let repository = Remote::at("https://example.org/owner/name")
        .unwrap()
        .describe(String::new());
    ArchiveSnapshot::read(packed, repository, None, limits, costs).map(Option::unwrap)
}

fn read(tar: &[u8]) -> Result<ArchiveSnapshot, Error> {
    read_with(&gzip(tar)[..], &Limits::default(), &costs())
}

fn kind_of(read: Result<ArchiveSnapshot, Error>) -> ErrorKind {
    match read {
        Ok(snapshot) => panic!("it was read: {:?}", snapshot.entries),
        Err(error) => error.kind(),
    }
}

/// Path, and content or reason, of all that is listed.
fn all_of(mut snapshot: ArchiveSnapshot) -> Vec<(String, String)> {
    let mut buffer = b"old".to_vec();
    (0..snapshot.entries.len())
        .map(|index| {
            let seen = match snapshot.read(index, &mut buffer) {
                Ok(()) => {
                    let entry = &snapshot.entries[index];
                    assert_eq!(
                        (entry.blob, entry.size),
                        (Some(BlobId::of(&buffer)), Some(buffer.len() as u64))
                    );
                    buffer.escape_ascii().to_string()
                }
                Err(failure) => format!("<{}>", failure.reason),
            };
            (snapshot.entries[index].path.escape_ascii().to_string(), seen)
        })
        .collect()
}

/// Reads an archive of git's folder with `members`, and compares what is listed.
fn check(members: impl Fn(Tar) -> Tar, expected: &[(&str, &str)]) {
    let tar = members(Tar::of_git()).end();
    let all = all_of(read(&tar).unwrap());
    let all: Vec<(&str, &str)> = all.iter().map(|(path, seen)| (&**path, &**seen)).collect();
    assert_eq!(all, expected);
}

#[test]
fn an_archive_of_git_is_read_and_marked() {
    let tar = Tar::of_git()
        .member(b'0', "name-0123/src/b.rs", b"fn b() {}\n")
        .member(b'5', "name-0123/src/", b"")
        .member(b'0', "name-0123/a.rs", b"fn a() {}\n")
        .member(b'0', "name-0123/empty", b"")
        .end();
    let snapshot = read(&tar).unwrap();
    let repository = snapshot.repository();
    assert_eq!(repository.commit.as_deref(), Some(COMMIT));
    assert_eq!(repository.revision, format!("archive:{COMMIT}"));
    assert_eq!(repository.committed_at, Some(1_700_000_000));
    let expected = [
        ("a.rs", "fn a() {}\\n"),
        ("empty", "<empty>"),
        ("src/b.rs", "fn b() {}\\n"),
    ];
    assert_eq!(
        all_of(snapshot),
        expected.map(|(path, seen)| (path.to_owned(), seen.to_owned()))
    );
}

#[test]
fn a_known_commit_ends_the_reading_and_one_that_is_not_named_is_known_by_its_files() {
    let repository = || {
        Remote::at("https://example.org/owner/name")
            .unwrap()
            .describe(String::new())
    };
    let with = |bytes: &[u8], known: &str| {
        ArchiveSnapshot::read(bytes, repository(), Some(known), &Limits::default(), &costs()).unwrap()
    };
    let known = format!("archive:{COMMIT}");
    // The rest of it would be refused.
    let begun = gzip(&Tar::of_git().header(b'5', "name-0123/x", 7).0);
    assert!(with(&begun, &known).is_none());
    let whole = gzip(&Tar::of_git().end());
    assert!(
        with(&whole, COMMIT).is_some(),
        "the same commit by git is another revision"
    );
    let nameless = |content: &[u8]| gzip(&Tar::default().member(b'0', "name/a", content).end());
    let revision = with(&nameless(b"1"), "").unwrap().repository.revision;
    assert!(with(&nameless(b"1"), &revision).is_none() && with(&nameless(b"2"), &revision).is_some());
}

#[test]
fn long_names_and_sizes_come_from_where_they_are_stated_last() {
    let long = format!("name-0123/{}", "d/".repeat(60) + "f.rs");
    let check_long = |members: fn(Tar, &str) -> Tar| {
        check(
            |tar| members(tar, &long),
            &[(&long["name-0123/".len()..], "x"), ("z", "z")],
        );
    };
    check_long(|tar, long| {
        let tar = tar
            .pax(&[("path", long), ("mtime", "1.5")])
            .member(b'0', "name-0123/cut", b"x");
        tar.member(b'0', "name-0123/z", b"z")
    });
    check_long(|tar, long| {
        let tar = tar.member(b'K', "././@LongLink", &[b'x'; 700]);
        let tar = tar.member(b'L', "././@LongLink", [long.as_bytes(), b"\0"].concat().as_slice());
        tar.member(b'0', "name-0123/cut", b"x")
            .member(b'0', "name-0123/z", b"z")
    });
    // The two disagree: the record of pax counts, and it counts for the member, not for the name before it.
    let hidden = Tar::default().member(b'0', "name-0123/hidden", b"never seen").0;
    check(
        |tar| {
            let tar = tar.pax(&[("size", &hidden.len().to_string())]);
            tar.member(b'L', "././@LongLink", b"name-0123/outer\0")
                .header(b'0', "name-0123/cut", 0)
                .content(&hidden)
                .member(b'0', "name-0123/z", b"z")
        },
        &[("outer", &hidden.escape_ascii().to_string()), ("z", "z")],
    );
}
