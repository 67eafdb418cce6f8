//! Processing chunks on all cores: verdict, signature, license.

use std::sync::mpsc::{Receiver, SyncSender};

use codelupe_catalogue::RepositoryRow;
use codelupe_core::{Language, Verdict};
use codelupe_dedup::Signer;
use codelupe_inspect::{DedupConfig, signature};
use codelupe_process::Processor;
use codelupe_process::{Evidence, LicenseDetector, repository_license};
use rayon::prelude::*;

use super::{Blob, Chunk, ProcessedChunk, ProcessedContent, ReadRepository};
use crate::context::Context;
use crate::error::Error;
use codelupe_worker::{Progress, raise};

#[expect(
    clippy::needless_pass_by_value,
    reason = "the writer ends when the sender is dropped here"
)]
pub(super) fn run(
    context: &Context,
    processor: &Processor,
    detector: &LicenseDetector,
    from: Receiver<Chunk>,
    to: SyncSender<ProcessedChunk>,
) -> Result<(), Error> {
    let signer = context.config.dedup.signer()?;
    let progress = &*context.progress;
    for chunk in from {
        let contents = chunk
            .blobs
            .into_par_iter()
            .map_init(
                || signer.clone(),
                |signer, blob| process(processor, &context.config.dedup, signer, progress, blob),
            )
            .collect();
        let repositories = chunk
            .repositories
            .into_par_iter()
            .map(|repository| with_license(detector, repository))
            .collect();
        // The writer has gone when this fails, and says why itself.
        if to.send(ProcessedChunk { contents, repositories }).is_err() {
            break;
        }
    }
    Ok(())
}

fn process(
    processor: &Processor,
    dedup: &DedupConfig,
    signer: &mut Signer,
    progress: &Progress,
    blob: Blob,
) -> ProcessedContent {
    let processed = processor.process(&blob.key.file_name, &blob.bytes);
    let language = processed.language.as_ref().map(Language::as_str);
    let signature = processed
        .text
        .as_ref()
        .and_then(|text| signature(dedup, signer, language, text));
    raise(&progress.bytes, blob.bytes.len() as u64);
    let counter = if processed.verdict == Verdict::Kept {
        &progress.kept
    } else {
        &progress.dropped
    };
    raise(counter, 1);
    ProcessedContent {
        bytes: blob.bytes.len() as u64,
        key: blob.key,
        processed,
        signature: signature.map(|signature| signature.to_le_bytes()),
    }
}

fn with_license(detector: &LicenseDetector, repository: ReadRepository) -> RepositoryRow {
    let ReadRepository { mut row, license_texts } = repository;
    let evidence: Vec<Evidence<'_>> = license_texts
        .iter()
        .map(|(path, text)| Evidence { path, text })
        .collect();
    let license = repository_license(detector, &evidence);
    row.license = license.expression;
    row.license_class = license.class;
    row.license_evidence = serde_json::to_string(&license.evidence).unwrap_or_else(|_| "[]".to_owned());
    row
}
