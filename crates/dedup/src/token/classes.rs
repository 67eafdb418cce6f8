//! The class of every byte, 64 bytes at a time.

/// The bytes that one pair of masks describes.
pub(super) const BLOCK: usize = 64;

/// The blocks that are looked at in one call: one choice of instructions for 4 KiB.
const BATCH: usize = 64;

/// Which bytes of a block are word bytes, and which are whitespace; bit i is byte i. All others are punctuation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) word: u64,
    pub(super) space: u64,
}

/// Calls `each` with the place of every block in `text` and its masks. The last block is filled up with spaces.
#[inline]
pub(super) fn for_each_block(text: &[u8], mut each: impl FnMut(usize, Masks)) {
    let mut batch = [Masks::default(); BATCH];
    let mut at = 0;
    while at < text.len() {
        let filled = fill(&mut batch, &text[at..]);
        for &masks in &batch[..filled] {
            each(at, masks);
            at += BLOCK;
        }
    }
}

/// Whether a byte is part of a word.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Space, and tab to carriage return.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

/// Classifies up to a batch of blocks and gives their number.
fn fill(batch: &mut [Masks; BATCH], text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let whole = blocks.len().min(BATCH);
    classify(&mut batch[..whole], &blocks[..whole]);
    if whole == BATCH || rest.is_empty() {
        return whole;
    }
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    classify(&mut batch[whole..=whole], &[last]);
    whole + 1
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "functions compiled for a CPU feature may only be called where the CPU has it"
)]
fn classify(masks: &mut [Masks], blocks: &[[u8; BLOCK]]) {
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, the one requirement of this otherwise safe function.
        unsafe { x86::classify_avx2(masks, blocks) }
    } else {
        classify_plain(masks, blocks);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn classify(masks: &mut [Masks], blocks: &[[u8; BLOCK]]) {
    classify_plain(masks, blocks);
}

/// The safe twin: what every machine can run, and what the other is tested against.
fn classify_plain(masks: &mut [Masks], blocks: &[[u8; BLOCK]]) {
    for (masks, block) in masks.iter_mut().zip(blocks) {
        *masks = Masks::default();
        for (bit, &byte) in block.iter().enumerate() {
            masks.word |= u64::from(is_word(byte)) << bit;
            masks.space |= u64::from(is_space(byte)) << bit;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x,
        _mm256_set1_epi8, _mm256_sub_epi8,
    };

    use super::{BLOCK, Masks};

    #[target_feature(enable = "avx2")]
    pub(super) fn classify_avx2(masks: &mut [Masks], blocks: &[[u8; BLOCK]]) {
        for (masks, block) in masks.iter_mut().zip(blocks) {
            let halves = block.as_chunks::<32>().0;
            let (low, high) = (classify_half(&halves[0]), classify_half(&halves[1]));
            masks.word = u64::from(high.0) << 32 | u64::from(low.0);
            masks.space = u64::from(high.1) << 32 | u64::from(low.1);
        }
    }

    /// The word bits and the space bits of 32 bytes.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn classify_half(bytes: &[u8; 32]) -> (u32, u32) {
        let bytes = load(bytes);
        // Setting bit 5 makes capitals small and moves no other byte into the letters.
        let letters = in_range(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), b'a', b'z');
        let alphanumeric = _mm256_or_si256(letters, in_range(bytes, b'0', b'9'));
        let ascii_word = _mm256_or_si256(alphanumeric, in_range(bytes, b'_', b'_'));
        let space = _mm256_or_si256(in_range(bytes, b' ', b' '), in_range(bytes, 0x09, 0x0d));
        // The mask takes the top bit of each byte, which is set from 0x80 on.
        (bits(_mm256_or_si256(ascii_word, bytes)), bits(space))
    }

    /// All ones where a byte is from `first` to `last`: there is no unsigned comparison, but `min(x, n) == x` is one.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn in_range(bytes: __m256i, first: u8, last: u8) -> __m256i {
        let shifted = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first.cast_signed()));
        let span = _mm256_set1_epi8((last - first).cast_signed());
        _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, span), shifted)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn bits(bytes: __m256i) -> u32 {
        _mm256_movemask_epi8(bytes).cast_unsigned()
    }

    /// One unaligned load, once compiled.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(bytes: &[u8; 32]) -> __m256i {
        let words = bytes.as_chunks::<8>().0;
        let word = |i: usize| i64::from_le_bytes(words[i]);
        _mm256_set_epi64x(word(3), word(2), word(1), word(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_plain_code_agree_on_every_byte_at_every_place() {
        for shift in 0..=u8::MAX {
            let mut block = [0; BLOCK];
            block
                .iter_mut()
                .zip(0_u8..)
                .for_each(|(byte, i)| *byte = i.wrapping_mul(3).wrapping_add(shift));
            let (mut fast, mut plain) = ([Masks::default(); 1], [Masks::default(); 1]);
            classify(&mut fast, &[block]);
            classify_plain(&mut plain, &[block]);
            assert_eq!(fast, plain, "{block:?}");
        }
    }

    #[test]
    fn blocks_cover_a_text_once_and_the_rest_is_space() {
        for length in [0, 1, 63, 64, 65, 4095, 4096, 4097, 9000] {
            let mut words = 0;
            let mut next = 0;
            for_each_block(&vec![b'x'; length], |at, masks| {
                assert_eq!(at, next);
                assert_eq!(masks.word ^ masks.space, u64::MAX);
                next += BLOCK;
                words += masks.word.count_ones() as usize;
            });
            assert_eq!((words, next), (length, length.next_multiple_of(BLOCK)));
        }
    }
}
