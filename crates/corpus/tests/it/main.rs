//! Segments, builds, exports and the data folder on real files, and what happens when they are damaged or taken away.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod builds;
mod folder;
mod full_disk;
mod segments;
#[cfg(feature = "object-store")]
mod store;

use codelupe_core::BlobId;
use codelupe_corpus::{ContentRecord, DataFolder, WriteLock};
use tempfile::TempDir;

/// A data folder of its own, locked.
struct Place {
    folder: DataFolder,
    lock: WriteLock,
    _root: TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(root.path().join("data"));
        let lock = folder.lock().unwrap();
        Self {
            folder,
            lock,
            _root: root,
        }
    }
}

fn record(content: &str) -> ContentRecord {
    ContentRecord {
        blob: BlobId::of(content.as_bytes()).to_string(),
        file_name: "a.rs".to_owned(),
        language: Some("Rust".to_owned()),
        quality: 50,
        signals: r#"{"lines":1}"#.to_owned(),
        redactions: "[]".to_owned(),
        signature: Some(vec![7; 1024]),
        text: Some(content.to_owned()),
        ..ContentRecord::default()
    }
}
