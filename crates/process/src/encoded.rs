//! Encoded data inside a text: base64, hexadecimal bytes, Unicode escapes (StarCoder2, "encoded data").
//!
//! The three expressions of the paper are
//! `[a-zA-Z0-9+/\n=]{64,}`, `(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}` and `(?:\\u[0-9a-fA-F]{4}){8,}`.
//! The scanners below find the same matches (a test compares them), with `\b` and `\s` over ASCII. They are fast
//! because a match is a long run of few kinds of bytes: looking at every n-th byte is enough to meet each.

use std::ops::Range;

/// The least length of a base64 match, and so the stride at which it is looked for.
const BASE64_MIN: usize = 64;
/// Items of a hexadecimal match, and the least bytes they take: eight times two digits with something between.
const HEX_ITEMS: usize = 8;
const HEX_MIN: usize = HEX_ITEMS * 3 - 1;
/// Items of a match of Unicode escapes, and the bytes of one.
const UNICODE_ITEMS: usize = 8;
const UNICODE_ITEM: usize = 6;

/// How much of a text is encoded data, in bytes, which are characters here: every match is ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoded {
    /// The longest match of any of the three expressions.
    pub longest: u64,
    /// The bytes inside at least one match.
    pub covered: u64,
}

/// Measures the encoded data of a text.
pub fn measure(text: &str) -> Encoded {
    let bytes = text.as_bytes();
    let mut matches = base64(bytes);
    matches.extend(hexadecimal(bytes));
    matches.extend(unicode_escapes(bytes));
    matches.sort_unstable_by_key(|range| range.start);
    let mut encoded = Encoded::default();
    let mut end = 0;
    for range in matches {
        encoded.longest = encoded.longest.max(range.len() as u64);
        encoded.covered += range.end.saturating_sub(range.start.max(end)) as u64;
        end = end.max(range.end);
    }
    encoded
}

/// Matches of `[a-zA-Z0-9+/\n=]{64,}`.
pub fn base64(bytes: &[u8]) -> Vec<Range<usize>> {
    runs(bytes, BASE64, BASE64_MIN).collect()
}

/// Matches of `(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}`, word boundary and blanks over ASCII.
pub fn hexadecimal(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(bytes, HEX, HEX_MIN) {
        let mut at = run.start;
        while at + HEX_MIN <= run.end {
            let (items, end) = hex_items(bytes, at);
            if items >= HEX_ITEMS {
                found.push(at..end);
            }
            // Inside a chain that is too short every later start gives a shorter one.
            at = if items == 0 { at + 1 } else { end };
        }
    }
    found
}

/// Matches of `(?:\\u[0-9a-fA-F]{4}){8,}`.
pub fn unicode_escapes(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(bytes, ESCAPE, UNICODE_ITEMS * UNICODE_ITEM) {
        let mut at = run.start;
        while at + UNICODE_ITEMS * UNICODE_ITEM <= run.end {
            let items = bytes[at..run.end]
                .chunks_exact(UNICODE_ITEM)
                .take_while(|item| is_unicode_escape(item))
                .count();
            if items >= UNICODE_ITEMS {
                found.push(at..at + items * UNICODE_ITEM);
            }
            at += (items * UNICODE_ITEM).max(1);
        }
    }
    found
}

fn is_unicode_escape(item: &[u8]) -> bool {
    item.starts_with(b"\\u") && item[2..].iter().all(u8::is_ascii_hexdigit)
}

/// The number of items that follow each other from `at`, and where they end.
fn hex_items(bytes: &[u8], at: usize) -> (usize, usize) {
    let mut items = 0;
    let mut end = at;
    while let Some(next) = hex_item(bytes, end) {
        items += 1;
        end = next;
    }
    (items, end)
}

/// The end of one item `\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)` at `at`.
fn hex_item(bytes: &[u8], at: usize) -> Option<usize> {
    if !is_boundary(bytes, at) {
        return None;
    }
    let prefix = if bytes[at..].starts_with(b"0x") || bytes[at..].starts_with(b"\\x") {
        2
    } else {
        0
    };
    let digits = at + prefix;
    if !bytes.get(digits..digits + 2)?.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let end = digits + 2;
    if bytes.get(end) == Some(&b',') {
        return Some(end + 1);
    }
    if !is_boundary(bytes, end) {
        return None;
    }
    Some(end + bytes[end..].iter().take_while(|byte| is_blank(**byte)).count())
}

/// `\s` over ASCII.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_boundary(bytes: &[u8], at: usize) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_word(at.checked_sub(1).and_then(|before| bytes.get(before))) != is_word(bytes.get(at))
}

/// Bits of [`CLASSES`].
const BASE64: u8 = 1;
const HEX: u8 = 2;
const ESCAPE: u8 = 4;

