//! The truth that near-duplicate detection is judged by: the exact similarity of every pair of real files, computed without
//! any of the code that is judged.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Tokens in a reference shingle, as `BigCode` has it.
pub(crate) const SHINGLE_TOKENS: usize = 5;

/// The bins of Jaccard similarity for which recall is reported: from, below.
pub const BINS: [(f64, f64); 6] = [(0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0), (1.0, 2.0)];

/// Pairs of documents (lower, higher) and their similarity.
pub type Pairs = BTreeMap<(u32, u32), f64>;

/// The name of a bin, such as `0.5–0.6`.
pub fn bin_name((from, below): (f64, f64)) -> String {
    if from < 1.0 {
        format!("{from:.1}–{below:.1}")
    } else {
        String::from("1.0")
    }
}

/// The tokens of a text by the letter of their definition: runs of letters, digits, `_` and bytes from 0x80 on, and
/// single bytes of punctuation.
pub fn reference_tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    text.chunk_by(move |a, b| is_word(*a) && is_word(*b))
        .filter(|token| !matches!(token[0], b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
}

/// The set of runs of five tokens, each run hashed as text by the standard library; ascending.
pub fn reference_shingles(text: &[u8]) -> Vec<u64> {
    let tokens: Vec<&[u8]> = reference_tokens(text).collect();
    let hash = |run: &[&[u8]]| {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        hasher.finish()
    };
    let mut set: Vec<u64> = tokens.windows(SHINGLE_TOKENS).map(hash).collect();
    set.sort_unstable();
    set.dedup();
    set
}

/// The similarity of every pair of sets (ascending), counted through an inverted index; pairs under `from` are left out, and so
/// are those that share nothing.
///
/// Memory: 24 bytes a member of a set, for the time of the call. Time: the pairs of sets that share a member, over all members.
pub fn near_pairs<T: Ord + Copy>(sets: &[Vec<T>], from: f64) -> Pairs {
    let holders = Holders::of(sets);
    let mut shared: Vec<u32> = vec![0; sets.len()];
    let mut pairs = Pairs::new();
    for (doc, members) in (0_u32..).zip(&holders.members) {
        for &(start, end) in members {
            let docs = &holders.docs[start as usize..end as usize];
            docs.iter()
                .take_while(|other| **other < doc)
                .for_each(|other| shared[*other as usize] += 1);
        }
        for (other, shared) in (0_u32..doc).zip(&mut shared) {
            let shared = std::mem::take(shared) as usize;
            let all = sets[doc as usize].len() + sets[other as usize].len() - shared;
            let jaccard = shared as f64 / all.max(1) as f64;
            if shared > 0 && jaccard >= from {
                pairs.insert((other, doc), jaccard);
            }
        }
    }
    pairs
}

/// Which sets hold each value that more than one holds.
struct Holders {
    /// The sets of one value after those of another, ascending.
    docs: Vec<u32>,
    /// For each set, where in `docs` the holders of its values stand.
    members: Vec<Vec<(u32, u32)>>,
}

impl Holders {
    fn of<T: Ord + Copy>(sets: &[Vec<T>]) -> Self {
        let all = (0_u32..).zip(sets);
        let mut postings: Vec<(T, u32)> = all
            .flat_map(|(doc, set)| set.iter().map(move |value| (*value, doc)))
            .collect();
        postings.sort_unstable();
        let mut holders = Self {
            docs: Vec::new(),
            members: vec![Vec::new(); sets.len()],
        };
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        for value in postings.chunk_by(|a, b| a.0 == b.0).filter(|value| value.len() > 1) {
            let start = place(holders.docs.len());
            holders.docs.extend(value.iter().map(|(_, doc)| *doc));
            let end = place(holders.docs.len());
            for (_, doc) in value {
                holders.members[*doc as usize].push((start, end));
            }
        }
        holders
    }
}

/// The pairs of one bin.
pub fn within(pairs: &Pairs, from: f64, below: f64) -> impl Iterator<Item = ((u32, u32), f64)> {
    let all = pairs.iter().map(|(pair, jaccard)| (*pair, *jaccard));
    all.filter(move |(_, jaccard)| (from..below).contains(jaccard))
}

/// The family of every document in a pair, named by its lowest: documents that pairs connect. Pairs of one family share
/// shingles and so share luck; a band for independent draws holds for one pair of each.
pub fn families(pairs: &Pairs) -> BTreeMap<u32, u32> {
    let mut family: BTreeMap<u32, u32> = pairs.keys().flat_map(|&(a, b)| [(a, a), (b, b)]).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for (a, b) in pairs.keys() {
            let lower = family[a].min(family[b]);
            changed |= family[a] != family[b];
            family.extend([(*a, lower), (*b, lower)]);
        }
    }
    family
}

