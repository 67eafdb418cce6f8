//! Figures of words: how many, how varied, how often the same sequence, and the shape of lines.

use crate::fingerprint::{Counts, Seen, fingerprint, fingerprint_short, fold};

/// How much of a text is looked at, in bytes: enough for stable shares, and a bound on memory.
pub const SCOPE: usize = 512 * 1024;

/// Words in the sequences whose repetition is measured (`RefineCode`'s longest).
const SEQUENCE: usize = 10;
/// Multiplier of the rolling hash over a sequence: an odd constant with well mixed bits.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
/// What a number counts as in a sequence, so that a table of numbers is one sequence again and again.
const NUMBER: u64 = 0x243f_6a88_85a3_08d3;

/// Words that give code its structure: definitions and control flow of the common languages.
pub(crate) const STRUCTURE: &[&str] = &[
    "abstract",
    "async",
    "await",
    "begin",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "defer",
    "define",
    "defmodule",
    "defn",
    "defp",
    "defun",
    "do",
    "elif",
    "else",
    "elsif",
    "end",
    "endif",
    "enum",
    "except",
    "export",
    "extends",
    "false",
    "final",
    "finally",
    "fn",
    "for",
    "foreach",
    "from",
    "fun",
    "func",
    "function",
    "if",
    "impl",
    "import",
    "in",
    "include",
    "int",
    "interface",
    "lambda",
    "let",
    "local",
    "loop",
    "match",
    "module",
    "mut",
    "namespace",
    "new",
    "nil",
    "null",
    "override",
    "package",
    "private",
    "proc",
    "procedure",
    "protected",
    "pub",
    "public",
    "raise",
    "require",
    "return",
    "self",
    "static",
    "string",
    "struct",
    "sub",
    "super",
    "switch",
    "template",
    "then",
    "this",
    "throw",
    "trait",
    "true",
    "try",
    "type",
    "typedef",
    "union",
    "unless",
    "until",
    "use",
    "using",
    "val",
    "var",
    "void",
    "when",
    "where",
    "while",
    "with",
    "yield",
];

/// What the words of a text look like. A word is a maximal run of letters, digits, underscores and bytes outside
/// ASCII; one that begins with a digit is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Words that are not numbers.
    pub words: u64,
    /// Numbers.
    pub numbers: u64,
    /// Different words.
    pub distinct: u64,
    /// How often the most frequent word occurs.
    pub most_frequent: u64,
    /// The sum over different words of the square of their count.
    pub squares: u64,
    /// The bytes of all different and repeated words.
    pub word_bytes: u64,
    /// Words and numbers inside a sequence of ten that was met before.
    pub in_repeated_sequence: u64,
    /// Words that give code its structure, such as `class`, `if`, `return`.
    pub structure: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines with the same sequence of punctuation as the line before, where there is any.
    pub same_shape: u64,
}

impl Tokens {
    /// Words and numbers.
    pub fn all(&self) -> u64 {
        self.words + self.numbers
    }

    /// Guiraud's index of lexical richness, different words over the square root of words.
    pub fn richness(&self) -> f64 {
        self.distinct as f64 / (self.words.max(1) as f64).sqrt()
    }

    /// The number of words that would be as varied if all were equally frequent: the inverse of Simpson's index.
    pub fn effective(&self) -> f64 {
        (self.words as f64) * (self.words as f64) / self.squares.max(1) as f64
    }

    /// The share of words and numbers inside a sequence met before.
    pub fn repeated_share(&self) -> f64 {
        self.in_repeated_sequence as f64 / self.all().max(1) as f64
    }
}

/// Measures the words of the first [`SCOPE`] bytes.
pub fn measure(text: &str) -> Tokens {
    let bytes = &text.as_bytes()[..text.floor_char_boundary(SCOPE)];
    let mut tokens = Tokens::default();
    // A word and what sets it apart take about seven bytes, and many repeat; a table that fills up makes figures
    // coarser, not wrong.
    let mut counts = Counts::with_room_for(bytes.len() / 12);
    let mut sequences = Sequences::with_room_for(bytes.len() / 6);
    let mut shape = Shape::default();
    let mut at = 0;
    while at < bytes.len() {
        let class = CLASSES[usize::from(bytes[at])];
        if class & IN_WORD != 0 {
            let end = word_end(bytes, at);
            if class == LETTER {
                let mark = word_fingerprint(bytes, at, end);
                tokens.words += 1;
                tokens.word_bytes += (end - at) as u64;
                counts.add(mark);
                sequences.push(mark);
            } else {
                tokens.numbers += 1;
                sequences.push(NUMBER);
            }
            shape.in_line = true;
            at = end;
            continue;
        }
        if class == PUNCTUATION {
            shape.add(bytes[at]);
        } else if class == LINE_END {
            shape.end_line(&mut tokens);
        }
        at += 1;
    }
    shape.end_line(&mut tokens);
    tokens.in_repeated_sequence = sequences.repeated;
    tokens.distinct = counts.distinct() as u64;
    for count in counts.counts().map(u64::from) {
        tokens.most_frequent = tokens.most_frequent.max(count);
        tokens.squares += count * count;
    }
    tokens.structure = STRUCTURE
        .iter()
        .map(|word| u64::from(counts.get(fingerprint(word.as_bytes()))))
        .sum();
    tokens
}

/// Where the word that begins at `at` ends; eight bytes at a time, so that short words cost no loop.
#[inline]
fn word_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(chunk) = bytes[end..].first_chunk::<8>() {
        let outside = outside_words(u64::from_le_bytes(*chunk));
        if outside != 0 {
            return end + outside.trailing_zeros() as usize / 8;
        }
        end += 8;
    }
    let rest = &bytes[end..];
    let len = rest.iter().position(|byte| CLASSES[usize::from(*byte)] & IN_WORD == 0);
    end + len.unwrap_or(rest.len())
}

