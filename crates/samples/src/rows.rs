//! Samples packed into rows, written as shards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codelupe_core::Language;

use crate::error::{Error, ErrorKind};
use crate::pack::pack;
use crate::sample::Sample;
use crate::shard::{SampleSpan, ShardWriter};
use crate::summary::DatasetSummary;

/// The most samples, and the most tokens, that are held to be packed together: 4096 samples leave under 1 % of padding
/// in the rows of one group, and 8 Mi tokens take 32 MiB.
const GROUP_SAMPLES: usize = 4096;
const GROUP_TOKENS: usize = 8 << 20;

/// The tokens of a shard: 256 MiB.
const SHARD_TOKENS: usize = 64 << 20;

/// Writes samples as rows, group by group.
pub(crate) struct RowWriter<'a> {
    folder: &'a Path,
    padding: u32,
    row_length: usize,
    waiting: Vec<Sample>,
    waiting_tokens: usize,
    shard: Option<ShardWriter>,
    languages: BTreeMap<Language, u16>,
    summary: DatasetSummary,
}

impl<'a> RowWriter<'a> {
    /// Writes to a folder, and counts in a summary of nothing.
    pub(crate) fn new(folder: &'a Path, summary: DatasetSummary) -> Self {
        Self {
            folder,
            padding: summary.padding,
            row_length: summary.config.sequence_length,
            waiting: Vec::new(),
            waiting_tokens: 0,
            shard: None,
            languages: BTreeMap::new(),
            summary,
        }
    }

    /// Where what becomes of documents is counted.
    pub(crate) fn summary(&mut self) -> &mut DatasetSummary {
        &mut self.summary
    }

    /// Takes a sample.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is the first of over 65,535 languages; the kinds of input and output.
    pub(crate) fn sample(&mut self, sample: Sample) -> Result<(), Error> {
        let (tokens, learned) = (sample.tokens.len(), sample.learned());
        self.summary.total.add(tokens, learned);
        self.summary
            .by_kind
            .entry(sample.kind)
            .or_default()
            .add(tokens, learned);
        self.summary
            .by_language
            .entry(sample.language.clone())
            .or_default()
            .add(tokens, learned);
        self.waiting_tokens += tokens;
        self.waiting.push(sample);
        if self.waiting.len() >= GROUP_SAMPLES || self.waiting_tokens >= GROUP_TOKENS {
            self.pack_waiting()?;
        }
        Ok(())
    }

    /// Packs what waits, ends the last shard and gives the summary of all.
    ///
    /// # Errors
    /// As [`Self::sample`].
    pub(crate) fn finish(mut self) -> Result<DatasetSummary, Error> {
        self.pack_waiting()?;
        self.end_shard()?;
        let mut languages: Vec<(u16, Language)> = self
            .languages
            .into_iter()
            .map(|(language, number)| (number, language))
            .collect();
        languages.sort_unstable();
        self.summary.languages = languages.into_iter().map(|(_, language)| language).collect();
        Ok(self.summary)
    }

    fn pack_waiting(&mut self) -> Result<(), Error> {
        let samples = std::mem::take(&mut self.waiting);
        self.waiting_tokens = 0;
        let lengths: Vec<usize> = samples.iter().map(|sample| sample.tokens.len()).collect();
        for row in pack(&lengths, self.row_length) {
            let samples: Vec<&Sample> = row.into_iter().map(|sample| &samples[sample]).collect();
            self.row(&samples)?;
        }
        Ok(())
    }

    fn row(&mut self, samples: &[&Sample]) -> Result<(), Error> {
        let mut tokens = Vec::with_capacity(self.row_length);
        let mut learn = vec![0_u8; self.row_length.div_ceil(8)];
        let mut spans = Vec::with_capacity(samples.len());
        for sample in samples {
            let start = tokens.len();
            spans.push(SampleSpan {
                start: number(start),
                len: number(sample.tokens.len()),
                language: self.language(&sample.language)?,
                kind: sample.kind,
            });
            tokens.extend_from_slice(&sample.tokens);
            for position in sample.learn.iter().cloned().flatten() {
                let position = start + position;
                learn[position / 8] |= 1 << (position % 8);
            }
        }
        tokens.resize(self.row_length, self.padding);
        self.write_row(&tokens, &spans, &learn)
    }

    fn write_row(&mut self, tokens: &[u32], spans: &[SampleSpan], learn: &[u8]) -> Result<(), Error> {
        if self.shard.as_ref().is_some_and(|shard| shard.tokens() >= SHARD_TOKENS) {
            self.end_shard()?;
        }
        let shard = if let Some(shard) = &mut self.shard {
            shard
        } else {
            let path = shard_path(self.folder, self.summary.shards.len());
            self.shard.insert(ShardWriter::create(path, self.row_length)?)
        };
        self.summary.rows += 1;
        shard.row(tokens, spans, learn)
    }

    fn end_shard(&mut self) -> Result<(), Error> {
        if let Some(shard) = self.shard.take() {
            self.summary.shards.push(shard.finish()?);
        }
        Ok(())
    }

    fn language(&mut self, language: &Language) -> Result<u16, Error> {
        if let Some(&number) = self.languages.get(language) {
            return Ok(number);
        }
        let number = u16::try_from(self.languages.len())
            .map_err(|_| Error::new(ErrorKind::Config, "a dataset has at most 65536 languages"))?;
        self.languages.insert(language.clone(), number);
        Ok(number)
    }
}

/// The file of a shard.
fn shard_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("shard-{number:05}.rows"))
}

/// A place in a row, of which there are at most [`crate::config::MAX_SEQUENCE_LENGTH`].
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
