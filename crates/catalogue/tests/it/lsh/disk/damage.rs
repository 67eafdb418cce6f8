//! Files that were changed or cut off: an answer is right, or an error that says so.

use std::fs;
use std::path::Path;

use codelupe_catalogue::{Error, ErrorKind};

use super::{Place, copy, documents, files, full_index, place};
use crate::lsh::{BANDS, WIDE, blob, parameters};

/// Bytes that are changed in each file.
const FLIPS: usize = 60;

#[tokio::test]
async fn a_changed_byte_is_never_a_wrong_answer() {
    let sound = place().await;
    full_index(&sound).await;
    let right = answers(&sound).await.map(Result::unwrap);
    let (mut refused, mut tried) = (0, 0);
    for name in damageable(&sound) {
        let path = sound.folder.lsh().join(&name);
        let bytes = fs::read(&path).unwrap();
        for flip in 0..FLIPS {
            // All over the file, with every bit, the first and the last byte among them.
            let at = flip * (bytes.len() - 1) / (FLIPS - 1);
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (flip % 8);
            fs::write(&path, damaged).unwrap();
            let found = answers(&sound).await;
            assert!(
                found.iter().any(Result::is_err),
                "{name}: nobody noticed the byte at {at}"
            );
            refused += right_or_corrupt(&right, found, &format!("{name} at {at}"));
            tried += right.len();
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(refused < tried, "most parts are not needed for most questions");
    assert_eq!(answers(&sound).await.map(Result::unwrap), right);
}

#[tokio::test]
async fn a_file_that_is_cut_off_or_gone_is_never_a_wrong_answer() {
    let sound = place().await;
    full_index(&sound).await;
    let right = answers(&sound).await.map(Result::unwrap);
    for name in damageable(&sound) {
        let path = sound.folder.lsh().join(&name);
        let bytes = fs::read(&path).unwrap();
        for length in [0, 1, 7, 8, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            let found = answers(&sound).await;
            assert!(found.iter().any(Result::is_err), "{name} of {length} bytes");
            right_or_corrupt(&right, found, &format!("{name} of {length} bytes"));
        }
        fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
        right_or_corrupt(&right, answers(&sound).await, &format!("{name} with a byte more"));
        fs::remove_file(&path).unwrap();
        if name != "manifest.json" {
            right_or_corrupt(&right, answers(&sound).await, &format!("{name} is gone"));
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[tokio::test]
async fn a_changed_byte_stops_a_change_that_needs_it_and_leaves_all_as_it_was() {
    let sound = place().await;
    let index = full_index(&sound).await;
    for n in 4..8 {
        index.insert(&documents(n * 300..(n + 1) * 300)).await.unwrap();
    }
    let sorted_files = damageable(&sound).into_iter().filter(|name| name.starts_with("sorted"));
    let last = sorted_files
        .max_by_key(|name| name["sorted-".len()..].parse::<u64>().unwrap())
        .unwrap();
    let (kept, damaged) = (place().await, place().await);
    copy(&sound.folder.lsh(), &damaged.folder.lsh());
    let path = damaged.folder.lsh().join(&last);
    let mut bytes = fs::read(&path).unwrap();
    // In a band, which nothing but the merge reads.
    let at = bytes.len() * 3 / 4;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    copy(&damaged.folder.lsh(), &kept.folder.lsh());
    let index = damaged.open().await;
    let error = index.insert(&documents(9000..9001)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LshCorrupt, "{error}");
    assert!(error.to_string().contains(&last), "{error}");
    assert_eq!(files(&damaged.folder), files(&kept.folder));
    assert_eq!(index.documents().await.unwrap().len(), 2398);
}

#[tokio::test]
async fn another_version_is_refused() {
    let place = place().await;
    full_index(&place).await;
    let path = place.folder.lsh().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let newer = text.replacen("\"format\":2", "\"format\":3", 1);
    assert_ne!(newer, text);
    fs::write(&path, newer).unwrap();
    let error = place.open_with(&parameters()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LshCorrupt);
    assert!(error.to_string().contains("version 3"), "{error}");
}

/// The files that make up the answers.
fn damageable(place: &Place) -> Vec<String> {
    let mut names = files(&place.folder);
    names.retain(|name| name != "lock");
    for kind in ["manifest", "sorted", "removed", "comparisons"] {
        assert!(names.iter().any(|name| name.starts_with(kind)), "{kind}: {names:?}");
    }
    names
}

/// Everything that can be asked, each asked of a handle that has nothing open.
async fn answers(place: &Place) -> [Result<String, Error>; 8] {
    let open = async || place.open_with(&parameters()).await;
    let documents = async { Ok(format!("{:?}", open().await?.documents().await?)) };
    let comparisons = async { Ok(format!("{:?}", open().await?.comparisons(0.7).await?)) };
    let asked = async |n: u64| {
        let found = open().await?.neighbors(&[n / 2, n % 7, n], WIDE).await?;
        Ok(format!("{found:?}"))
    };
    let grouped = async |band: u32| {
        let mut groups = Vec::new();
        let index = open().await?;
        index.groups(band, &mut |group| groups.push(group.to_vec())).await?;
        Ok(format!("{groups:?}"))
    };
    assert_eq!(BANDS, 3);
    [
        documents.await,
        comparisons.await,
        asked(17).await,
        asked(1000).await,
        grouped(0).await,
        grouped(1).await,
        grouped(2).await,
        removed_and_inserted(place).await,
    ]
}

/// A change of a copy, and what is in it then.
async fn removed_and_inserted(place: &Place) -> Result<String, Error> {
    let other = super::place().await;
    copy(&place.folder.lsh(), Path::new(&other.folder.lsh()));
    let index = other.open_with(&parameters()).await?;
    let removed = index.remove(&[blob(3), blob(1100)]).await?;
    let inserted = index.insert(&documents(1000..1300)).await?;
    Ok(format!("{removed} {inserted} {}", index.figures().await?.documents))
}

/// How many were refused.
fn right_or_corrupt(right: &[String; 8], found: [Result<String, Error>; 8], damage: &str) -> usize {
    let mut refused = 0;
    for (right, found) in right.iter().zip(found) {
        match found {
            Ok(answer) => assert_eq!(*right, answer, "{damage}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LshCorrupt, "{damage}: {error}");
                let text = error.to_string();
                let says = ["damaged", "LSH index lacks", "version"]
                    .iter()
                    .any(|words| text.contains(words));
                assert!(says && text.contains("/lsh/"), "{damage}: {text}");
                refused += 1;
            }
        }
    }
    refused
}
