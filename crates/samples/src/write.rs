//! From all documents of a split to a finished dataset.

use std::path::Path;

use codelupe_core::{error::Coded, text::display_path};
use codelupe_disk::{replace_folder, write_json};
use rayon::prelude::*;

use crate::config::SampleConfig;
use crate::dataset::{SUMMARY_FILE, read_summary};
use crate::document::Document;
use crate::error::{Error, ErrorKind};
use crate::rows::RowWriter;
use crate::sample::Sample;
use crate::sampler::{FileOutcome, Sampler};
use crate::summary::{DatasetSummary, Provenance, inputs_digest};
use crate::tokenizer::Tokenizer;

/// The bytes of text that are turned into samples together, on all threads. Their samples take about three times as much.
const BATCH_BYTES: usize = 16 << 20;

/// Makes samples of documents, packs them into rows and writes them to the folder `out`, which appears when everything is
/// on disk. If `out` already has a dataset of the same inputs, nothing is read and its summary is returned.
///
/// Documents come sorted by [`Document::sort_key`]. The same documents, settings and tokenizer give the same bytes,
/// however many threads there are; the samples of a repository do not depend on any other. Held in memory: a batch of
/// 16 MiB, one repository up to [`SampleConfig::max_repository_bytes`], and what is to be packed.
///
/// One process at a time writes to `out`; what an earlier one left unfinished beside it is removed.
///
/// # Errors
/// [`ErrorKind::OtherDataset`] where `out` has something else in it; [`ErrorKind::Unsorted`]; [`ErrorKind::Documents`]
/// with the error of the iterator; [`ErrorKind::Config`]; the kinds of input and output.
pub fn write_dataset<E>(
    documents: impl Iterator<Item = Result<Document, E>>,
    tokenizer: &Tokenizer,
    config: &SampleConfig,
    out: &Path,
    provenance: &Provenance,
) -> Result<DatasetSummary, Error>
where
    E: Coded,
{
    let sampler = Sampler::new(tokenizer, config)?;
    if let Some(found) = existing(out, &inputs_digest(tokenizer, config, provenance))? {
        return Ok(found);
    }
    replace_folder(out, |folder| {
        let empty = DatasetSummary::empty(tokenizer, config, provenance);
        write_folder(documents, &sampler, config, empty, folder)
    })
}

/// The summary of the dataset in `out`, if there is one; it must be of the wanted inputs.
fn existing(out: &Path, inputs: &str) -> Result<Option<DatasetSummary>, Error> {
    if !out.exists() {
        return Ok(None);
    }
    match read_summary(out) {
        Ok(found) if found.inputs == inputs => Ok(Some(found)),
        Ok(found) => {
            let context = format!(
                "`{}` has a dataset of inputs {}, not {inputs}",
                display_path(out),
                found.inputs
            );
            Err(Error::new(ErrorKind::OtherDataset, context))
        }
        Err(error) if error.kind() == ErrorKind::Missing => {
            let context = format!("`{}` is there but has no dataset", display_path(out));
            Err(Error::new(ErrorKind::OtherDataset, context))
        }
        Err(error) => Err(error),
    }
}

fn write_folder<E>(
    documents: impl Iterator<Item = Result<Document, E>>,
    sampler: &Sampler<'_>,
    config: &SampleConfig,
    empty: DatasetSummary,
    folder: &Path,
) -> Result<DatasetSummary, Error>
where
    E: Coded,
{
    let mut feed = Feed {
        sampler,
        config,
        rows: RowWriter::new(folder, empty),
        repository: Vec::new(),
        repository_bytes: 0,
        batch: Vec::new(),
        batch_bytes: 0,
    };
    for document in documents {
        let failed = |error| Error::caused_by(ErrorKind::Documents, "cannot read the documents", error);
        feed.document(document.map_err(failed)?)?;
    }
    feed.end_repository()?;
    feed.make_batch()?;
    let summary = feed.rows.finish()?;
    write_json(&folder.join(SUMMARY_FILE), &summary)?;
    Ok(summary)
}

/// What one thread turns into samples.
enum Work {
    File(Document),
    Repository(Vec<Document>),
}

/// The result of a [`Work`]: its samples, and how many documents had which outcome.
type Made = (Vec<Sample>, Vec<(FileOutcome, usize)>);

/// Documents on their way to rows.
struct Feed<'a> {
    sampler: &'a Sampler<'a>,
    config: &'a SampleConfig,
    rows: RowWriter<'a>,
    /// The files of the repository that is being read.
    repository: Vec<Document>,
    repository_bytes: usize,
    batch: Vec<Work>,
    batch_bytes: usize,
}

impl Feed<'_> {
    fn document(&mut self, document: Document) -> Result<(), Error> {
        if let Some(last) = self.repository.last() {
            if last.sort_key() >= document.sort_key() {
                let context = format!(
                    "`{}` of `{}` comes after `{}` of `{}`; documents must be sorted",
                    document.path, document.repository, last.path, last.repository
                );
                return Err(Error::new(ErrorKind::Unsorted, context));
            }
            let full = self.repository_bytes + document.text.len() > self.config.max_repository_bytes;
            if full || last.repository != document.repository {
                self.end_repository()?;
            }
        }
        self.repository_bytes += document.text.len();
        self.repository.push(document);
        Ok(())
    }

    fn end_repository(&mut self) -> Result<(), Error> {
        let files = std::mem::take(&mut self.repository);
        self.batch_bytes += std::mem::take(&mut self.repository_bytes);
        match files.first() {
            Some(first) if self.sampler.takes_whole(&first.repository, files.len()) => {
                self.batch.push(Work::Repository(files));
            }
            _ => self.batch.extend(files.into_iter().map(Work::File)),
        }
        if self.batch_bytes >= BATCH_BYTES {
            self.make_batch()?;
        }
        Ok(())
    }

    /// Makes the samples of a batch on all threads and hands them on in order.
    fn make_batch(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let sampler = self.sampler;
        let made: Vec<Made> = batch
            .into_par_iter()
            .map(|work| make(sampler, work))
            .collect::<Result<_, _>>()?;
        for (samples, outcomes) in made {
            for (outcome, documents) in outcomes {
                *self.rows.summary().documents.entry(outcome).or_default() += documents as u64;
            }
            for sample in samples {
                self.rows.sample(sample)?;
            }
        }
        Ok(())
    }
}

fn make(sampler: &Sampler<'_>, work: Work) -> Result<Made, Error> {
    match work {
        Work::File(document) => {
            let (samples, outcome) = sampler.file(&document)?;
            Ok((samples, vec![(outcome, 1)]))
        }
        Work::Repository(files) => {
            let all = files.len();
            let (samples, taken) = sampler.repository(files)?;
            let outcomes = [(FileOutcome::Repository, taken), (FileOutcome::TooLarge, all - taken)];
            Ok((
                samples,
                outcomes.into_iter().filter(|&(_, documents)| documents > 0).collect(),
            ))
        }
    }
}
