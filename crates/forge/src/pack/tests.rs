//! Packs that git made, compared with what git reads from them, and packs that it would never make.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

fn limits(folder: &Path) -> PackLimits {
    PackLimits {
        pack_bytes: 1 << 30,
        inflated_bytes: 4 << 30,
        object_bytes: 32 << 20,
        objects: 100_000,
        delta_chain: 1000,
        keep_bytes: 64 << 20,
        spool_folder: folder.to_owned(),
    }
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(["-c", "core.bigFileThreshold=1g"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

/// A repository with versions of texts that deltas pay for.
fn repository(folder: &Path, files: &[Vec<u8>]) -> Vec<[u8; 20]> {
    git(folder, &["init", "--quiet", "--bare"], b"");
    let mut ids = Vec::new();
    for file in files {
        let id = git(folder, &["hash-object", "-w", "--stdin"], file);
        ids.push(crate::git::head::parse_id(id.trim_ascii()).unwrap());
    }
    ids
}

fn pack_of(folder: &Path, ids: &[[u8; 20]], arguments: &[&str]) -> Vec<u8> {
    let list: String = ids.iter().map(|id| hex::encode(id) + "\n").collect();
    git(
        folder,
        &[
            &["pack-objects", "--stdout", "--quiet", "--window=50", "--depth=50"],
            arguments,
        ]
        .concat(),
        list.as_bytes(),
    )
}

fn versions(count: usize, lines: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|version| {
            let line = |n: usize| {
                format!(
                    "line {} of this text\n",
                    if n == version * 7 % lines { version * 1000 } else { n }
                )
            };
            (0..lines).map(line).collect::<String>().into_bytes()
        })
        .collect()
}

fn assert_reads(pack: &[u8], files: &[Vec<u8>], ids: &[[u8; 20]], limits: &PackLimits) {
    let mut received = Pack::receive(pack, limits).unwrap();
    assert_eq!(received.entries.len(), ids.len());
    let mut buffer = vec![1, 2, 3];
    for (file, id) in files.iter().zip(ids) {
        assert_eq!(received.kind(id).unwrap(), ObjectKind::Blob);
        received.read(id, ObjectKind::Blob, 1 << 30, &mut buffer).unwrap();
        assert_eq!(buffer, *file);
        if !file.is_empty() {
            let small = file.len() as u64 - 1;
            let failure = received.read(id, ObjectKind::Blob, small, &mut buffer).unwrap_err();
            assert_eq!(failure, Failure::TooLarge(file.len() as u64));
        }
        assert!(matches!(
            received.read(id, ObjectKind::Tree, 9, &mut buffer),
            Err(Failure::WrongKind(_))
        ));
    }
    assert_eq!(
        received.read(&[9; 20], ObjectKind::Blob, 9, &mut buffer),
        Err(Failure::Missing)
    );
}

#[test]
fn every_object_is_read_as_git_has_it_however_little_fits_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = versions(60, 400);
    files.push(Vec::new());
    files.push(
        (0..300_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect(),
    );
    let ids = repository(folder.path(), &files);
    for deltas in [&["--delta-base-offset"][..], &[]] {
        let pack = pack_of(folder.path(), &ids, deltas);
        assert!(pack.len() < 1_400_000, "git made deltas");
        for keep_bytes in [64 << 20, 20_000, 0] {
            assert_reads(
                &pack,
                &files,
                &ids,
                &PackLimits {
                    keep_bytes,
                    ..limits(folder.path())
                },
            );
        }
    }
}

#[test]
fn each_limit_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let files = versions(40, 300);
    let ids = repository(folder.path(), &files);
    let pack = pack_of(folder.path(), &ids, &["--delta-base-offset"]);
    let usual = limits(folder.path());
    let refused = |limits: PackLimits| Pack::receive(&pack[..], &limits).map(|_| ()).unwrap_err().to_string();
    let few = pack.len() as u64 - 1;
    assert_eq!(
        refused(PackLimits {
            pack_bytes: few,
            ..usual.clone()
        }),
        format!("the pack has more than {few} bytes")
    );
    assert_eq!(
        refused(PackLimits {
            inflated_bytes: 9_000,
            ..usual.clone()
        }),
        "the pack inflates to more than 9000 bytes"
    );
    assert_eq!(
        refused(PackLimits {
            objects: 39,
            ..usual.clone()
        }),
        "the pack has 40 objects"
    );
    let reads = |limits: PackLimits| {
        let mut received = Pack::receive(&pack[..], &limits).unwrap();
        let mut buffer = Vec::new();
        ids.iter()
            .filter(|id| received.read(id, ObjectKind::Blob, 1 << 20, &mut buffer).is_ok())
            .count()
    };
    assert_eq!(reads(usual.clone()), 40);
    assert_eq!(
        reads(PackLimits {
            object_bytes: 100,
            ..usual
        }),
        0
    );
}

/// One entry of a pack made by hand.
fn entry(kind: u8, base: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut size = data.len();
    let mut byte = kind << 4 | u8::try_from(size & 15).unwrap();
    size >>= 4;
    while size > 0 {
        bytes.push(byte | 0x80);
        byte = u8::try_from(size & 0x7f).unwrap();
        size >>= 7;
    }
    bytes.push(byte);
    bytes.extend_from_slice(base);
    let mut zlib = ZlibEncoder::new(bytes, Compression::best());
    zlib.write_all(data).unwrap();
    zlib.finish().unwrap()
}

fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).unwrap();
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend(entries.concat());
    let checksum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn receive(bytes: &[u8]) -> Result<Pack, Broken> {
    Pack::receive(
        bytes,
        &PackLimits {
            inflated_bytes: 1 << 30,
            ..limits(&std::env::temp_dir())
        },
    )
}

