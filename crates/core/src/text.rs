//! Foreign bytes made safe to print.

use std::fmt::Write;

/// Shows foreign bytes (a path, a name) on one line of a terminal: invalid UTF-8, control characters and
/// bidirectional overrides become escapes such as `\xff` or `\u{1b}`; everything else stays as it is.
///
/// The result is for eyes; it is never used as a path again.
pub fn display_name(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if needs_escape(c) {
                let _ = write!(shown, "{}", c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Control characters, and the format characters that reorder text (Unicode Standard Annex 9, Trojan Source CVE-2021-42574).
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_stay_on_one_harmless_line() {
        assert_eq!(display_name(b"src/lib.rs"), "src/lib.rs");
        assert_eq!(display_name("größe.rs".as_bytes()), "größe.rs");
        assert_eq!(display_name(b"a\nb\x1b[31m\xff"), "a\\u{a}b\\u{1b}[31m\\xff");
        assert_eq!(display_name("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }
}
