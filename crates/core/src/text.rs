//! Foreign text made safe to print.

use std::fmt::{self, Write};
use std::path::Path;

/// Shows foreign bytes (a path, a name) on one line of a terminal: invalid UTF-8, control characters and
/// bidirectional overrides become escapes such as `\xff` or `\u{1b}`; everything else stays as it is.
///
/// The result is for display; it is never used as a path again.
pub fn display_name(bytes: &[u8]) -> String {
    display_bounded(bytes, usize::MAX)
}

/// The same for a path of this machine.
pub fn display_path(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}

/// The same as [`display_name`] in at most `limit` bytes, itself at least 3: a longer text is cut between two characters or escapes and
/// ends with `…`.
pub fn display_bounded(bytes: &[u8], limit: usize) -> String {
    let mut shown = SafeText::new(limit);
    // The one error is that the text is full: it is cut then.
    let _ = shown.push_bytes(bytes);
    shown.into_string()
}

/// Collects text that is safe to print, up to a bound in bytes; once it is full, writing fails, so that the
/// writer stops.
pub(crate) struct SafeText {
    text: String,
    limit: usize,
    /// Where the text ends if `…` must still fit.
    cut: usize,
    full: bool,
}

const ELLIPSIS: char = '…';

impl SafeText {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            limit,
            cut: 0,
            full: false,
        }
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        for chunk in bytes.utf8_chunks() {
            self.write_str(chunk.valid())?;
            for byte in chunk.invalid() {
                self.push(&format!("\\x{byte:02x}"))?;
            }
        }
        Ok(())
    }

    /// Adds a piece that is never cut in two.
    fn push(&mut self, piece: &str) -> fmt::Result {
        if self.full || piece.len() > self.limit - self.text.len() {
            self.end();
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        if self.text.len() <= self.limit.saturating_sub(ELLIPSIS.len_utf8()) {
            self.cut = self.text.len();
        }
        Ok(())
    }

    fn end(&mut self) {
        if !self.full {
            self.text.truncate(self.cut);
            self.text.push(ELLIPSIS);
            self.full = true;
        }
    }
}

impl Write for SafeText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if needs_escape(c) {
                self.push(&c.escape_unicode().to_string())?;
            } else {
                self.push(c.encode_utf8(&mut [0; 4]))?;
            }
        }
        Ok(())
    }
}

/// Control characters, and the format characters that reorder text (Unicode Standard Annex 9, Trojan Source CVE-2021-42574).
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_bytes_stay_on_one_harmless_line() {
        assert_eq!(display_name(b"src/lib.rs"), "src/lib.rs");
        assert_eq!(display_name("größe.rs".as_bytes()), "größe.rs");
        assert_eq!(display_name(b"a\nb\x1b[31m\xff"), "a\\u{a}b\\u{1b}[31m\\xff");
        assert_eq!(display_name("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let check = |text: &[u8], limit, expected: &str| assert_eq!(display_bounded(text, limit), expected);
        check(b"abcdef", 6, "abcdef");
        check(b"abcdefg", 6, "abc…");
        check("äöüß".as_bytes(), 7, "äö…");
        check(b"ab\n", 7, "ab\\u{a}");
        check(b"ab\n", 6, "ab…");
        check(b"ab\xff", 5, "ab…");
        check(b"", 3, "");
    }

    #[test]
    fn a_writer_that_goes_on_when_it_is_full_adds_nothing() {
        let mut text = SafeText::new(6);
        assert!(text.write_str("ab\n").is_err());
        assert!(text.write_str("c").is_err());
        assert_eq!(text.into_string(), "ab…");
    }

    proptest! {
        #[test]
        fn bounded_text_is_safe_and_showing_it_again_changes_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            limit in 3usize..60,
        ) {
            let shown = display_bounded(&bytes, limit);
            prop_assert!(shown.len() <= limit);
            prop_assert!(!shown.chars().any(needs_escape));
            prop_assert_eq!(display_bounded(shown.as_bytes(), limit), shown);
        }
    }
}
