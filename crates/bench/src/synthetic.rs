//! Documents made up from their number: as many as wanted, the same on every machine, one in five a changed copy of another.

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
        while origin > 0 && Random::of(origin, 1).below(COPY_EVERY) == 0 {
            origin = Random::of(origin, 2).below(origin);
        }
        origin
    }

    /// The text of a document.
    pub(crate) fn text(&self, document: u32) -> String {
        let origin = Self::origin(document);
        let mut tokens = Random::of(origin, 3);
        let mut changes = Random::of(document, 4);
        // A copy keeps from 15 in 16 to 255 in 256 of its tokens.
        let rarely = LEAST_KEPT + changes.below(256 - LEAST_KEPT);
        let count = TOKENS.start + tokens.below(TOKENS.end - TOKENS.start);
        let mut text = String::with_capacity(8 * TOKENS.end as usize);
        for place in 0..count {
            let mut word = tokens.below(WORDS);
            if document != origin && changes.below(rarely) == 0 {
                word = changes.below(WORDS);
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
    let mut random = Random::of(number, 5);
    let length = 2 + random.below(8);
    (0..length)
        .map(|_| LETTERS[random.below(26) as usize] as char)
        .collect()
}

/// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn of(number: u32, stream: u64) -> Self {
        let mut random =
            Self(u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}
