//! What an archive may cost, whatever its bytes.

use codelupe_core::Verdict;
use proptest::prelude::*;

use super::*;

#[test]
fn stated_sizes_cost_nothing_until_they_come() {
    let stated = |kind, size| Tar::of_git().header(kind, "name-0123/x", size).content(b"little");
    for kind in *b"0LKxgV" {
        for size in [2 << 30, 1 << 40, u64::MAX] {
            assert_eq!(
                kind_of(read(&stated(kind, size).end())),
                ErrorKind::TooLarge,
                "{} {size}",
                char::from(kind)
            );
        }
        // What could come, and does not.
        assert_eq!(
            kind_of(read(&stated(kind, 100_000).end())),
            ErrorKind::Corrupt,
            "{}",
            char::from(kind)
        );
    }
    let by_pax = Tar::of_git().pax(&[("size", "18446744073709551615")]);
    assert_eq!(
        kind_of(read(&by_pax.header(b'0', "name-0123/x", 0).end())),
        ErrorKind::TooLarge
    );
}

#[test]
fn names_over_their_limit_are_cut_whatever_carries_them() {
    let long = format!("name-0123/{}", "n".repeat(3 << 20));
    let seen = all_of(
        read(
            &Tar::of_git()
                .pax(&[("linkpath", &long), ("path", &long)])
                .member(b'0', "name-0123/cut", b"x")
                .member(
                    b'L',
                    "././@LongLink",
                    long.replace('n', "m").replace("mame", "name").as_bytes(),
                )
                .member(b'0', "name-0123/cut", b"x")
                .member(b'0', "name-0123/deep", b"x")
                .pax(&[("path", &("name-0123/".to_owned() + &"d/".repeat(64) + "f"))])
                .member(b'0', "name-0123/cut", b"x")
                .member(b'0', "name-0123/z", b"z")
                .end(),
        )
        .unwrap(),
    );
    let shown: Vec<(usize, &str)> = seen.iter().map(|(path, seen)| (path.len(), &**seen)).collect();
    assert_eq!(
        shown,
        [
            (129, "<bad_path>"),
            (4, "x"),
            (4096, "<bad_path>"),
            (4096, "<bad_path>"),
            (1, "z")
        ]
    );
}

#[test]
fn each_limit_ends_the_archive_with_its_kind() {
    let zeros = vec![0; 40 << 20];
    let bomb = gzip(
        &Tar::of_git()
            .member(b'0', "name-0123/a", b"a")
            .member(b'0', "name-0123/zeros", &zeros)
            .end(),
    );
    assert!(bomb.len() < 1 << 20);
    let with = |change: fn(&mut Limits, &mut ArchiveLimits)| {
        let (mut limits, mut costs) = (Limits::default(), costs());
        change(&mut limits, &mut costs);
        read_with(&bomb[..], &limits, &costs)
    };
    // One file over its own limit, and no more than that.
    assert_eq!(
        all_of(with(|_, _| ()).unwrap()),
        [("a", "a"), ("zeros", "<too_large>")].map(|(path, seen)| (path.to_owned(), seen.to_owned()))
    );
    assert_eq!(
        kind_of(with(|_, costs| costs.inflated_bytes = 30 << 20)),
        ErrorKind::TooLarge
    );
    assert_eq!(kind_of(with(|_, costs| costs.packed_bytes = 4096)), ErrorKind::TooLarge);
    assert_eq!(
        kind_of(with(|_, costs| costs.deadline = Instant::now())),
        ErrorKind::Timeout
    );
    assert_eq!(
        kind_of(with(|limits, _| limits.max_entries = 2)),
        ErrorKind::TooManyEntries
    );
    assert_eq!(
        kind_of(with(|limits, _| limits.max_listing_bytes = 2000)),
        ErrorKind::TooManyEntries
    );
    // The bomb stands behind the end.
    let behind = gzip(&[Tar::of_git().end(), zeros].concat());
    let small = ArchiveLimits {
        inflated_bytes: 1 << 20,
        ..costs()
    };
    assert_eq!(
        kind_of(read_with(&behind[..], &Limits::default(), &small)),
        ErrorKind::TooLarge
    );
    let no_folder = ArchiveLimits {
        spool_folder: "/nonexistent".into(),
        ..costs()
    };
    let large = gzip(&Tar::of_git().member(b'0', "name-0123/a", &vec![b'x'; 9 << 20]).end());
    assert_eq!(
        kind_of(read_with(&large[..], &Limits::default(), &no_folder)),
        ErrorKind::Machine
    );
}

#[test]
fn contents_that_do_not_fit_into_memory_are_read_back_and_leave_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Tar::of_git();
    for file in 0..5_u8 {
        tar = tar.member(b'0', &format!("name-0123/{file}"), &vec![file; 3 << 20]);
    }
    let costs = ArchiveLimits {
        spool_folder: folder.path().to_owned(),
        ..costs()
    };
    let mut snapshot = read_with(&gzip(&tar.end())[..], &Limits::default(), &costs).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let mut buffer = Vec::new();
    for file in (0..5_u8).rev() {
        snapshot.read(usize::from(file), &mut buffer).unwrap();
        assert_eq!(buffer, vec![file; 3 << 20]);
    }
    assert!(snapshot.read(5, &mut buffer).is_err());
}

/// A part of an archive: the bytes of a member with any header, with any content.
fn any_part() -> impl Strategy<Value = Vec<u8>> {
    let path = "(name/)?[a./]{0,12}";
    let size = prop_oneof![Just(None), (0_u64..2000).prop_map(Some), any::<u64>().prop_map(Some)];
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..700),
        ("[a-z]{1,5}|path|size|GNU.sparse.name", "[0-9]{0,4}|name/[a-z]{0,9}")
            .prop_map(|(key, value)| record(&key, &value).into_bytes()),
    ];
    (prop::sample::select(&b"gxLK0512347SVZ\0"[..]), path, size, content).prop_map(|(kind, path, size, content)| {
        let size = size.unwrap_or(content.len() as u64);
        Tar::default().header(kind, &path, size).content(&content).0
    })
}

proptest! {
    /// Whatever the bytes: it ends, within its limits; what is kept has its id, a good path, and is sorted.
    #[test]
    fn any_bytes_end_without_panic(
        parts in prop::collection::vec(any_part(), 0..6),
        flips in prop::collection::vec((any::<usize>(), any::<u8>()), 0..3),
        junk in prop::collection::vec(any::<u8>(), 0..20),
        ended in any::<bool>(),
    ) {
        let mut tar = parts.concat();
        if ended {
            tar.resize(tar.len() + 1024, 0);
        }
        for (at, value) in flips {
            let length = tar.len();
            if let Some(byte) = tar.get_mut(at % length.max(1)) {
                *byte = value;
            }
        }
        tar.extend_from_slice(&junk);
        if let Ok(mut snapshot) = read(&tar) {
            let limits = Limits::default();
            prop_assert!(snapshot.entries.is_sorted_by(|a, b| a.path < b.path));
            let mut buffer = Vec::new();
            for index in 0..snapshot.entries.len() {
                let entry = snapshot.entries[index].clone();
                let read = snapshot.read(index, &mut buffer);
                prop_assert_eq!(read.is_ok(), entry.verdict == Verdict::Kept);
                if read.is_ok() {
                    prop_assert!(crate::path::is_good_path(&entry.path, &limits));
                    prop_assert_eq!(entry.blob, Some(BlobId::of(&buffer)));
                }
            }
        }
        let _ = read_with(&tar[..], &Limits::default(), &costs());
    }
}