/// The highest bit of each of eight bytes that cannot be part of a word, by arithmetic on all of them together.
#[inline]
const fn outside_words(bytes: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    /// The high bit of each byte of 7 bits that is at least `least`; no sum reaches the next byte.
    const fn at_least(bytes: u64, least: u8) -> u64 {
        bytes + ONES * (0x80 - least as u64)
    }
    let ascii = bytes & !HIGH;
    let lower = ascii | (ONES * 0x20);
    let letters = at_least(lower, b'a') & !at_least(lower, b'z' + 1);
    let digits = at_least(ascii, b'0') & !at_least(ascii, b'9' + 1);
    let underscores = !at_least(ascii ^ (ONES * b'_' as u64), 1);
    !(letters | digits | underscores | bytes) & HIGH
}

/// The fingerprint of `bytes[at..end]`, by one load where the word is short.
#[inline]
fn word_fingerprint(bytes: &[u8], at: usize, end: usize) -> u64 {
    let len = end - at;
    match bytes[at..].first_chunk::<8>() {
        Some(chunk) if len < 8 => {
            let mask = (1 << (8 * len)) - 1;
            fingerprint_short(u64::from_le_bytes(*chunk) & mask, len)
        }
        _ => fingerprint(&bytes[at..end]),
    }
}

/// Finds sequences of ten words that occurred before, by a rolling hash.
struct Sequences {
    seen: Seen,
    last: [u64; SEQUENCE],
    rolling: u64,
    pushed: usize,
    /// Words up to here are counted as repeated or will not be.
    covered: usize,
    repeated: u64,
}

impl Sequences {
    fn with_room_for(expected: usize) -> Self {
        Self {
            seen: Seen::with_room_for(expected),
            last: [0; SEQUENCE],
            rolling: 0,
            pushed: 0,
            covered: 0,
            repeated: 0,
        }
    }

    #[inline]
    fn push(&mut self, word: u64) {
        let oldest = std::mem::replace(&mut self.last[self.pushed % SEQUENCE], word);
        self.rolling = self
            .rolling
            .wrapping_mul(BASE)
            .wrapping_add(word)
            .wrapping_sub(oldest.wrapping_mul(const { power(BASE, SEQUENCE) }));
        self.pushed += 1;
        if self.pushed >= SEQUENCE && self.seen.add(fold(self.rolling, BASE)) {
            let begin = (self.pushed - SEQUENCE).max(self.covered);
            self.repeated += (self.pushed - begin) as u64;
            self.covered = self.pushed;
        }
    }
}

const fn power(base: u64, exponent: usize) -> u64 {
    let mut product: u64 = 1;
    let mut i = 0;
    while i < exponent {
        product = product.wrapping_mul(base);
        i += 1;
    }
    product
}

/// The punctuation of the current line and of the one before.
#[derive(Default)]
struct Shape {
    current: u64,
    before: u64,
    in_line: bool,
}

impl Shape {
    #[inline]
    fn add(&mut self, byte: u8) {
        self.current = (self.current.rotate_left(7) ^ u64::from(byte)).wrapping_mul(BASE);
        self.in_line = true;
    }

    fn end_line(&mut self, tokens: &mut Tokens) {
        if !self.in_line {
            return;
        }
        tokens.lines += 1;
        tokens.same_shape += u64::from(self.current == self.before && self.current != 0);
        self.before = self.current;
        self.current = 0;
        self.in_line = false;
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
/// A byte that continues a word.
const IN_WORD: u8 = LETTER | DIGIT;
const PUNCTUATION: u8 = 4;
const LINE_END: u8 = 8;
const BLANK: u8 = 16;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [PUNCTUATION; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => LETTER,
            b'0'..=b'9' => DIGIT,
            b'\n' => LINE_END,
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => BLANK,
            _ => PUNCTUATION,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_shapes() {
        let tokens = measure("if (a1) return 0x1f;\n\nb = 2;\nc = 3;\nif größe\n");
        let expected = Tokens {
            words: 7,
            numbers: 3,
            distinct: 6,
            most_frequent: 2,
            squares: 4 + 5,
            word_bytes: 2 + 2 + 6 + 1 + 1 + 2 + 7,
            in_repeated_sequence: 0,
            structure: 3,
            lines: 4,
            same_shape: 1,
        };
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_sequence_of_ten_is_found_again() {
        let words = |count: u32, begin: &str| (0..count).map(|i| format!("{begin}{i} ")).collect::<Vec<_>>().concat();
        let once = words(30, "w");
        assert_eq!(measure(&once).in_repeated_sequence, 0);
        assert_eq!(measure(&once.repeat(2)).in_repeated_sequence, 30);
        assert_eq!(measure(&once.repeat(3)).in_repeated_sequence, 60);
        let numbers = words(1000, "");
        assert_eq!(measure(&numbers).in_repeated_sequence, 999);
    }

    #[test]
    fn eight_bytes_at_once_are_classed_like_one() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"a_9Z\xffzA0";
                bytes[place] = byte;
                let expected = if CLASSES[usize::from(byte)] & IN_WORD == 0 {
                    0x80 << (8 * place)
                } else {
                    0
                };
                assert_eq!(outside_words(u64::from_le_bytes(bytes)), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn structure_words_are_sorted_and_single() {
        assert!(STRUCTURE.is_sorted_by(|a, b| a < b));
    }
}
