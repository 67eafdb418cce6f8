//! Writing processed chunks: contents into segments, then segment and repositories into the catalogue.

use std::sync::mpsc::Receiver;

use codelupe_catalogue::{Batch, ContentRow};
use codelupe_core::{Language, Reason};
use codelupe_corpus::{ContentRecord, SegmentWriter};

use super::candidates::CandidateFinder;
use super::{OnTheWay, ProcessedChunk, ProcessedContent};
use crate::context::Context;
use crate::error::Error;
use codelupe_worker::raise;

/// A segment ends when its texts reach this many bytes: what a killed run has to do again at most.
const SEGMENT_BYTES: u64 = 64 << 20;

/// A segment ends at this many rows, however small they are.
const SEGMENT_ROWS: u32 = 50_000;

/// Repositories without new contents are linked when this many files wait.
const WAITING_FILES: usize = 50_000;

pub(super) fn run(
    context: &Context,
    recipe: &str,
    on_the_way: &OnTheWay,
    from: Receiver<ProcessedChunk>,
) -> Result<(), Error> {
    let mut writer = Writer {
        context,
        recipe,
        on_the_way,
        segment: None,
        batch: Batch::default(),
        files: 0,
        candidates: CandidateFinder::new(context),
    };
    for chunk in from {
        writer.write(chunk)?;
    }
    writer.commit()
}

struct Writer<'a> {
    context: &'a Context,
    recipe: &'a str,
    on_the_way: &'a OnTheWay,
    segment: Option<SegmentWriter>,
    batch: Batch,
    files: usize,
    candidates: CandidateFinder<'a>,
}

impl Writer<'_> {
    fn write(&mut self, chunk: ProcessedChunk) -> Result<(), Error> {
        for content in chunk.contents {
            let segment = match &mut self.segment {
                Some(segment) => segment,
                None => self.segment.insert(SegmentWriter::create(
                    &self.context.folder,
                    self.recipe,
                    self.context.config.dedup.signature_size()?.signature_bytes(),
                )?),
            };
            let (record, mut row) = split(content);
            row.segment_row = segment.append(&record)?;
            self.candidates.add(row.key.blob, record.signature.as_deref());
            self.batch.contents.push(row);
        }
        raise(&self.context.progress.done, chunk.repositories.len() as u64);
        self.files += chunk
            .repositories
            .iter()
            .map(|repository| repository.files.len())
            .sum::<usize>();
        self.batch.repositories.extend(chunk.repositories);
        let full = |segment: &SegmentWriter| segment.text_bytes() >= SEGMENT_BYTES || segment.rows() >= SEGMENT_ROWS;
        if self.segment.as_ref().is_some_and(full) || self.files >= WAITING_FILES {
            self.commit()
        } else {
            Ok(())
        }
    }

    /// Publishes the segment and links it with what waits. Contents of a repository that is not complete yet are linked
    /// too: after a crash they are known and need not be processed again.
    fn commit(&mut self) -> Result<(), Error> {
        let mut batch = std::mem::take(&mut self.batch);
        self.files = 0;
        if let Some(segment) = self.segment.take() {
            batch.segment = Some(segment.finish()?);
        } else if batch.repositories.is_empty() {
            return Ok(());
        }
        let linked = self.context.catalogue.commit(&batch, self.recipe, self.context.fence);
        self.context.wait(linked)?;
        self.candidates.record()?;
        self.on_the_way
            .remove(batch.contents.iter().map(|content| &content.key));
        Ok(())
    }
}

fn split(content: ProcessedContent) -> (ContentRecord, ContentRow) {
    let ProcessedContent {
        key,
        bytes,
        processed,
        signature,
    } = content;
    let json = |value: serde_json::Result<String>| value.unwrap_or_else(|_| "null".to_owned());
    let record = ContentRecord {
        blob: key.blob.to_string(),
        file_name: key.file_name.clone(),
        language: processed.language.as_ref().map(Language::to_string),
        reason: processed.verdict.reason().map(Reason::code).map(str::to_owned),
        quality: processed.quality,
        signals: json(serde_json::to_string(&processed.signals)),
        redactions: json(serde_json::to_string(&processed.redactions)),
        signature,
        text: processed.text,
    };
    let row = ContentRow {
        key,
        bytes,
        language: processed.language,
        verdict: processed.verdict,
        quality: processed.quality,
        text_bytes: record.text.as_ref().map_or(0, String::len) as u64,
        redactions: u32::try_from(processed.redactions.len()).unwrap_or(u32::MAX),
        segment_row: 0,
    };
    (record, row)
}
