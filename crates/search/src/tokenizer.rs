//! Splits code into the tokens of the index.
//!
//! An identifier is a run of letters, digits and `_`. Its parts lie between `_`, camelCase humps and the borders of
//! numbers: `parseHTTPRequest2` has the parts `parse`, `http`, `request`, `2`. Parts take consecutive positions, also
//! across identifiers, so that a phrase is a run of parts whatever stands between them. The whole identifier is a
//! token of its own at the position of its first part. Every Chinese, Japanese or Korean character is an identifier,
//! for these scripts put no space between words.

use std::ops::Range;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The longest token in bytes. Parts are cut there; whole identifiers that are longer are left out.
pub(crate) const MAX_TOKEN_BYTES: usize = 64;

/// An identifier with more parts than this is data rather than a name (a hash, base64): it stays one part.
const MAX_PARTS: usize = 32;

/// The tokenizer as the engine knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CodeTokenizer;

/// What a token is of its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// The whole identifier; only where it differs from its one part.
    Whole,
    /// One part of it.
    Part,
}

/// The tokens of one text, in order.
#[derive(Debug)]
pub(crate) struct CodeTokens<'a> {
    text: &'a str,
    at: usize,
    whole: Option<Range<usize>>,
    parts: Vec<Range<usize>>,
    next_part: usize,
    next_position: usize,
    kind: TokenKind,
    token: Token,
}

impl<'a> CodeTokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            whole: None,
            parts: Vec::new(),
            next_part: 0,
            next_position: 0,
            kind: TokenKind::Part,
            token: Token::default(),
        }
    }

    /// What the current token is.
    pub(crate) const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Finds the next identifier that has parts; false at the end of the text.
    fn next_identifier(&mut self) -> bool {
        self.parts.clear();
        self.next_part = 0;
        while self.parts.is_empty() {
            let Some(identifier) = find_identifier(self.text, self.at) else {
                self.at = self.text.len();
                return false;
            };
            self.at = identifier.end;
            split(self.text, &identifier, &mut self.parts);
            if self.parts.len() > MAX_PARTS {
                self.parts.clear();
                self.parts.push(identifier.clone());
            }
            let differs = self.parts.first().is_some_and(|part| *part != identifier);
            self.whole = (differs && identifier.len() <= MAX_TOKEN_BYTES).then_some(identifier);
        }
        true
    }

    fn set_token(&mut self, kind: TokenKind, range: Range<usize>) {
        self.kind = kind;
        self.token.offset_from = range.start;
        self.token.offset_to = range.end;
        self.token.position = self.next_position;
        lower_into(&self.text[range], &mut self.token.text);
    }
}

impl Tokenizer for CodeTokenizer {
    type TokenStream<'a> = CodeTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> CodeTokens<'a> {
        CodeTokens::new(text)
    }
}

impl TokenStream for CodeTokens<'_> {
    fn advance(&mut self) -> bool {
        if self.next_part == self.parts.len() && !self.next_identifier() {
            return false;
        }
        if let Some(whole) = self.whole.take() {
            self.set_token(TokenKind::Whole, whole);
            return true;
        }
        let part = self.parts[self.next_part].clone();
        self.set_token(TokenKind::Part, part);
        self.next_part += 1;
        self.next_position += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter that is not upper case, of any script.
    Lower,
    Upper,
    Digit,
    Underscore,
    /// A character that is a word by itself.
    Ideograph,
    /// Anything that ends an identifier.
    Other,
}

const fn class_of_ascii(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b'_' => Class::Underscore,
        _ => Class::Other,
    }
}

fn class_of(c: char) -> Class {
    match c {
        '\0'..='\x7f' => class_of_ascii(c as u8),
        // Kana, CJK extension A, unified ideographs, Hangul syllables, compatibility ideographs and the
        // supplementary ideographic planes, by the block list of the Unicode Standard.
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3fffd}' => Class::Ideograph,
        _ if c.is_uppercase() => Class::Upper,
        _ if c.is_alphabetic() => Class::Lower,
        _ if c.is_numeric() => Class::Digit,
        _ => Class::Other,
    }
}

/// The first identifier of `text` at or after `from`.
fn find_identifier(text: &str, from: usize) -> Option<Range<usize>> {
    let mut start = None;
    for (offset, c) in text[from..].char_indices() {
        let at = from + offset;
        match (class_of(c), start) {
            (Class::Other, None) => {}
            (Class::Other | Class::Ideograph, Some(start)) => return Some(start..at),
            (Class::Ideograph, None) => return Some(at..at + c.len_utf8()),
            (_, None) => start = Some(at),
            (_, Some(_)) => {}
        }
    }
    start.map(|start| start..text.len())
}

