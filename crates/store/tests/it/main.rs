//! The store on real files: segments, catalogue, builds and exports, and what happens when they are damaged.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod builds;
mod catalogue;
mod segments;

use codelupe_core::{BlobId, Language, LicenceClass, Reason, Repository, SpdxExpression, Verdict};
use codelupe_store::catalogue::{Batch, ContentKey, ContentRow, FileRow, FileState, RepositoryRow};
use codelupe_store::segment::ContentRecord;
use codelupe_store::{Catalogue, DataFolder, SegmentWriter, WriteLock};
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

fn key(content: &str) -> ContentKey {
    ContentKey {
        blob: BlobId::of(content.as_bytes()),
        file_name: "a.rs".to_owned(),
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

fn content(text: &str, segment_row: u32) -> ContentRow {
    ContentRow {
        key: key(text),
        bytes: text.len() as u64,
        language: Some(Language::known("Rust")),
        verdict: Verdict::Kept,
        quality: 50,
        text_bytes: text.len() as u64,
        redactions: 0,
        segment_row,
    }
}

fn repository(name: &str, files: &[(&str, &str)]) -> RepositoryRow {
    let file = |(path, text): &(&str, &str)| FileRow {
        path: path.as_bytes().to_vec(),
        bytes: None,
        state: FileState::Content(key(text)),
    };
    let link = FileRow {
        path: b"link".to_vec(),
        bytes: None,
        state: FileState::Dropped(Reason::Symlink, None),
    };
    RepositoryRow {
        repository: Repository {
            name: name.parse().unwrap(),
            forge: "git".to_owned(),
            origin: format!("/src/{name}"),
            family: name.to_owned(),
            commit: None,
            revision: "r1".to_owned(),
            stars: None,
            fork: false,
            committed_at: None,
        },
        location: format!("/src/{name}"),
        licence: Some(SpdxExpression::new("MIT")),
        licence_class: LicenceClass::Permissive,
        licence_evidence: "[]".to_owned(),
        error: None,
        files: files.iter().map(file).chain([link]).collect(),
    }
}

/// Stores contents in one segment, and repositories.
async fn store(place: &Place, catalogue: &Catalogue, texts: &[&str], repositories: Vec<RepositoryRow>) {
    let mut batch = Batch {
        repositories,
        ..Batch::default()
    };
    if !texts.is_empty() {
        let mut writer = SegmentWriter::create(&place.folder, "recipe").unwrap();
        for text in texts {
            let row = writer.append(&record(text)).unwrap();
            batch.contents.push(content(text, row));
        }
        batch.segment = Some(writer.finish().unwrap());
    }
    catalogue.commit(&batch, "recipe").await.unwrap();
}
