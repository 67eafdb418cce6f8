//! The store on real files and real databases: segments, catalogue, migrations, builds and exports, and what happens when
//! they are damaged or taken away.
//!
//! Everything about the catalogue runs on SQLite and on PostgreSQL. Which PostgreSQL, that is in `CODELUPE_TEST_PG_BIN`, the
//! folder of its programs; else the newest one that is installed:
//! `CODELUPE_TEST_PG_BIN=/opt/postgresql-18/bin cargo test -p codelupe-store`.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod builds;
mod catalogue;
mod faults;
mod folder;
mod lsh;
mod migrations;
mod rows;
mod segments;
mod training;
mod world;

use codelupe_core::BlobId;
use codelupe_store::segment::ContentRecord;
use codelupe_store::{DataFolder, WriteLock};
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