/// Appends the parts of one identifier.
fn split(text: &str, identifier: &Range<usize>, parts: &mut Vec<Range<usize>>) {
    let mut start = identifier.start;
    let mut previous = (identifier.start, Class::Underscore);
    for (offset, c) in text[identifier.clone()].char_indices() {
        let at = identifier.start + offset;
        let class = class_of(c);
        let border = match (previous.1, class) {
            (Class::Upper, Class::Lower) => previous.0, // the last capital of a run begins the next hump
            (before, class) if before == class => start,
            _ => at,
        };
        if border > start {
            parts.push(start..border);
            start = border;
        }
        if class == Class::Underscore {
            start = at + 1;
        }
        previous = (at, class);
    }
    if start < identifier.end {
        parts.push(start..identifier.end);
    }
}

/// Puts `text` in lower case, cut at [`MAX_TOKEN_BYTES`], into `lowered`.
fn lower_into(text: &str, lowered: &mut String) {
    lowered.clear();
    let text = &text[..text.floor_char_boundary(MAX_TOKEN_BYTES)];
    if text.is_ascii() {
        lowered.push_str(text);
        lowered.make_ascii_lowercase();
    } else {
        lowered.extend(text.chars().flat_map(char::to_lowercase));
        lowered.truncate(lowered.floor_char_boundary(MAX_TOKEN_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<(TokenKind, usize, String)> {
        let mut stream = CodeTokens::new(text);
        let mut all = Vec::new();
        while stream.advance() {
            all.push((stream.kind(), stream.token().position, stream.token().text.clone()));
        }
        all
    }

    /// Parts with spaces between them; a whole identifier in brackets before its parts.
    fn check(text: &str, expected: &str) {
        let shown: Vec<String> = tokens(text)
            .into_iter()
            .map(|(kind, _, token)| match kind {
                TokenKind::Whole => format!("[{token}]"),
                TokenKind::Part => token,
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{text:?}");
    }

    #[test]
    fn identifiers_are_split_at_humps_numbers_and_underscores() {
        check("parse", "parse");
        check("read_to_string", "[read_to_string] read to string");
        check("parseHTTPRequest2", "[parsehttprequest2] parse http request 2");
        check("HashMap<K, V>", "[hashmap] hash map k v");
        check("utf8 x86_64", "[utf8] utf 8 [x86_64] x 86 64");
        check("__init__", "[__init__] init");
        check("MAX_TOKEN_BYTES", "[max_token_bytes] max token bytes");
        check("std::fs::read(&path)", "std fs read path");
        check("a__b", "[a__b] a b");
        check("ID", "id");
        check("", "");
        check("_ ___ ()", "");
    }

    #[test]
    fn other_scripts_are_words_too() {
        check("größeÄndern", "[größeändern] größe ändern");
        check("Ωmega", "ωmega");
        check("日本 x語", "日 本 x 語");
    }

    #[test]
    fn data_stays_one_token_and_long_tokens_are_cut() {
        let hash = "a1".repeat(32);
        check(&hash, &hash);
        check(&"x".repeat(100), &"x".repeat(64));
        let name = format!("first_{}", "y".repeat(70));
        check(&name, &format!("first {}", "y".repeat(64)));
    }

    #[test]
    fn the_whole_stands_where_its_first_part_stands() {
        let positions: Vec<usize> = tokens("let fooBar = baz").into_iter().map(|t| t.1).collect();
        assert_eq!(positions, [0, 1, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn any_text_gives_bounded_lower_case_tokens_inside_it(text in "\\PC{0,200}|[a-zA-Z0-9_]{0,200}") {
            let mut stream = CodeTokens::new(&text);
            let mut last_end = 0;
            let mut next_position = 0;
            while stream.advance() {
                let token = stream.token();
                prop_assert!(!token.text.is_empty() && token.text.len() <= MAX_TOKEN_BYTES);
                prop_assert!(!token.text.bytes().any(|b| b.is_ascii_uppercase()));
                prop_assert!(text.get(token.offset_from..token.offset_to).is_some());
                prop_assert_eq!(token.position, next_position);
                if stream.kind() == TokenKind::Part {
                    prop_assert!(token.offset_from >= last_end);
                    last_end = token.offset_to;
                    next_position += 1;
                }
            }
        }

        #[test]
        fn no_letter_or_digit_is_lost(words in "[a-zA-Z0-9_ ]{0,80}") {
            let mut parts = String::new();
            let mut stream = CodeTokens::new(&words);
            while stream.advance() {
                if stream.kind() == TokenKind::Part {
                    parts.push_str(&stream.token().text);
                }
            }
            let expected: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
            prop_assert!(expected.len() > MAX_TOKEN_BYTES || parts.len() > MAX_TOKEN_BYTES
                || parts.replace('_', "") == expected.to_lowercase());
        }
    }
}
