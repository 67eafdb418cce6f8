//! How literals are written, as far as they may hide what looks like a comment.

use memchr::{memchr, memchr2, memchr3, memmem};

/// The longest regular expression in bytes that is distinguished from a division: a bound on the search for its end.
const MAX_REGEX: usize = 1000;

/// The longest escape between the quotes of a character, `\u{10FFFF}`, with the second quote.
const MAX_ESCAPE: usize = 11;

/// The longest delimiter of a raw string in C++ (its standard, lex.string).
const MAX_DELIMITER: usize = 16;

/// One way to write a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    /// Between two of these bytes on one line; a backslash takes the next byte's meaning away, also that of a line feed. One
    /// that is not closed ends with its line.
    Line(u8),
    /// The same over any number of lines.
    Lines(u8),
    /// The same without escapes.
    Verbatim(u8),
    /// Between three and three of these bytes, over lines, with escapes.
    Triple(u8),
    /// One character between single quotes. Lifetimes, primes and digit separators begin with such a quote too, and are not.
    Character,
    /// Rust's `r#"…"#` with any number of `#`.
    Hashes,
    /// C++'s `R"name(…)name"`.
    Delimited,
    /// C#'s `@"…"`.
    At,
    /// A regular expression between slashes, where no division can stand (JavaScript).
    Regex,
}

impl Literal {
    /// The byte that every literal of this kind begins with, prefixes left out.
    pub(super) const fn opening(self) -> u8 {
        match self {
            Self::Line(quote) | Self::Lines(quote) | Self::Verbatim(quote) | Self::Triple(quote) => quote,
            Self::Character => b'\'',
            Self::Hashes | Self::Delimited | Self::At => b'"',
            Self::Regex => b'/',
        }
    }

    /// Where the literal of this kind ends that begins at `at`, if one does. `code` is what stands before it since the
    /// last literal or comment, `last` the last byte before it that is not blank. What is not closed ends with the text.
    pub(super) fn end(self, bytes: &[u8], code: &[u8], last: Option<u8>, at: usize) -> Option<usize> {
        let here = &bytes[at..];
        if here.first() != Some(&self.opening()) {
            return None;
        }
        let length = match self {
            Self::Line(quote) => Some(on_one_line(here, quote)),
            Self::Lines(quote) => Some(over_lines(here, &[quote])),
            Self::Verbatim(quote) => Some(memchr(quote, &here[1..]).map_or(here.len(), |length| length + 2)),
            Self::Triple(quote) => here.starts_with(&[quote; 3]).then(|| over_lines(here, &[quote; 3])),
            Self::Character => character(code, here),
            Self::Hashes => hashes(code, here),
            Self::Delimited => delimited(code, here),
            Self::At => (code.ends_with(b"@") || code.ends_with(b"@$"))
                .then(|| memchr(b'"', &here[1..]).map_or(here.len(), |length| length + 2)),
            Self::Regex => regex(code, last, here),
        };
        length.map(|length| at + length)
    }
}

fn on_one_line(here: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(skipped) = here.get(at..).and_then(|rest| memchr3(quote, b'\\', b'\n', rest)) {
        at += skipped;
        match here[at] {
            b'\\' => at += 2,
            b'\n' => return at,
            _ => return at + 1,
        }
    }
    here.len()
}

fn over_lines(here: &[u8], quotes: &[u8]) -> usize {
    let mut at = quotes.len();
    while let Some(skipped) = here.get(at..).and_then(|rest| memchr2(quotes[0], b'\\', rest)) {
        at += skipped;
        if here[at] == b'\\' {
            at += 2;
        } else if here[at..].starts_with(quotes) {
            return at + quotes.len();
        } else {
            at += 1;
        }
    }
    here.len()
}

fn character(code: &[u8], here: &[u8]) -> Option<usize> {
    // `b'x'`, `u8'x'`, `L'x'` are characters; `1'000` and `x'` are none.
    let before = code.last();
    if before.is_some_and(|byte| is_word(*byte) && !b"bu8UL".contains(byte)) {
        return None;
    }
    let length = match here.get(1)? {
        b'\'' | b'\n' => return None,
        // None goes over lines: a comment that became a line feed must not make one of what it parted.
        b'\\' if here.get(2) == Some(&b'\n') => return None,
        b'\\' => 3 + memchr2(b'\'', b'\n', here.get(3..)?.get(..MAX_ESCAPE).unwrap_or(&here[3..]))?,
        0..0x80 => 2,
        0x80..0xe0 => 3,
        0xe0..0xf0 => 4,
        0xf0.. => 5,
    };
    (here.get(length) == Some(&b'\'')).then_some(length + 1)
}

fn hashes(code: &[u8], here: &[u8]) -> Option<usize> {
    let hashes = code.iter().rev().take_while(|byte| **byte == b'#').count();
    let before = code[..code.len() - hashes].strip_suffix(b"r")?;
    let before = before
        .strip_suffix(b"b")
        .or(before.strip_suffix(b"c"))
        .unwrap_or(before);
    if before.last().is_some_and(|byte| is_word(*byte)) {
        return None;
    }
    let mut at = 1;
    while let Some(skipped) = memchr(b'"', &here[at..]) {
        at += skipped + 1;
        let closing = here[at..].iter().take(hashes).take_while(|byte| **byte == b'#').count();
        if closing == hashes {
            return Some(at + hashes);
        }
    }
    Some(here.len())
}

fn delimited(code: &[u8], here: &[u8]) -> Option<usize> {
    code.strip_suffix(b"R")?;
    let open = here.iter().take(MAX_DELIMITER + 2).position(|byte| *byte == b'(')?;
    let close = [b")", &here[1..open], b"\""].concat();
    Some(memmem::find(&here[open..], &close).map_or(here.len(), |length| open + length + close.len()))
}

fn regex(code: &[u8], last: Option<u8>, here: &[u8]) -> Option<usize> {
    const BEFORE: [&[u8]; 9] = [
        b"return", b"typeof", b"case", b"in", b"of", b"void", b"yield", b"await", b"else",
    ];
    let divides = last.is_some_and(|byte| is_word(byte) || b")]}\"'`$".contains(&byte));
    if divides {
        let code = code.trim_ascii_end();
        let word = code.iter().rev().take_while(|byte| is_word(**byte)).count();
        if !BEFORE.contains(&&code[code.len() - word..]) {
            return None;
        }
    }
    let mut in_class = false;
    let mut at = 1;
    while at < here.len().min(MAX_REGEX) {
        match here[at] {
            b'\\' => at += 1,
            b'\n' => return None,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
