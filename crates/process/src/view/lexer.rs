//! A text cut into code, literals and comments.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::lexis::Lexis;

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everything that is neither of the others.
    Code,
    /// A string, character or regular expression, with its quotes.
    Literal,
    /// A comment with its marks, the line feed that ends it left out; or a docstring.
    Comment,
}

/// Calls `each` with every part of `text`, in order and without gaps; parts of code may be empty.
pub(super) fn lex(lexis: &Lexis, text: &str, mut each: impl FnMut(Kind, Range<usize>)) {
    let bytes = text.as_bytes();
    let opening = lexis.opening_bytes();
    let mut lexer = Lexer {
        lexis,
        bytes,
        code_from: 0,
        last: None,
        blocks_are_over: false,
    };
    let mut at = 0;
    while let Some(skipped) = bytes[at..].iter().position(|byte| opening[usize::from(*byte)]) {
        at += skipped;
        let Some((kind, range)) = lexer.part_at(at) else {
            at += 1;
            continue;
        };
        each(Kind::Code, lexer.code_from..range.start);
        at = range.end;
        each(kind, range.clone());
        lexer.pass(kind, range);
    }
    each(Kind::Code, lexer.code_from..bytes.len());
}

struct Lexer<'l> {
    lexis: &'l Lexis,
    bytes: &'l [u8],
    /// Where the current part of code begins.
    code_from: usize,
    /// The last byte before that which is neither blank nor in a comment.
    last: Option<u8>,
    /// No comment over lines ends after the current place.
    blocks_are_over: bool,
}

impl Lexer<'_> {
    /// The literal or comment that the byte at `at` opens.
    fn part_at(&mut self, at: usize) -> Option<(Kind, Range<usize>)> {
        let code = &self.bytes[self.code_from..at];
        if code.last() == Some(&b'\\') {
            return None;
        }
        if let Some(end) = self.comment_end(at) {
            return Some((Kind::Comment, at..end));
        }
        let last = code.trim_ascii_end().last().copied().or(self.last);
        let mut literals = self.lexis.literals.iter();
        let end = literals.find_map(|literal| literal.end(self.bytes, code, last, at))?;
        Some(match self.docstring_start(at) {
            Some(start) => (Kind::Comment, start..end),
            None => (Kind::Literal, at..end),
        })
    }

    /// Goes on behind a literal or comment.
    fn pass(&mut self, kind: Kind, range: Range<usize>) {
        let code = self.bytes[self.code_from..range.start].trim_ascii_end();
        self.last = match kind {
            Kind::Literal => self.bytes.get(range.end - 1).copied(),
            Kind::Code | Kind::Comment => code.last().copied().or(self.last),
        };
        self.code_from = range.end;
    }

    fn comment_end(&mut self, at: usize) -> Option<usize> {
        let here = &self.bytes[at..];
        let is_apart = at == self.code_from || self.bytes[at - 1].is_ascii_whitespace();
        if self.lexis.after_blank && !is_apart {
            return None;
        }
        if let Some((open, close)) = self.lexis.comments.block
            && here.starts_with(open.as_bytes())
            && let Some(length) = self.block_length(&here[open.len()..], open, close)
        {
            return Some(at + open.len() + length);
        }
        let mut marks = self.lexis.comments.line.iter();
        marks
            .any(|mark| here.starts_with(mark.as_bytes()))
            .then(|| at + memchr(b'\n', here).unwrap_or(here.len()))
    }

    /// The bytes up to the end of a comment over lines that has begun, the end mark among them. One that is never closed is
    /// none; one in which more are opened than closed ends with the last that is.
    fn block_length(&mut self, rest: &[u8], open: &str, close: &str) -> Option<usize> {
        if self.blocks_are_over {
            return None;
        }
        let mut at = 0;
        let mut depth = 1_usize;
        for end in memmem::find_iter(rest, close) {
            if self.lexis.nested {
                depth += memmem::find_iter(rest.get(at..end).unwrap_or(&[]), open).count();
            }
            at = end + close.len();
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
        self.blocks_are_over = true;
        (at > 0).then_some(at)
    }

    /// Where the docstring begins whose quotes stand at `at`: three quotes, with nothing before them, or a colon and a line end.
    fn docstring_start(&self, at: usize) -> Option<usize> {
        let here = &self.bytes[at..];
        if !self.lexis.comments.docstrings || !(here.starts_with(b"\"\"\"") || here.starts_with(b"'''")) {
            return None;
        }
        let code = &self.bytes[self.code_from..at];
        let code = match code {
            [before @ .., b'r' | b'R' | b'u' | b'U'] if before.last().is_none_or(u8::is_ascii_whitespace) => before,
            _ => code,
        };
        let last = code.trim_ascii_end().last().copied().or(self.last);
        matches!(last, None | Some(b':')).then_some(self.code_from + code.len())
    }
}
