//! Writers that are killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Migrate, lsh, lsh::LshKind};
use codelupe_corpus::DataFolder;

use super::{Place, copy, documents, files, full_index, place};
use crate::lsh::{WIDE, blob, blobs, groups, neighbors, parameters};

/// Names the data folder, in the process that is killed.
const FOLDER: &str = "CODELUPE_TEST_LSH_FOLDER";

/// Documents in a call of that process.
const BATCH: u64 = 500;

const KILLS: u64 = 8;

/// What a change writes lies beside what counts, whole or in part, until one renaming: all moments at which a writer can be
/// killed look like this.
#[tokio::test]
async fn files_of_a_writer_that_was_killed_change_nothing_and_go() {
    let sound = place().await;
    let index = full_index(&sound).await;
    let before = files(&sound.folder);
    let later = place().await;
    copy(&sound.folder.lsh(), &later.folder.lsh());
    let changed = later.open().await;
    for n in 0..6 {
        changed.insert(&documents(5000 + n * 10..5010 + n * 10)).await.unwrap();
    }
    changed.remove(&[blob(100)]).await.unwrap();
    changed.remember(0.7, &[]).await.unwrap();
    let new: Vec<String> = files(&later.folder)
        .into_iter()
        .filter(|name| !before.contains(name))
        .collect();
    assert!(new.len() >= 3, "{new:?}");
    let right = (index.documents().await.unwrap(), groups(&*index, 1).await);
    for share in [0, 1, 2] {
        for name in &new {
            let bytes = fs::read(later.folder.lsh().join(name)).unwrap();
            fs::write(sound.folder.lsh().join(name), &bytes[..bytes.len() * share / 2]).unwrap();
        }
        let manifest = fs::read(later.folder.lsh().join("manifest.json")).unwrap();
        let half = &manifest[..manifest.len() * share / 2];
        fs::write(sound.folder.lsh().join("manifest.json.new"), half).unwrap();
        fs::write(sound.folder.lsh().join("notes.txt"), "somebody's").unwrap();
        let opened = sound.open().await;
        let found = (opened.documents().await.unwrap(), groups(&*opened, 1).await);
        assert_eq!(found, right, "share {share}");
        assert_eq!(opened.remove(&[blob(9999)]).await.unwrap(), 0);
        let mut left = files(&sound.folder);
        left.retain(|name| name != "notes.txt");
        assert_eq!(left, before, "share {share}");
    }
}

#[tokio::test]
async fn a_writer_that_is_killed_leaves_whole_calls() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_for_ever(folder.into()).await;
    }
    let place = place().await;
    place.open().await;
    let mut said = 0;
    for kill in 0..KILLS {
        said = said.max(killed_after(&place, Duration::from_millis(30 + 37 * kill)));
        let index = place.open().await;
        let there = blobs(&*index).await;
        let calls = there.len() as u64 / BATCH;
        assert_eq!(there, (0..calls * BATCH).map(blob).collect::<Vec<_>>());
        assert!(calls >= said, "{calls} calls are there, {said} had returned");
        for n in (0..calls * BATCH).step_by(97) {
            let (found, _) = neighbors(&*index, &[n / 2, 99, n], WIDE).await;
            assert_eq!(found[0], (blob(n), 2));
        }
    }
    assert!(said > 0, "no call returned before a kill");
}

/// Starts a writer, kills it after a while, and gives the last call that it said had returned.
fn killed_after(place: &Place, time: Duration) -> u64 {
    let test = "lsh::disk::killed::a_writer_that_is_killed_leaves_whole_calls";
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, place.folder.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let first = lines.find(|line| line.as_ref().unwrap().contains("writes"));
    assert!(first.is_some(), "the writer did not begin");
    sleep(time);
    writer.kill().unwrap();
    writer.wait().unwrap();
    let said = lines.filter_map(|line| line.unwrap().strip_prefix("call ")?.parse().ok());
    said.last().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
async fn write_for_ever(folder: PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let url = CatalogueUrl::Sqlite(scratch.path().join("catalogue.sqlite"));
    let catalogue = Catalogue::open(&url, Migrate::Refused).await.unwrap();
    let folder = DataFolder::new(folder);
    let index = lsh::open(LshKind::Disk, &folder.lsh(), &catalogue, &parameters())
        .await
        .unwrap();
    println!("\nwrites");
    let mut call = index.figures().await.unwrap().documents / BATCH;
    loop {
        index
            .insert(&documents(call * BATCH..(call + 1) * BATCH))
            .await
            .unwrap();
        call += 1;
        println!("call {call}");
    }
}
