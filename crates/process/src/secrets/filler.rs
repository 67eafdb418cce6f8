//! What a secret is overwritten with.

use std::ops::Range;

/// How symbols of a body are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Symbols belong to the format (dots of a JWT, dashes, `=` padding) and stay.
    KeepSymbols,
    /// Symbols are part of the secret (a password) and become `-`, except those that the syntax around may need.
    HideSymbols,
}

/// The filler for `text[range]`: as many bytes, the same classes of characters.
///
/// Escapes (`\n`, `\x41`, `\u00e9`) and percent escapes stay, because half an escape would not parse. Filling a filler,
/// or any part of it, gives the same filler.
pub(super) fn fill(text: &str, range: Range<usize>, style: Style) -> String {
    let body = &text[range.clone()];
    let mut filled = String::with_capacity(body.len());
    let mut kept = usize::from(text[..range.start].ends_with('\\'));
    for (at, c) in body.char_indices() {
        if kept > 0 {
            kept -= 1;
            filled.push(c);
            continue;
        }
        kept = match c {
            '\\' => escape_length(&body[at + 1..]),
            '%' if is_hex(&body[at + 1..], 2) => 2,
            _ => 0,
        };
        filled.push(filler_of(c, style));
    }
    filled
}

/// How many characters after a backslash belong to the escape.
fn escape_length(after: &str) -> usize {
    match after.as_bytes().first() {
        None => 0,
        Some(b'x') if is_hex(&after[1..], 2) => 3,
        Some(b'u') if is_hex(&after[1..], 4) => 5,
        Some(b'U') if is_hex(&after[1..], 8) => 9,
        Some(b'u') if after[1..].starts_with('{') => after.find('}').filter(|end| *end < 10).map_or(1, |end| end + 1),
        Some(_) => 1,
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() >= digits && text.bytes().take(digits).all(|byte| byte.is_ascii_hexdigit())
}

fn filler_of(c: char, style: Style) -> char {
    match c {
        '0'..='9' => '0',
        'a'..='z' => 'x',
        'A'..='Z' => 'X',
        _ if c.is_ascii() => symbol(c, style),
        // Letters of other scripts: one letter of each encoded length.
        _ if c.is_alphanumeric() => match c.len_utf8() {
            2 => 'ø',
            3 => 'ꭓ',
            _ => '𝑥',
        },
        _ => c,
    }
}

fn symbol(c: char, style: Style) -> char {
    let is_syntax =
        c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, '"' | '\'' | '`' | '\\' | '{' | '}' | '$' | '%');
    if style == Style::KeepSymbols || is_syntax {
        c
    } else {
        '-'
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str, style: Style) -> String {
        fill(text, 0..text.len(), style)
    }

    #[test]
    fn classes_and_escapes_stay() {
        let check = |text: &str, keep: &str, hide: &str| {
            assert_eq!(filled(text, Style::KeepSymbols), keep, "{text}");
            assert_eq!(filled(text, Style::HideSymbols), hide, "{text}");
        };
        check("aB3-_.x", "xX0-_.x", "xX0---x");
        check("ab\\ncd", "xx\\nxx", "xx\\nxx");
        check("a\\u00e9b\\x1fc", "x\\u00e9x\\x1fx", "x\\u00e9x\\x1fx");
        check("p%2Fq%zz", "x%2Fx%xx", "x%2Fx%xx");
        check("p@ss!w0rd", "x@xx!x0xx", "x-xx-x0xx");
        check("größe", "xxøøx", "xxøøx");
        assert_eq!(fill("\\nab", 1..4, Style::KeepSymbols), "nxx");
    }

    proptest! {
        #[test]
        fn filling_keeps_the_length_and_is_stable(text in "\\PC{0,40}", hide: bool) {
            let style = if hide { Style::HideSymbols } else { Style::KeepSymbols };
            let once = filled(&text, style);
            prop_assert_eq!(once.len(), text.len());
            prop_assert_eq!(filled(&once, style), once);
        }
    }
}
