//! How good a model is: its loss on held-out files, and how it fills in holes in them.

use std::collections::BTreeMap;
use std::path::Path;

use codelupe_model::{Adapter, GenerateConfig, Model, generate};
use codelupe_samples::{Dataset, Row, SampleSpan, Special, Tokenizer};
use serde::{Deserialize, Serialize};

use crate::engine::StopToken;
use crate::engine::native::batch;
use crate::error::Error;

/// The most tokens that a hole is filled with.
const MAX_FILLED: usize = 64;

/// The longest expected middle, in tokens, that a hole is judged by.
const LONGEST_MIDDLE: usize = 48;

/// How a model did on held-out files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Over all languages.
    pub total: Score,
    /// By language.
    pub languages: BTreeMap<String, Score>,
    /// The filling in of holes.
    pub holes: Holes,
}

/// The loss on some text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Nats a token.
    pub loss: f64,
    /// Bits a byte: comparable between tokenizers.
    pub bits_per_byte: f64,
    /// Tokens that were predicted.
    pub tokens: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Holes in held-out files, each filled in by the likeliest tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Holes {
    /// Holes.
    pub count: u64,
    /// The share that was filled in exactly.
    pub exact: f64,
    /// The mean similarity of what was filled in and what was there: 1 - edit distance / length of the longer, in characters
    /// (Levenshtein).
    pub similarity: f64,
}

/// Sums of one language.
#[derive(Default, Clone, Copy)]
struct Sums {
    nll: f64,
    tokens: u64,
    bytes: u64,
}

impl Sums {
    fn score(self) -> Score {
        Score {
            loss: self.nll / self.tokens.max(1) as f64,
            bits_per_byte: self.nll / std::f64::consts::LN_2 / self.bytes.max(1) as f64,
            tokens: self.tokens,
            bytes: self.bytes,
        }
    }
}

/// A model with what is needed to judge it.
pub(crate) struct Candidate<'a> {
    /// The base.
    pub model: &'a Model,
    /// What it is adapted by.
    pub adapter: Option<&'a Adapter>,
    /// How text becomes tokens.
    pub tokenizer: &'a Tokenizer,
}

impl Candidate<'_> {
    /// Judges the model by at most so many rows of `held_out/` and samples of `holes/` in the folder of a training.
    ///
    /// # Errors
    /// `Samples` or `Model` when they cannot be read; `Canceled` after a stop.
    pub(crate) fn evaluate(
        &self,
        training: &Path,
        rows: u64,
        holes: u64,
        stop: &StopToken,
    ) -> Result<Evaluation, Error> {
        let (total, languages) = self.losses(&Dataset::open(&training.join("held_out"))?, rows, stop)?;
        Ok(Evaluation {
            total,
            languages,
            holes: self.holes(&Dataset::open(&training.join("holes"))?, holes, stop)?,
        })
    }

    fn losses(
        &self,
        dataset: &Dataset,
        most: u64,
        stop: &StopToken,
    ) -> Result<(Score, BTreeMap<String, Score>), Error> {
        let mut total = Sums::default();
        let mut languages: BTreeMap<String, Sums> = BTreeMap::new();
        for number in 0..bounded(dataset, most) {
            stop.check()?;
            let Some(row) = dataset.row(number) else { break };
            let losses = codelupe_model::evaluate(self.model, self.adapter, &batch(dataset, &[number])?)?;
            for (span, loss) in row.samples.iter().zip(losses) {
                let bytes = self.learned_bytes(&row, *span);
                let language = dataset.summary().languages[usize::from(span.language)].to_string();
                for sums in [&mut total, languages.entry(language).or_default()] {
                    sums.nll += loss.nll_sum;
                    sums.tokens += loss.tokens;
                    sums.bytes += bytes;
                }
            }
        }
        let languages = languages.into_iter().map(|(language, sums)| (language, sums.score()));
        Ok((total.score(), languages.collect()))
    }

    /// The bytes of the learned tokens of a sample; special tokens have none.
    fn learned_bytes(&self, row: &Row<'_>, span: SampleSpan) -> u64 {
        let learned = span.range().filter(|position| row.learned(*position));
        let tokens = learned.map(|position| row.tokens[position]);
        let text = tokens.filter(|token| !self.tokenizer.is_special(*token));
        text.map(|token| self.tokenizer.piece(token).len() as u64).sum()
    }

    fn holes(&self, dataset: &Dataset, most: u64, stop: &StopToken) -> Result<Holes, Error> {
        let mut holes = Holes::default();
        let config = GenerateConfig {
            max_new_tokens: MAX_FILLED,
            stop_ids: [Special::EndOfText, Special::FileSep]
                .into_iter()
                .filter_map(|special| self.tokenizer.require(special).ok())
                .collect(),
            ..GenerateConfig::default()
        };
        for row in dataset.rows() {
            for span in &row.samples {
                if holes.count == most {
                    break;
                }
                let Some((prompt, middle)) = self.hole(&row, *span) else {
                    continue;
                };
                stop.check()?;
                let filled = generate(self.model, self.adapter, prompt, &config)?;
                let (filled, middle) = (self.tokenizer.decode(&filled.tokens), self.tokenizer.decode(middle));
                holes.count += 1;
                holes.exact += f64::from(u8::from(filled == middle));
                holes.similarity += strsim::normalized_levenshtein(&filled, &middle);
            }
        }
        let count = holes.count.max(1) as f64;
        holes.exact /= count;
        holes.similarity /= count;
        Ok(holes)
    }

    /// What stands before the middle of a fill-in-the-middle sample, and the middle; none if that is too long to be judged.
    fn hole<'a>(&self, row: &Row<'a>, span: SampleSpan) -> Option<(&'a [u32], &'a [u32])> {
        let tokens = &row.tokens[span.range()];
        let middle = self.tokenizer.require(Special::FimMiddle).ok()?;
        let start = tokens.iter().position(|token| *token == middle)? + 1;
        let end = self.tokenizer.require(Special::EndOfText).ok()?;
        let expected = tokens[start..].strip_suffix(&[end]).unwrap_or(&tokens[start..]);
        (1..=LONGEST_MIDDLE)
            .contains(&expected.len())
            .then_some((&tokens[..start], expected))
    }
}

fn bounded(dataset: &Dataset, most: u64) -> usize {
    dataset.len().min(usize::try_from(most).unwrap_or(usize::MAX))
}
