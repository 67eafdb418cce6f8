//! Fill-in-the-middle: a text with a hole, and what stands in it.

use std::ops::Range;

use crate::config::FimLoss;
use crate::error::Error;
use crate::sample::{Draft, SampleKind};
use crate::special::Special;
use crate::tokenizer::Tokenizer;

/// The tokens that mark the parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FimTokens {
    prefix: u32,
    suffix: u32,
    middle: u32,
    end: u32,
}

impl FimTokens {
    /// # Errors
    /// [`crate::ErrorKind::Config`] where the tokenizer lacks one of them.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Result<Self, Error> {
        Ok(Self {
            prefix: tokenizer.require(Special::FimPrefix)?,
            suffix: tokenizer.require(Special::FimSuffix)?,
            middle: tokenizer.require(Special::FimMiddle)?,
            end: tokenizer.require(Special::EndOfText)?,
        })
    }
}

/// The sample of a text whose `hole` is to be filled, in one of two orders:
///
/// - [`SampleKind::FimPsm`] as Qwen2.5-Coder is trained (Technical Report, figure 3):
///   `<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}<|endoftext|>`.
/// - [`SampleKind::FimSpm`] with the same tokens in the order of Bavarian et al. (arXiv 2207.14255, SPM variant
///   2, made to be trained on together with PSM):
///   `<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}{middle}<|endoftext|>`.
///
/// # Errors
/// [`crate::ErrorKind::Tokenizer`] where a part cannot be encoded.
pub(crate) fn fill_in_the_middle(
    text: &str,
    hole: Range<usize>,
    kind: SampleKind,
    loss: FimLoss,
    tokens: FimTokens,
    tokenizer: &Tokenizer,
) -> Result<Draft, Error> {
    let (prefix, middle, suffix) = (&text[..hole.start], &text[hole.clone()], &text[hole.end..]);
    let all = loss == FimLoss::All;
    let mut draft = Draft::default();
    draft.push(&[tokens.prefix], all);
    if kind == SampleKind::FimPsm {
        draft.append(all, |out| tokenizer.encode_text(prefix, out))?;
    }
    draft.push(&[tokens.suffix], all);
    draft.append(all, |out| tokenizer.encode_text(suffix, out))?;
    draft.push(&[tokens.middle], all);
    if kind == SampleKind::FimSpm {
        draft.append(all, |out| tokenizer.encode_text(prefix, out))?;
    }
    draft.append(true, |out| tokenizer.encode_text(middle, out))?;
    draft.push(&[tokens.end], true);
    Ok(draft)
}
