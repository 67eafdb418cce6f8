//! Our way: a batch for each segment, with the contents, the files and the repositories.

use std::error::Error;
use std::time::{Duration, Instant};

use codelupe_catalogue::{Batch, Catalogue, ContentKey, ContentRow, FileRow, FileState, RepositoryRow};
use codelupe_core::{Language, LicenseClass, Repository, SegmentInfo, SpdxExpression, Verdict};
use codelupe_corpus::{ContentRecord, DataFolder, SegmentWriter};

use crate::files::SourceFile;

/// A segment ends at so many bytes of text, as in the ingest stage.
const SEGMENT_BYTES: usize = 64 << 20;

/// What a run would hand over: a batch ends where its segment does.
pub(crate) fn batches(files: &[SourceFile]) -> Result<Vec<Batch>, Box<dyn Error>> {
    let mut batches = vec![Batch::default()];
    let mut bytes = 0;
    for package in files.chunk_by(|a, b| a.package == b.package) {
        if bytes >= SEGMENT_BYTES {
            batches.push(Batch::default());
            bytes = 0;
        }
        let number = batches.len();
        let Some(batch) = batches.last_mut() else { continue };
        for file in package {
            let row = u32::try_from(batch.contents.len())?;
            batch.contents.push(content(file, row));
            bytes += file.text.len();
        }
        batch.repositories.push(repository(package)?);
        batch.segment = Some(SegmentInfo {
            name: format!("segment {number}"),
            bytes: u64::try_from(bytes)?,
            rows: u32::try_from(batch.contents.len())?,
        });
    }
    Ok(batches)
}

/// The rows that they become.
pub(crate) fn rows(batches: &[Batch]) -> usize {
    let files = |batch: &Batch| batch.repositories.iter().map(|row| row.files.len()).sum::<usize>();
    batches
        .iter()
        .map(|batch| batch.contents.len() + batch.repositories.len() + files(batch))
        .sum()
}

pub(crate) async fn commit(catalogue: &Catalogue, batches: &[Batch]) -> Result<Duration, Box<dyn Error>> {
    // The connection is there before the clock starts.
    catalogue.identity().await?;
    let started = Instant::now();
    for batch in batches {
        catalogue.commit(batch, "recipe", None).await?;
    }
    Ok(started.elapsed())
}

/// How long it takes to write the contents outside, without a fingerprint.
pub(crate) fn write_segment(files: &[SourceFile]) -> Result<Duration, Box<dyn Error>> {
    let root = tempfile::tempdir()?;
    let folder = DataFolder::new(root.path().join("data"));
    let _lock = folder.lock()?;
    let started = Instant::now();
    let mut writer = SegmentWriter::create(&folder, "recipe", 1024)?;
    for file in files {
        writer.append(&ContentRecord {
            blob: file.blob.to_string(),
            file_name: file_name(file),
            language: Some("Rust".to_owned()),
            signals: "{}".to_owned(),
            redactions: "[]".to_owned(),
            text: Some(file.text.clone()),
            ..ContentRecord::default()
        })?;
    }
    writer.finish()?;
    Ok(started.elapsed())
}

fn file_name(file: &SourceFile) -> String {
    file.relative.rsplit('/').next().unwrap_or_default().to_owned()
}

fn key(file: &SourceFile) -> ContentKey {
    ContentKey {
        blob: file.blob,
        file_name: file_name(file),
    }
}

fn content(file: &SourceFile, segment_row: u32) -> ContentRow {
    ContentRow {
        key: key(file),
        bytes: file.text.len() as u64,
        language: Some(Language::known("Rust")),
        verdict: Verdict::Kept,
        quality: file.blob.as_bytes()[0] % 100,
        text_bytes: file.text.len() as u64,
        redactions: 0,
        segment_row,
    }
}

fn repository(files: &[SourceFile]) -> Result<RepositoryRow, Box<dyn Error>> {
    let package = files[0].package.as_str();
    let rows = files.iter().map(|file| FileRow {
        path: file.relative.clone().into_bytes(),
        bytes: Some(file.text.len() as u64),
        state: FileState::Content(key(file)),
    });
    Ok(RepositoryRow {
        repository: Repository {
            name: package.parse()?,
            forge: "crates".to_owned(),
            origin: package.to_owned(),
            family: package.to_owned(),
            commit: None,
            revision: "1".to_owned(),
            stars: None,
            fork: false,
            committed_at: None,
        },
        location: package.to_owned(),
        license: Some(SpdxExpression::new("MIT OR Apache-2.0")),
        license_class: LicenseClass::Permissive,
        license_evidence: "[]".to_owned(),
        error: None,
        files: rows.collect(),
    })
}
