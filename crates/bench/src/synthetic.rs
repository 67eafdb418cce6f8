//! Documents made up from their number: as many as wanted, the same on every machine, one in five a changed copy of another.

use codelupe_core::random::{GOLDEN, Random};
use codelupe_dedup::{ShingleSize, jaccard, shingles};

/// One document in this many is a copy.
const COPY_EVERY: u32 = 5;

/// Tokens of a document: 300 to 500, about 2.5 kB.
const TOKENS: std::ops::Range<u32> = 300..500;

/// Words to choose from.
const WORDS: u32 = 4096;

/// The most that is changed in a copy: one token in this many. That leaves a Jaccard similarity of 0.58 by expectation, so that
/// some copies are near-duplicates no more.
const LEAST_KEPT: u32 = 16;

/// Makes documents.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    words: Vec<String>,
}

impl Synthetic {
    pub(crate) fn new() -> Self {
        let words = (0..WORDS).map(word).collect();
        Self { words }
    }

    /// The document of which this one is a changed copy; itself for one that is none.
    pub(crate) fn origin(document: u32) -> u32 {
        let mut origin = document;
        while origin > 0 && below(&mut stream(origin, 1), COPY_EVERY) == 0 {
            origin = below(&mut stream(origin, 2), origin);
        }
        origin
    }

    /// The text of a document.
    pub(crate) fn text(&self, document: u32) -> String {
        let origin = Self::origin(document);
        let mut tokens = stream(origin, 3);
        let mut changes = stream(document, 4);
        // A copy keeps from 15 in 16 to 255 in 256 of its tokens.
        let rarely = LEAST_KEPT + below(&mut changes, 256 - LEAST_KEPT);
        let count = TOKENS.start + below(&mut tokens, TOKENS.end - TOKENS.start);
        let mut text = String::with_capacity(8 * TOKENS.end as usize);
        for place in 0..count {
            let mut word = below(&mut tokens, WORDS);
            if document != origin && below(&mut changes, rarely) == 0 {
                word = below(&mut changes, WORDS);
            }
            text.push_str(&self.words[word as usize]);
            text.push(if place % 9 == 8 { '\n' } else { ' ' });
        }
        text
    }

    pub(crate) fn shingles(&self, document: u32) -> Vec<u64> {
        shingles(self.text(document).as_bytes(), ShingleSize::default())
    }

    pub(crate) fn jaccard(&self, a: u32, b: u32) -> f64 {
        jaccard(&self.shingles(a), &self.shingles(b))
    }
}

const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";

fn word(number: u32) -> String {
    let mut random = stream(number, 5);
    let length = 2 + below(&mut random, 8);
    (0..length)
        .map(|_| LETTERS[below(&mut random, 26) as usize] as char)
        .collect()
}

/// The numbers of one stream of one document or word.
fn stream(number: u32, stream: u64) -> Random {
    let seed = u64::from(number).wrapping_mul(GOLDEN) ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03);
    let mut random = Random::new(seed);
    random.bits();
    random
}

/// From the upper half of the bits alone.
fn below(random: &mut Random, bound: u32) -> u32 {
    (((random.bits() >> 32) * u64::from(bound)) >> 32) as u32
}
