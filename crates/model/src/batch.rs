//! The input of one pass over the model: samples, packed into rows.

use std::ops::Range;

use crate::config::ModelConfig;
use crate::error::{Error, Result};

/// Samples of tokens, one behind the other. Attention and positions start anew at each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    tokens: Vec<u32>,
    learned: Vec<bool>,
    samples: Vec<Range<usize>>,
}

impl Batch {
    /// Rows of `length` tokens each, one behind the other, with the samples in them.
    ///
    /// `learned[i]` tells whether the prediction of token `i` from those before it in its sample counts for the loss;
    /// the first token of a sample never does. `starts` are the places in `tokens` where samples start, besides the
    /// starts of rows. Padding is a sample that is not learned.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if there are no tokens, or the lengths do not fit together, or `starts` are not
    /// ascending.
    pub fn new(length: usize, tokens: Vec<u32>, learned: Vec<bool>, starts: &[usize]) -> Result<Self> {
        if length == 0 || tokens.is_empty() || !tokens.len().is_multiple_of(length) || learned.len() != tokens.len() {
            let (tokens, learned) = (tokens.len(), learned.len());
            let text = format!("{tokens} tokens with {learned} marks are not whole rows of {length}");
            return Err(Error::invalid(text));
        }
        if !starts.is_sorted() || starts.last().is_some_and(|&last| last >= tokens.len()) {
            return Err(Error::invalid(
                "the starts of samples are not ascending places in the batch",
            ));
        }
        let mut bounds: Vec<usize> = (0..=tokens.len())
            .step_by(length)
            .chain(starts.iter().copied())
            .collect();
        bounds.sort_unstable();
        bounds.dedup();
        let samples = bounds.windows(2).map(|pair| pair[0]..pair[1]).collect();
        Ok(Self {
            tokens,
            learned,
            samples,
        })
    }

    /// Samples of any lengths, each with its marks.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if there is no sample, or one is empty or has more or fewer marks than tokens.
    pub fn from_samples<'a>(samples: impl IntoIterator<Item = (&'a [u32], &'a [bool])>) -> Result<Self> {
        let mut batch = Self::default();
        for (tokens, learned) in samples {
            if tokens.is_empty() || tokens.len() != learned.len() {
                return Err(Error::invalid("a sample has at least one token, and a mark for each"));
            }
            let start = batch.tokens.len();
            batch.tokens.extend_from_slice(tokens);
            batch.learned.extend_from_slice(learned);
            batch.samples.push(start..batch.tokens.len());
        }
        if batch.samples.is_empty() {
            return Err(Error::invalid("a batch without samples"));
        }
        Ok(batch)
    }

    /// A single sample, all of which is learned.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if it is empty.
    pub fn of_text(tokens: &[u32]) -> Result<Self> {
        Self::from_samples([(tokens, vec![true; tokens.len()].as_slice())])
    }

    /// All tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where in the tokens each sample lies.
    pub fn samples(&self) -> &[Range<usize>] {
        &self.samples
    }

    /// The longest sample in tokens.
    pub fn longest(&self) -> usize {
        self.samples.iter().map(Range::len).max().unwrap_or(0)
    }

    /// The predictions that count: place in the tokens, number of the sample, token that is to be predicted.
    pub(crate) fn predictions(&self) -> Vec<Prediction> {
        let mut predictions = Vec::new();
        for (sample, range) in self.samples.iter().enumerate() {
            for next in range.start + 1..range.end {
                if self.learned[next] {
                    let (place, target) = (next - 1, self.tokens[next]);
                    predictions.push(Prediction { place, sample, target });
                }
            }
        }
        predictions
    }

    /// Checks that a model can read it.
    pub(crate) fn check(&self, config: &ModelConfig) -> Result<()> {
        let vocabulary = config.vocab_size;
        if let Some(token) = self.tokens.iter().find(|&&token| token as usize >= vocabulary) {
            let text = format!("the token {token} is outside the model's vocabulary of {vocabulary}");
            return Err(Error::invalid(text));
        }
        let (longest, most) = (self.longest(), config.max_position_embeddings);
        if longest > most {
            return Err(Error::invalid(format!(
                "a sample of {longest} tokens; the model takes {most}"
            )));
        }
        Ok(())
    }
}

/// A prediction that counts for the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prediction {
    pub(crate) place: usize,
    pub(crate) sample: usize,
    pub(crate) target: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_predicted_across_a_boundary() {
        let batch = Batch::new(4, (10..18).collect(), vec![true; 8], &[2]).unwrap();
        assert_eq!(batch.samples(), [0..2, 2..4, 4..8]);
        let predicted: Vec<_> = batch
            .predictions()
            .iter()
            .map(|p| (p.place, p.sample, p.target))
            .collect();
        assert_eq!(predicted, [(0, 0, 11), (2, 1, 13), (4, 2, 15), (5, 2, 16), (6, 2, 17)]);
        assert_eq!(batch.longest(), 4);
    }

    #[test]
    fn only_marked_tokens_are_predicted() {
        let learned = [true, false, true].as_slice();
        let batch = Batch::from_samples([([5, 6, 7].as_slice(), learned)]).unwrap();
        assert_eq!(batch.predictions().len(), 1);
        assert_eq!(batch.predictions()[0].target, 7);
    }

    #[test]
    fn batches_that_do_not_fit_together_are_refused() {
        Batch::new(3, vec![1; 4], vec![true; 4], &[]).unwrap_err();
        Batch::new(4, vec![1; 4], vec![true; 3], &[]).unwrap_err();
        Batch::new(4, vec![1; 4], vec![true; 4], &[3, 1]).unwrap_err();
        Batch::new(4, vec![1; 4], vec![true; 4], &[4]).unwrap_err();
        Batch::new(0, vec![], vec![], &[]).unwrap_err();
        Batch::from_samples([]).unwrap_err();
        Batch::of_text(&[]).unwrap_err();
    }
}
