//! Counts of characters by kind.

/// How many characters of each kind a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Characters {
    pub(crate) all: u64,
    pub(crate) letters: u64,
    pub(crate) digits: u64,
    pub(crate) blanks: u64,
}

impl Characters {
    /// Neither letter, digit nor blank.
    pub(crate) fn punctuation(&self) -> u64 {
        self.all - self.letters - self.digits - self.blanks
    }
}

/// Counts in one pass over the bytes, with a second over the characters only where some are not ASCII.
pub(crate) fn count(text: &str) -> Characters {
    let mut counted = count_ascii(text.as_bytes());
    if counted.all == text.len() as u64 {
        return counted;
    }
    for c in text.chars().filter(|c| !c.is_ascii()) {
        counted.all += 1;
        counted.letters += u64::from(c.is_alphabetic());
        counted.digits += u64::from(c.is_numeric() && !c.is_alphabetic());
        counted.blanks += u64::from(c.is_whitespace());
    }
    counted
}

/// Four counters of 16 bits in one word, so that a byte costs one addition.
const LANES: [u64; 256] = lanes();
/// Bytes after which a counter of 16 bits could overflow.
const BLOCK: usize = u16::MAX as usize;

const fn lanes() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        let letter = byte.is_ascii_alphabetic() as u64;
        let digit = byte.is_ascii_digit() as u64;
        let blank = matches!(byte, b' ' | b'\t'..=b'\r') as u64;
        table[byte as usize] = 1 | letter << 16 | digit << 32 | blank << 48;
        byte += 1;
    }
    table
}

fn count_ascii(bytes: &[u8]) -> Characters {
    let mut counted = Characters::default();
    for block in bytes.chunks(BLOCK) {
        let sum: u64 = block.iter().map(|byte| LANES[usize::from(*byte)]).sum();
        counted.all += sum & 0xffff;
        counted.letters += sum >> 16 & 0xffff;
        counted.digits += sum >> 32 & 0xffff;
        counted.blanks += sum >> 48;
    }
    counted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &str) -> Characters {
        let count = |is: fn(char) -> bool| text.chars().filter(|c| is(*c)).count() as u64;
        Characters {
            all: count(|_| true),
            letters: count(char::is_alphabetic),
            digits: count(|c| c.is_numeric() && !c.is_alphabetic()),
            blanks: count(char::is_whitespace),
        }
    }

    #[test]
    fn long_texts_do_not_overflow_a_lane() {
        for text in ["a".repeat(200_000), "ä1 ".repeat(70_000), " ".repeat(65_536)] {
            assert_eq!(count(&text), naive(&text));
        }
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_standard_library(text in any::<String>()) {
            prop_assert_eq!(count(&text), naive(&text));
        }
    }
}
