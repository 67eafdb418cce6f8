//! Tokens: runs of word bytes, and single punctuation bytes.

use codelupe_core::random::GOLDEN;

use crate::hash::{mix, splitmix};

mod classes;

use classes::{BLOCK, for_each_block};
pub(crate) use classes::{is_space, is_word};

/// Calls `each` with the hash of every token of `text`, in order.
///
/// A token is a maximal run of word bytes (ASCII letters and digits, `_`, every byte from 0x80 on) or one byte of
/// punctuation (every other byte that is not whitespace, control bytes among them). Space, tab, line feed, vertical
/// tab, form feed and carriage return separate tokens.
#[inline]
pub(crate) fn for_each_token(text: &[u8], mut each: impl FnMut(u64)) {
    let mut after_word = 0;
    for_each_block(text, |at, masks| {
        // Bit i of each mask is byte i of the block.
        let continuing = masks.word & (masks.word << 1 | after_word);
        let mut starts = !masks.space & !continuing;
        after_word = masks.word >> (BLOCK - 1);
        while starts != 0 {
            let start = starts.trailing_zeros();
            starts &= starts - 1;
            let length = 1 + (continuing >> start >> 1).trailing_ones();
            let (start, mut end) = (at + start as usize, at + (start + length) as usize);
            if end == at + BLOCK && after_word == 1 {
                end += text
                    .get(end..)
                    .unwrap_or(&[])
                    .iter()
                    .take_while(|&&byte| is_word(byte))
                    .count();
            }
            each(token_hash(text, start, end));
        }
    });
}

/// A fold over the token in little-endian words of eight bytes, the last one filled up with zeros. No two tokens are
/// alike after filling, since a NUL byte is a token of its own.
#[inline]
fn token_hash(text: &[u8], start: usize, end: usize) -> u64 {
    let mut hash = add_word(GOLDEN, text, start, end);
    let mut at = start + 8;
    while at < end {
        hash = add_word(hash, text, at, end);
        at += 8;
    }
    hash
}

/// Adds the bytes from `at` to `end`, at most eight.
#[inline]
fn add_word(hash: u64, text: &[u8], at: usize, end: usize) -> u64 {
    let word = match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => last_word(text, at),
    };
    let unused = 64 - 8 * (end - at).min(8);
    mix(hash ^ (word & (u64::MAX >> unused)), const { splitmix(0) })
}

/// Fewer than eight bytes before the end of the text.
#[cold]
fn last_word(text: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    let rest = text.get(at..).unwrap_or(&[]);
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The tokens by the letter of their definition.
    fn tokens(text: &[u8]) -> Vec<&[u8]> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let word = text[at..]
                .iter()
                .take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
                .count();
            let length = word.max(1);
            if word > 0 || !(text[at].is_ascii_whitespace() || text[at] == 0x0b) {
                tokens.push(&text[at..at + length]);
            }
            at += length;
        }
        tokens
    }

    /// Their hashes, likewise.
    fn hashes(text: &[u8]) -> Vec<u64> {
        tokens(text)
            .into_iter()
            .map(|token| {
                token.chunks(8).fold(GOLDEN, |hash, chunk| {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    mix(hash ^ u64::from_le_bytes(word), splitmix(0))
                })
            })
            .collect()
    }

    fn fast(text: &[u8]) -> Vec<u64> {
        let mut all = Vec::new();
        for_each_token(text, |hash| all.push(hash));
        all
    }

    #[test]
    fn words_and_punctuation() {
        fn check(text: &str, expected: &[&str]) {
            let expected: Vec<&[u8]> = expected.iter().map(|token| token.as_bytes()).collect();
            assert_eq!(tokens(text.as_bytes()), expected);
            assert_eq!(fast(text.as_bytes()), hashes(text.as_bytes()));
        }
        check("", &[]);
        check(" \t\r\n\u{b}\u{c}", &[]);
        check(
            "let größe_2 = a[i]+=1;",
            &["let", "größe_2", "=", "a", "[", "i", "]", "+", "=", "1", ";"],
        );
        check("::a", &[":", ":", "a"]);
        check("a\0b", &["a", "\0", "b"]);
    }

    #[test]
    fn no_two_short_tokens_have_the_same_hash() {
        let mut all: Vec<u64> = (0..=u8::MAX).flat_map(|byte| fast(&[byte])).collect();
        for length in 1..=20 {
            all.extend((b'b'..=b'z').flat_map(|byte| fast(&vec![byte; length + 1])));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), count), (250 + 500, 250 + 500));
    }

    #[test]
    fn a_word_may_cross_every_boundary() {
        for before in 0..200 {
            for length in [1, 7, 8, 9, 63, 64, 65, 130, 5000] {
                let mut text = vec![b' '; before];
                text.extend(std::iter::repeat_n(b'x', length));
                assert_eq!(fast(&text), hashes(&text), "{before} {length}");
                text.push(b';');
                assert_eq!(fast(&text), hashes(&text), "{before} {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_blocks_give_the_tokens_of_the_definition(text in prop::collection::vec(any::<u8>(), 0..10_000)) {
            prop_assert_eq!(fast(&text), hashes(&text));
        }

        #[test]
        fn also_in_long_words(text in "[a-z]{0,300}([ ;é][a-z_]{0,90}){0,90}") {
            prop_assert_eq!(fast(text.as_bytes()), hashes(text.as_bytes()));
        }
    }
}
