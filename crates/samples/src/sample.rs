//! One example to learn from, as tokens.

use std::ops::Range;

use codelupe_core::Language;
use serde::{Deserialize, Serialize};

/// How a sample was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleKind {
    /// A file, or a part of one, from its beginning to its end.
    Continuation,
    /// Fill-in-the-middle: prefix, suffix, middle.
    FimPsm,
    /// Fill-in-the-middle: suffix, prefix, middle.
    FimSpm,
    /// The description of a function, and the function as the answer.
    Instruction,
    /// Several files of one repository, what is used before what uses it.
    Repository,
}

impl SampleKind {
    /// Every kind; the place of a kind is its number in a shard.
    pub const ALL: [Self; 5] = [
        Self::Continuation,
        Self::FimPsm,
        Self::FimSpm,
        Self::Instruction,
        Self::Repository,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::FimPsm => "fim-psm",
            Self::FimSpm => "fim-spm",
            Self::Instruction => "instruction",
            Self::Repository => "repository",
        }
    }

    /// The number that stands for it in a shard.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number in a shard.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// One example to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// How it was made.
    pub kind: SampleKind,
    /// The language of the file, or the one with the most bytes where it has several files.
    pub language: Language,
    /// The repository that it comes from.
    pub repository: String,
    /// Its tokens; at most as many as a row has.
    pub tokens: Vec<u32>,
    /// The positions of the tokens whose prediction counts, from the tokens before them: ascending, apart from each
    /// other, never position 0, which nothing stands before.
    pub learn: Vec<Range<usize>>,
}

impl Sample {
    /// How many of the tokens are learned.
    pub fn learned(&self) -> usize {
        self.learn.iter().map(ExactSizeIterator::len).sum()
    }
}

/// Tokens as they are put together, with what of them is learned.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    tokens: Vec<u32>,
    learn: Vec<Range<usize>>,
}

impl Draft {
    /// Adds tokens from a place of its own, such as a special token.
    pub(crate) fn push(&mut self, tokens: &[u32], learned: bool) {
        self.tokens.extend_from_slice(tokens);
        self.learn_last(tokens.len(), learned);
    }

    /// Adds what `write` appends.
    pub(crate) fn append<E>(
        &mut self,
        learned: bool,
        write: impl FnOnce(&mut Vec<u32>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.tokens.len();
        write(&mut self.tokens)?;
        self.learn_last(self.tokens.len() - before, learned);
        Ok(())
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The finished sample.
    pub(crate) fn finish(self, kind: SampleKind, language: &Language, repository: &str) -> Sample {
        Sample {
            kind,
            language: language.clone(),
            repository: repository.to_owned(),
            tokens: self.tokens,
            learn: self.learn,
        }
    }

    fn learn_last(&mut self, added: usize, learned: bool) {
        let end = self.tokens.len();
        let start = (end - added).max(1);
        if !learned || start >= end {
            return;
        }
        match self.learn.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.learn.push(start..end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighboring_learned_parts_become_one_range_without_the_first_token() {
        let mut draft = Draft::default();
        draft.push(&[1, 2], true);
        draft.push(&[3], true);
        draft.push(&[4], false);
        draft.push(&[], true);
        draft.push(&[5], true);
        let sample = draft.finish(SampleKind::Continuation, &Language::known("C"), "r");
        assert_eq!(sample.learn, [1..3, 4..5]);
        assert_eq!(sample.learned(), 3);
    }

    #[test]
    fn the_number_of_a_kind_leads_back_to_it() {
        for kind in SampleKind::ALL {
            assert_eq!(SampleKind::numbered(kind.number()), Some(kind));
        }
        assert_eq!(SampleKind::numbered(5), None);
    }
}