/// Which matches a byte can be part of.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        let mut class = 0;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\n' | b'=') {
            class |= BASE64;
        }
        if byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'\\' | b',' | b' ' | b'\t'..=b'\r') {
            class |= HEX;
        }
        if byte.is_ascii_hexdigit() || matches!(byte, b'u' | b'\\') {
            class |= ESCAPE;
        }
        table[byte as usize] = class;
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// The maximal runs of bytes of a class that are at least `min` long.
fn runs(bytes: &[u8], class: u8, min: usize) -> impl Iterator<Item = Range<usize>> {
    let is_in = move |byte: &u8| CLASSES[usize::from(*byte)] & class != 0;
    let mut floor = 0;
    std::iter::from_fn(move || {
        // A run of `min` bytes from `floor` on covers one of the bytes `floor + min - 1`, `floor + 2 min - 1`, ...
        let mut probe = floor + min - 1;
        while probe < bytes.len() {
            if !is_in(&bytes[probe]) {
                floor = probe + 1;
                probe += min;
                continue;
            }
            let before = bytes[floor..probe].iter().rev().take_while(|byte| is_in(byte)).count();
            let start = probe - before;
            // Bytes between a start too late and the next probe need no second look from the left.
            let after = bytes[probe..].iter().take_while(|byte| is_in(byte)).count();
            let end = probe + after;
            floor = end;
            if end - start >= min {
                return Some(start..end);
            }
            probe = floor + min - 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    type Scanner = fn(&[u8]) -> Vec<Range<usize>>;

    fn scanners() -> [(Regex, Scanner); 3] {
        let regex = |text| Regex::new(text).unwrap();
        [
            (regex(r"[a-zA-Z0-9+/\n=]{64,}"), base64),
            (
                regex(r"(?:(?-u:\b)(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|(?-u:\b)(?-u:\s)*)){8,}"),
                hexadecimal,
            ),
            (regex(r"(?:\\u[0-9a-fA-F]{4}){8,}"), unicode_escapes),
        ]
    }

    fn check(text: &str) {
        for (regex, scan) in scanners() {
            let expected: Vec<_> = regex.find_iter(text).map(|found| found.range()).collect();
            assert_eq!(scan(text.as_bytes()), expected, "{regex} on {text:?}");
        }
    }

    #[test]
    fn crafted_cases_match_as_the_expressions_do() {
        let cases = [
            "a".repeat(63),
            "a".repeat(64),
            format!(" {} ", "b=".repeat(32)),
            format!("{}.{}", "c".repeat(63), "d".repeat(65)),
            "0x12,".repeat(8),
            "0x12,".repeat(7),
            "0x12, ".repeat(20),
            "12 34 ab CD ef 00 11 22".to_owned(),
            "12 34 ab CD ef 00 11 222".to_owned(),
            r"\x12\x34\x56\x78\x9a\xbc\xde\xf0".to_owned(),
            r"\x12\x34\x56\x78\x9a\xbc\xde\xf0\x11".to_owned(),
            format!("x{}", r"\x12".repeat(9)),
            format!("12{}", r"\x12".repeat(9)),
            "é12 12 12 12 12 12 12 12é".to_owned(),
            "12 ".repeat(7) + &" ".repeat(90) + "34",
            "12,12,12,12,12,12,12,12,,34,34,34,34,34,34,34,34".to_owned(),
            r"\u0041".repeat(8),
            r"\u0041".repeat(7),
            format!(r"\u00{}", r"\u0041".repeat(9)),
            format!(r"\u0041\u004{}", r"\u0041".repeat(9)),
        ];
        for text in &cases {
            check(text);
        }
    }

    #[test]
    fn overlapping_matches_count_once() {
        let hex = "12345678".repeat(9);
        assert_eq!(
            measure(&hex),
            Encoded {
                longest: 72,
                covered: 72
            }
        );
        let both = format!("{} {}", "a".repeat(64), r"\u0041".repeat(8));
        assert_eq!(
            measure(&both),
            Encoded {
                longest: 64,
                covered: 112
            }
        );
        assert_eq!(measure("fn main() {}"), Encoded::default());
    }

    proptest! {
        #[test]
        fn random_bytes_match_as_the_expressions_do(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn near_base64_matches_as_the_expressions_do(text in "([a-f0-9+/\n=]{50,70}[ .é]?){0,5}") {
            check(&text);
        }

        #[test]
        fn near_hexadecimal_matches_as_the_expressions_do(text in r"((0x|\\x|)[0-9aF]{1,3}(,|, | |\n|  |_|)){0,40}") {
            check(&text);
        }

        #[test]
        fn regular_hexadecimal_matches_as_the_expressions_do(text in r"((0x|\\x|)[0-9aF]{2}(,| |\n|){1}){0,40}") {
            check(&text);
        }

        #[test]
        fn near_escapes_match_as_the_expressions_do(text in r"(\\u[0-9aF]{4}){5,9}u?\\?(\\u[0-9aF]{3,4}){0,12}") {
            check(&text);
        }
    }
}
