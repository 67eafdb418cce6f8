//! 64-bit fingerprints of lines and words, and the tables that count them.

/// Odd constants with well mixed bits: the fractional parts of the square roots of 2 and 3.
const SEED: u64 = 0x6a09_e667_f3bc_c909;
const MIX: u64 = 0xbb67_ae85_84ca_a73b;

/// How many slots a lookup tries before it gives up, so that crafted collisions cost bounded time.
const MAX_PROBES: usize = 32;

/// The fingerprint of some bytes; the same on every machine. Not for use against an adversary.
#[inline]
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = SEED ^ bytes.len() as u64;
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), MIX);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(state ^ u64::from_le_bytes(last), MIX)
}

/// The fingerprint of one word given as its bytes in little-endian order, zero above them.
#[inline]
pub(crate) fn fingerprint_short(word: u64, len: usize) -> u64 {
    fold(SEED ^ len as u64 ^ word, MIX)
}

/// The two halves of a 128-bit product, folded.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Remembers fingerprints by their upper 32 bits: open addressing, never more than three quarters full.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Tags; zero is free.
    slots: Vec<u32>,
    distinct: usize,
}

impl Seen {
    /// A table with room for about `expected` different fingerprints; it does not grow.
    pub(crate) fn with_room_for(expected: usize) -> Self {
        Self {
            slots: vec![0; slots_for(expected)],
            distinct: 0,
        }
    }

    /// Adds a fingerprint; tells whether it was there. One that finds no room counts as there.
    #[inline]
    pub(crate) fn add(&mut self, fingerprint: u64) -> bool {
        let mask = self.slots.len() - 1;
        let tag = tag(fingerprint);
        let start = place(fingerprint);
        for probe in 0..MAX_PROBES {
            let slot = &mut self.slots[start.wrapping_add(probe) & mask];
            if *slot == tag {
                return true;
            }
            if *slot == 0 {
                if self.distinct >= mask - mask / 4 {
                    return true;
                }
                *slot = tag;
                self.distinct += 1;
                return false;
            }
        }
        true
    }
}

/// Where the search for a fingerprint begins, before the mask of the table.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the mask takes fewer bits than any machine's word has"
)]
fn place(fingerprint: u64) -> usize {
    fingerprint as usize
}

/// A power of two with a quarter to spare.
fn slots_for(expected: usize) -> usize {
    (expected + expected / 3 + 8).next_power_of_two()
}

/// Counts fingerprints by their upper 32 bits: open addressing, never more than three quarters full.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Tag (zero is free) and count.
    slots: Vec<(u32, u32)>,
    distinct: usize,
}

impl Counts {
    /// A table with room for about `expected` different fingerprints; it does not grow.
    pub(crate) fn with_room_for(expected: usize) -> Self {
        Self {
            slots: vec![(0, 0); slots_for(expected)],
            distinct: 0,
        }
    }

    /// Counts one more. A fingerprint that finds no room is left out.
    #[inline]
    pub(crate) fn add(&mut self, fingerprint: u64) {
        let mask = self.slots.len() - 1;
        let tag = tag(fingerprint);
        let start = place(fingerprint);
        for probe in 0..MAX_PROBES {
            let slot = &mut self.slots[start.wrapping_add(probe) & mask];
            if slot.0 == tag {
                slot.1 += 1;
                return;
            }
            if slot.0 == 0 {
                if self.distinct < mask - mask / 4 {
                    *slot = (tag, 1);
                    self.distinct += 1;
                }
                return;
            }
        }
    }

    /// How often a fingerprint was added.
    pub(crate) fn get(&self, fingerprint: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let tag = tag(fingerprint);
        let start = place(fingerprint);
        (0..MAX_PROBES)
            .map(|probe| self.slots[start.wrapping_add(probe) & mask])
            .take_while(|slot| slot.0 != 0)
            .find(|slot| slot.0 == tag)
            .map_or(0, |slot| slot.1)
    }

    /// The number of different fingerprints.
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    /// The counts, in no useful order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().filter(|slot| slot.0 != 0).map(|slot| slot.1)
    }
}

/// The upper half, never zero.
#[inline]
fn tag(fingerprint: u64) -> u32 {
    ((fingerprint >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_have_the_same_fingerprint_both_ways() {
        for word in ["", "a", "self", "process"] {
            let mut bytes = [0; 8];
            bytes[..word.len()].copy_from_slice(word.as_bytes());
            assert_eq!(
                fingerprint(word.as_bytes()),
                fingerprint_short(u64::from_le_bytes(bytes), word.len()),
                "{word}"
            );
        }
        assert_ne!(fingerprint(b"a"), fingerprint(b"a\0"));
    }

    #[test]
    fn counts_are_those_of_a_map() {
        let words: Vec<String> = (0..4000_u32).map(|i| format!("w{}", i * i % 997)).collect();
        let mut counts = Counts::with_room_for(1000);
        let mut seen = Seen::with_room_for(1000);
        let mut map = std::collections::HashMap::new();
        for word in &words {
            let before = map.entry(word).or_insert(0_u32);
            assert_eq!(seen.add(fingerprint(word.as_bytes())), *before > 0);
            counts.add(fingerprint(word.as_bytes()));
            *before += 1;
        }
        assert_eq!(counts.distinct(), map.len());
        assert_eq!(counts.counts().sum::<u32>(), 4000);
        assert!(
            words
                .iter()
                .all(|word| counts.get(fingerprint(word.as_bytes())) == map[word])
        );
        assert_eq!(counts.get(fingerprint(b"absent")), 0);
    }

    #[test]
    fn a_full_table_still_answers() {
        let mut counts = Counts::with_room_for(1);
        for i in 0..10_000_u64 {
            counts.add(fold(i, MIX));
        }
        assert!(counts.distinct() < 32);
    }
}