#[test]
fn deltas_in_a_circle_forwards_and_to_nowhere_lose_only_themselves() {
    let (a, b) = (id_of(ObjectKind::Blob, b"aaaa"), id_of(ObjectKind::Blob, b"bbbb"));
    let make = |text: &[u8]| [&[4, 4, 4][..], text].concat();
    // `bbbb` is a delta to `aaaa`, which comes after it; two deltas name each other's object; one names nothing.
    let entries = [
        entry(7, &a, &make(b"bbbb")),
        entry(7, &id_of(ObjectKind::Blob, b"dddd"), &make(b"cccc")),
        entry(7, &id_of(ObjectKind::Blob, b"cccc"), &make(b"dddd")),
        entry(7, &[7; 20], &make(b"eeee")),
        entry(3, &[], b"aaaa"),
    ];
    let mut received = receive(&pack(&entries)).unwrap();
    let mut buffer = Vec::new();
    received.read(&b, ObjectKind::Blob, 9, &mut buffer).unwrap();
    assert_eq!(buffer, b"bbbb");
    for lost in [b"cccc", b"dddd", b"eeee"] {
        let id = id_of(ObjectKind::Blob, lost);
        assert_eq!(
            received.read(&id, ObjectKind::Blob, 9, &mut buffer),
            Err(Failure::Missing)
        );
    }
}

#[test]
fn bombs_cost_little() {
    // 512 MiB of zeros in half a megabyte.
    let zeros = entry(3, &[], &vec![0; 512 << 20]);
    let good = entry(3, &[], b"good");
    let mut received = receive(&pack(&[zeros, good])).unwrap();
    let mut buffer = Vec::new();
    received
        .read(&id_of(ObjectKind::Blob, b"good"), ObjectKind::Blob, 9, &mut buffer)
        .unwrap();
    let mut hasher = start_id(ObjectKind::Blob, 512 << 20);
    (0..512).for_each(|_| hasher.update(vec![0; 1 << 20]));
    let id: [u8; 20] = hasher.finalize().into();
    assert_eq!(
        received.read(&id, ObjectKind::Blob, 10 << 20, &mut buffer),
        Err(Failure::TooLarge(512 << 20))
    );

    // A delta that states 2^60 bytes, and a chain of deltas of which each copies its base often.
    let huge = [&[4][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]].concat();
    let base = entry(3, &[], b"aaaa");
    let stated = entry(7, &id_of(ObjectKind::Blob, b"aaaa"), &huge);
    assert_eq!(
        receive(&pack(&[base, stated])).map(|_| ()).unwrap_err().to_string(),
        "the pack inflates to more than 1073741824 bytes"
    );
    assert!(receive(&chain_of_copies(2000)).is_err());
    assert!(receive(&chain_of_copies(12)).is_ok());
}