/// The first pair of each family, whatever its similarity.
pub fn one_of_each_family(pairs: &Pairs, family: &BTreeMap<u32, u32>) -> Pairs {
    let mut seen = HashSet::new();
    let all = pairs.iter().map(|(pair, jaccard)| (*pair, *jaccard));
    all.filter(|((a, _), _)| seen.insert(family.get(a))).collect()
}

/// The probability outside a band of 99.9 %, on each side.
const TAIL: f64 = 0.0005;

/// The lowest and the highest number of successes within the band of 99.9 %, of independent draws with these probabilities
/// (Poisson binomial): the distribution is built up draw by draw.
pub fn binomial_band(probabilities: &[f64]) -> (usize, usize) {
    let mut distribution = vec![1.0];
    for &probability in probabilities {
        distribution.push(0.0);
        for successes in (0..distribution.len()).rev() {
            let before = if successes == 0 {
                0.0
            } else {
                distribution[successes - 1]
            };
            distribution[successes] = distribution[successes] * (1.0 - probability) + before * probability;
        }
    }
    let end = |outward: &mut dyn Iterator<Item = &f64>| {
        let mut tail = 0.0;
        outward
            .take_while(|share| {
                tail += **share;
                tail <= TAIL
            })
            .count()
    };
    let low = end(&mut distribution.iter());
    let high = probabilities.len() - end(&mut distribution.iter().rev());
    (low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{jaccard, shingles};

    #[test]
    fn the_binomial_band_is_that_of_the_tables() {
        // Ten fair coins: 11 of 1,024 ways are outside 1 to 9 by one success at each side, 1 of 1,024 is over 0.0005.
        assert_eq!(binomial_band(&[0.5; 10]), (0, 10));
        // Twenty: P(at most 2) = 211 / 2^20 = 0.0002, P(at most 3) = 1,351 / 2^20 = 0.0013.
        assert_eq!(binomial_band(&[0.5; 20]), (3, 17));
        assert_eq!(binomial_band(&[1.0; 7]), (7, 7));
        assert_eq!(binomial_band(&[0.0; 7]), (0, 0));
    }

    #[test]
    fn a_family_is_what_pairs_connect() {
        let pairs = Pairs::from([((0, 5), 0.9), ((2, 5), 0.8), ((3, 4), 0.7)]);
        let family = families(&pairs);
        assert_eq!([0, 2, 5, 3, 4].map(|doc| family[&doc]), [0, 0, 0, 3, 3]);
        let one_each = one_of_each_family(&pairs, &family);
        assert_eq!(one_each, Pairs::from([((0, 5), 0.9), ((3, 4), 0.7)]));
    }

    proptest! {
        #[test]
        fn the_index_counts_what_comparing_each_with_each_does(
            sets in prop::collection::vec(prop::collection::btree_set(0_u64..30, 0..12), 0..12),
            from in prop::sample::select(vec![0.0, 0.3, 0.5, 1.0]),
        ) {
            let sets: Vec<Vec<u64>> = sets.into_iter().map(|set| set.into_iter().collect()).collect();
            let mut expected = Pairs::new();
            for (higher, a) in (0_u32..).zip(&sets) {
                for (lower, b) in (0..higher).zip(&sets) {
                    let similarity = jaccard(a, b);
                    if similarity > 0.0 && similarity >= from {
                        expected.insert((lower, higher), similarity);
                    }
                }
            }
            prop_assert_eq!(near_pairs(&sets, from), expected);
        }

        #[test]
        fn the_reference_cuts_as_many_shingles(text in "[a-c1é+;{} \n]{0,200}") {
            let set = shingles(text.as_bytes(), crate::ShingleSize::default());
            prop_assert_eq!(reference_shingles(text.as_bytes()).len(), set.len());
        }
    }
}
