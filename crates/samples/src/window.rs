//! A text that is longer than a sample, in parts.

use std::ops::Range;

use crate::tokenizer::Tokenizer;

/// Cuts tokens of a text into parts of at most `most` tokens, each as long as it can be, but the last two of like length
/// where the last would have little before it to be learned from.
///
/// A part ends with a line; within a line only where the line alone is longer, and then between characters. A tokenizer
/// that cuts text as Qwen's does does not join the end of a line with the text after it (only with blank lines), so a part
/// has the tokens that it would have by itself.
pub(crate) fn windows(tokens: &[u32], most: usize, tokenizer: &Tokenizer) -> Vec<Range<usize>> {
    let most = most.max(1);
    let mut parts = Vec::with_capacity(tokens.len() / most + 1);
    let mut start = 0;
    while tokens.len() - start > most {
        let left = tokens.len() - start;
        let length = if left < most + most / 16 {
            left.div_ceil(2)
        } else {
            most
        };
        let end = cut(tokens, start, start + length.min(most), tokenizer);
        parts.push(start..end);
        start = end;
    }
    if start < tokens.len() {
        parts.push(start..tokens.len());
    }
    parts
}

/// Where the part that begins at `start` ends, at most at `limit`, which is before the end of the tokens.
fn cut(tokens: &[u32], start: usize, limit: usize, tokenizer: &Tokenizer) -> usize {
    let ends_line = |&end: &usize| tokenizer.piece(tokens[end - 1]).ends_with(b"\n");
    let begins_character = |&end: &usize| {
        tokenizer
            .piece(tokens[end])
            .first()
            .is_none_or(|&byte| byte & 0xc0 != 0x80)
    };
    let mut candidates = (start + 1..=limit).rev();
    candidates
        .clone()
        .find(ends_line)
        .or_else(|| candidates.find(begins_character))
        .unwrap_or(limit)
}
