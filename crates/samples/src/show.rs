//! A readable form of a sample: its text in parts, with what is learned and what is special.

use std::ops::Range;

use crate::shard::Row;
use crate::tokenizer::Tokenizer;

/// A part of a sample whose tokens are alike: learned or not, special or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its text; a character that is cut by the edge of a part shows as U+FFFD.
    pub text: String,
    /// Whether its tokens are learned.
    pub learned: bool,
    /// Whether it is one special token, of which `text` is the name.
    pub special: bool,
}

/// The parts of the tokens at some positions of a row, such as those of a sample.
pub fn passages(row: &Row<'_>, positions: Range<usize>, tokenizer: &Tokenizer) -> Vec<Passage> {
    let mut passages = Vec::new();
    let end = positions.end.min(row.tokens.len());
    let mut start = positions.start;
    while start < end {
        let look = |position: usize| (row.learned(position), tokenizer.is_special(row.tokens[position]));
        let (learned, special) = look(start);
        let next = if special {
            start + 1
        } else {
            (start + 1..end)
                .find(|&position| look(position) != (learned, special))
                .unwrap_or(end)
        };
        passages.push(Passage {
            text: tokenizer.decode(&row.tokens[start..next]),
            learned,
            special,
        });
        start = next;
    }
    passages
}
