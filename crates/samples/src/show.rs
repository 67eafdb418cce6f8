//! A sample as it can be read: its text in parts, with what is learnt and what is special.

use std::ops::Range;

use crate::shard::Row;
use crate::tokenizer::Tokenizer;

/// A part of a sample whose tokens are alike: learnt or not, special or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its text; a character that is cut by the edge of a part shows as U+FFFD.
    pub text: String,
    /// Whether its tokens are learnt.
    pub learnt: bool,
    /// Whether it is one special token, of which `text` is the name.
    pub special: bool,
}

/// The parts of the tokens at some positions of a row, such as those of a sample.
pub fn passages(row: &Row<'_>, positions: Range<usize>, tokenizer: &Tokenizer) -> Vec<Passage> {
    let mut passages = Vec::new();
    let end = positions.end.min(row.tokens.len());
    let mut start = positions.start;
    while start < end {
        let look = |position: usize| (row.learnt(position), tokenizer.is_special(row.tokens[position]));
        let (learnt, special) = look(start);
        let next = if special {
            start + 1
        } else {
            (start + 1..end)
                .find(|&position| look(position) != (learnt, special))
                .unwrap_or(end)
        };
        passages.push(Passage {
            text: tokenizer.decode(&row.tokens[start..next]),
            learnt,
            special,
        });
        start = next;
    }
    passages
}
