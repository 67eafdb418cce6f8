//! What happens to an index in files: damage, killed writers, full disks, several processes.

mod damage;
#[cfg(feature = "slow")]
mod full;
mod gone;
mod killed;
mod shared;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use codelupe_catalogue::lsh::{LshIndex, LshKind, SignedDocument};
use codelupe_corpus::DataFolder;

use super::{Place, document};

async fn place() -> Place {
    Place::new(LshKind::Disk).await
}

/// Documents that share keys with each other, and a few with all.
fn documents(numbers: std::ops::Range<u64>) -> Vec<SignedDocument> {
    numbers.map(|n| document(n, &[n / 2, n % 7, n])).collect()
}

/// The names of the files in the folder, sorted.
fn files(folder: &DataFolder) -> Vec<String> {
    let files = fs::read_dir(folder.lsh()).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Copies the files of an index.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// An index of several sorted files with removed documents and comparisons, in a place of its own.
async fn full_index(place: &Place) -> Arc<dyn LshIndex> {
    let index = place.open().await;
    for n in 0..4 {
        index.insert(&documents(n * 300..(n + 1) * 300)).await.unwrap();
    }
    index.remove(&[super::blob(5), super::blob(700)]).await.unwrap();
    let comparison = codelupe_catalogue::lsh::Comparison {
        low: 1,
        high: 2,
        jaccard: Some(0.75),
    };
    index.remember(0.7, &[comparison]).await.unwrap();
    index
}
