//! Samples of one file by itself: windows, each as it is or with a hole.

use std::cell::LazyCell;
use std::ops::Range;

use codelupe_core::random::Random;

use crate::boundary::Outline;
use crate::config::SampleConfig;
use crate::document::Document;
use crate::error::Error;
use crate::fim::{FimTokens, fill_in_the_middle};
use crate::lexis::Lexis;
use crate::random::of_sample;
use crate::sample::{Draft, Sample, SampleKind};
use crate::special::Special;
use crate::tokenizer::Tokenizer;
use crate::window::windows;

/// The tokens that a sample with a hole has over those of its text: three that mark, one that ends, and what cutting
/// words at the two edges of the hole can add. One that needs more is made without a hole.
const FIM_RESERVE: usize = 12;

/// The most characters that a hole is moved back over, in a language without blanks between words.
const MAX_WORD: usize = 64;

/// The tokens that mark the end of a file and the parts around a hole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileTokens {
    end: u32,
    /// None where no holes are asked for.
    fim: Option<FimTokens>,
}

impl FileTokens {
    /// # Errors
    /// [`crate::ErrorKind::Config`] where the tokenizer lacks one of them.
    pub(crate) fn of(tokenizer: &Tokenizer, config: &SampleConfig) -> Result<Self, Error> {
        let fim = config.fim_rate > 0.0;
        Ok(Self {
            end: tokenizer.require(Special::EndOfText)?,
            fim: fim.then(|| FimTokens::of(tokenizer)).transpose()?,
        })
    }
}

/// The samples of the tokens of a whole file.
///
/// # Errors
/// [`crate::ErrorKind::Tokenizer`] where a part cannot be encoded.
pub(crate) fn file_samples(
    document: &Document,
    tokens: &[u32],
    marks: FileTokens,
    config: &SampleConfig,
    tokenizer: &Tokenizer,
) -> Result<Vec<Sample>, Error> {
    let parts = windows(tokens, config.sequence_length - FIM_RESERVE, tokenizer);
    let mut samples = Vec::with_capacity(parts.len());
    // Of the whole file, since a window may begin inside of a string or comment.
    let outline = LazyCell::new(|| Outline::read(&document.text, Lexis::of(&document.language)));
    let mut bytes = 0;
    for (number, part) in parts.iter().enumerate() {
        let tokens = &tokens[part.clone()];
        let length: usize = tokens.iter().map(|&token| tokenizer.piece(token).len()).sum();
        let window = bytes..bytes + length;
        bytes += length;
        let mut random = of_sample(config.seed, &document.repository, &document.path, number as u64);
        let with_hole = match marks.fim.filter(|_| random.chance(config.fim_rate)) {
            Some(fim) => with_hole(document, window, &outline, fim, config, tokenizer, &mut random)?,
            None => None,
        };
        let (draft, kind) = with_hole.unwrap_or_else(|| {
            let last = number + 1 == parts.len();
            (
                continuation(tokens, last.then_some(marks.end)),
                SampleKind::Continuation,
            )
        });
        samples.push(draft.finish(kind, &document.language, &document.repository));
    }
    Ok(samples)
}

/// A text to continue, all of whose tokens are learned; `end` says that the file ends with it.
fn continuation(tokens: &[u32], end: Option<u32>) -> Draft {
    let mut draft = Draft::default();
    draft.push(tokens, true);
    draft.push(end.as_slice(), true);
    draft
}

/// A window of the text with a hole, or none where there is no place for one or it would be longer than a row.
fn with_hole(
    document: &Document,
    window: Range<usize>,
    outline: &Outline,
    fim: FimTokens,
    config: &SampleConfig,
    tokenizer: &Tokenizer,
    random: &mut Random,
) -> Result<Option<(Draft, SampleKind)>, Error> {
    let text = document.text.get(window.clone()).unwrap_or_default();
    let Some(hole) = outline.hole(window.clone(), random) else {
        return Ok(None);
    };
    let hole = whole_words(text, hole.start - window.start..hole.end - window.start);
    let kind = if random.chance(config.spm_rate) {
        SampleKind::FimSpm
    } else {
        SampleKind::FimPsm
    };
    let draft = fill_in_the_middle(text, hole, kind, config.fim_loss, fim, tokenizer)?;
    Ok((draft.len() <= config.sequence_length).then_some((draft, kind)))
}

/// The hole with its edges moved back to where characters begin, and its start to where a word does.
fn whole_words(text: &str, hole: Range<usize>) -> Range<usize> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let start = text.floor_char_boundary(hole.start);
    let (before, after) = text.split_at(start);
    let begun = if after.starts_with(is_word) {
        before
            .chars()
            .rev()
            .take(MAX_WORD)
            .take_while(|&character| is_word(character))
            .map(char::len_utf8)
            .sum()
    } else {
        0
    };
    start - begun..text.floor_char_boundary(hole.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_begins_with_a_word_and_cuts_no_character() {
        let check =
            |text: &str, hole: Range<usize>, expected: &str| assert_eq!(&text[whole_words(text, hole)], expected);
        check("let abc_d = 1;", 6..14, "abc_d = 1;");
        check("let abc_d = 1;", 9..14, " = 1;");
        check("let abc_d = 1;", 0..5, "let a");
        check("x\u{e9}y", 2..3, "x\u{e9}");
        check("\"\u{1f980}\"", 2..5, "\u{1f980}");
    }
}