/// Objects of which each is 16 copies of the one before it.
fn chain_of_copies(links: u32) -> Vec<u8> {
    let varint = |mut number: u64| {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
        bytes
    };
    let mut entries = vec![entry(3, &[], &[b'x'; 16])];
    let mut size = 16_u64;
    for _ in 0..links {
        let next = (size * 16).min(1 << 20);
        let copies = usize::try_from(next / size).unwrap();
        let copy = [&[0xf0][..], &u32::try_from(size).unwrap().to_le_bytes()[..3]].concat();
        let delta = [varint(size), varint(copies as u64 * size), copy.repeat(copies)].concat();
        let distance = u8::try_from(entries.last().unwrap().len()).unwrap();
        assert!(distance < 128);
        entries.push(entry(6, &[distance], &delta));
        size *= copies as u64;
    }
    pack(&entries)
}

#[test]
fn what_is_no_pack_is_told() {
    let whole = pack(&[entry(3, &[], b"aaaa")]);
    let told = |bytes: &[u8]| receive(bytes).map(|_| ()).unwrap_err().to_string();
    assert_eq!(told(b"KCAP"), "the pack is damaged: it does not begin like one");
    assert_eq!(told(b"PACK\0\0\0\x04\0\0\0\0"), "the pack is damaged: it has version 4");
    assert_eq!(told(&whole[..whole.len() - 1]), "the pack did not come in whole");
    assert_eq!(told(&whole[..20]), "the pack did not come in whole");
    assert_eq!(
        told(&[&whole[..], b"x"].concat()),
        "the pack is damaged: something follows its end"
    );
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(told(&wrong), "the pack is damaged: its checksum does not match");
    let mut count = whole.clone();
    count[11] = 2;
    assert!(told(&count).starts_with("the pack"), "{}", told(&count));
    count[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(told(&count), "the pack has 4294967295 objects");
    let mut size = entry(3, &[], b"aaaa");
    size[0] += 1;
    assert_eq!(
        told(&pack(&[size])),
        "the pack is damaged: an entry inflates to another size than it states"
    );
    assert!(told(&pack(&[entry(6, &[5], b"\x04\x04\x90\x04")])).contains("not where it is said to be"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is changed in a pack, it ends in an error or in objects that have their ids.
    #[test]
    fn a_damaged_pack_never_gives_a_wrong_object(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), keep in any::<bool>()) {
        let (a, b) = (b"some text that is long enough".to_vec(), id_of(ObjectKind::Blob, b"some text that is long enough"));
        let mut bytes = pack(&[entry(3, &[], &a), entry(7, &b, &[29, 5, 0x90, 5]), entry(3, &[], b"other")]);
        for (place, value) in places {
            let index = 12 + place.index(bytes.len() - 32);
            bytes[index] = value;
        }
        let end = bytes.len() - 20;
        let checksum = Sha1::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum);
        let usual = limits(&std::env::temp_dir());
        let limits = PackLimits { keep_bytes: if keep { 1 << 20 } else { 0 }, ..usual };
        if let Ok(mut received) = Pack::receive(&bytes[..], &limits) {
            let mut buffer = Vec::new();
            for id in received.ids.keys().copied().collect::<Vec<_>>() {
                let kind = received.kind(&id).unwrap();
                if received.read(&id, kind, 1 << 20, &mut buffer).is_ok() {
                    prop_assert_eq!(id_of(kind, &buffer), id);
                }
            }
        }
    }
}
