//! Every figure that was measured about one content.

use serde::{Deserialize, Serialize};

use crate::characters::Characters;
use crate::encoded::Encoded;
use crate::lines::Lines;
use crate::tokens::Tokens;

/// The figures that rules and quality look at. Those that come after the deciding rule are zero.
///
/// Shares are between 0 and 1; lengths are in characters unless they say bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signals {
    /// Bytes of the content as it came.
    pub bytes: u64,
    /// The encoding it came in (WHATWG name); empty when it was not text.
    pub encoding: String,
    /// Characters of the text.
    pub characters: u64,
    /// Lines; a last one without line feed counts.
    pub lines: u64,
    /// Mean length of a line without its end.
    pub average_line: f64,
    /// Length of the longest line without its end.
    pub longest_line: u64,
    /// Share of characters that are letters.
    pub alphabetic: f64,
    /// Share of characters that are letters or digits.
    pub alphanumeric: f64,
    /// Share of digits among the characters that are not blank.
    pub digits: f64,
    /// Share of punctuation and symbols among the characters that are not blank.
    pub punctuation: f64,
    /// Share of blanks among the characters.
    pub blanks: f64,
    /// Length of the longest run of encoded data.
    pub encoded_longest: u64,
    /// Share of characters in encoded data.
    pub encoded_share: f64,
    /// Characters of visible text; HTML only.
    pub visible_text: u64,
    /// Share of lines that are blank.
    pub blank_lines: f64,
    /// Share of lines with text that are comments.
    pub comment_lines: f64,
    /// Share of lines of more than two bytes that repeat an earlier one.
    pub duplicate_lines: f64,
    /// Share of indented lines that are indented by the more common of tab and space.
    pub indentation: f64,
    /// Words, and numbers, of the first 512 KiB.
    pub tokens: u64,
    /// Different words.
    pub distinct_tokens: u64,
    /// Guiraud's index: different words over the square root of words.
    pub richness: f64,
    /// The inverse of Simpson's index: how many equally frequent words would be as varied.
    pub effective_tokens: f64,
    /// Share of the most frequent word among the words.
    pub top_token: f64,
    /// Share of words in a sequence of ten that was met before.
    pub duplicate_tokens: f64,
    /// Mean length of a word in bytes.
    pub word_length: f64,
    /// Words of structure, such as `class` and `if`, per line with text.
    pub structure: f64,
    /// Share of lines with the same punctuation in the same order as the line before.
    pub same_shape: f64,
}

impl Signals {
    pub(crate) fn set_lines(&mut self, lines: &Lines) {
        let with_text = lines.count - lines.blank;
        let indented = lines.tab_indented + lines.space_indented;
        self.lines = lines.count;
        self.average_line = lines.average();
        self.longest_line = lines.longest;
        self.blank_lines = share(lines.blank, lines.count);
        self.comment_lines = share(lines.comments, with_text);
        self.duplicate_lines = lines.repeated_share();
        self.indentation = if indented == 0 {
            1.0
        } else {
            share(lines.tab_indented.max(lines.space_indented), indented)
        };
    }

    pub(crate) fn set_characters(&mut self, characters: &Characters) {
        let visible = characters.all - characters.blanks;
        self.characters = characters.all;
        self.alphabetic = share(characters.letters, characters.all);
        self.alphanumeric = share(characters.letters + characters.digits, characters.all);
        self.digits = share(characters.digits, visible);
        self.punctuation = share(characters.punctuation(), visible);
        self.blanks = share(characters.blanks, characters.all);
    }

    pub(crate) fn set_encoded(&mut self, encoded: Encoded) {
        self.encoded_longest = encoded.longest;
        self.encoded_share = share(encoded.covered, self.characters);
    }

    pub(crate) fn set_tokens(&mut self, tokens: &Tokens) {
        self.tokens = tokens.all();
        self.distinct_tokens = tokens.distinct;
        self.richness = tokens.richness();
        self.effective_tokens = tokens.effective();
        self.top_token = share(tokens.most_frequent, tokens.words);
        self.duplicate_tokens = tokens.repeated_share();
        self.word_length = share(tokens.word_bytes, tokens.words);
        self.structure = share(tokens.structure, tokens.lines);
        self.same_shape = share(tokens.same_shape, tokens.lines);
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
