//! Real source files and mutated copies of them, against all pairs by brute force.

#[path = "../../benches/corpus/mod.rs"]
mod corpus;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;

use codelupe_dedup::{
    BandIndex, BandTable, Banding, ElectionConfig, ElectionOutcome, ShingleSize, Signature, Signer, elect, jaccard,
    shingles,
};

/// The lowest similarity that the truth lists: a half.
const FLOOR: f64 = 0.5;

/// Deviations allowed in a bin of similarity: 99.9 % for all ten bins together (two-sided, 0.0001 each).
const DEVIATIONS: f64 = 3.89;

struct Corpus {
    sets: Vec<Vec<u64>>,
    signatures: Vec<Option<Signature>>,
    /// Pairs (lower, higher) of similarity at or over [`FLOOR`].
    pairs: BTreeMap<(u32, u32), f64>,
}

#[test]
fn candidates_follow_the_curve_and_every_drop_is_right() {
    let texts = texts();
    let corpus = read(&texts);
    for text in texts.iter().step_by(7) {
        let distinct = grams_as_bytes(text).len();
        assert_eq!(
            shingles(text, ShingleSize::default()).len(),
            distinct,
            "two shingles share a hash"
        );
    }
    candidates_follow_the_curve(&corpus);
    every_drop_is_right(&corpus);
}

/// In every bin of similarity, as many pairs share a band as the formula of banding says, within binomial error.
fn candidates_follow_the_curve(corpus: &Corpus) {
    let banding = Banding::default();
    let candidates = candidates(corpus, banding);
    for bin in 0..10 {
        let (from, to) = (0.5 + 0.05 * f64::from(bin), 0.55 + 0.05 * f64::from(bin));
        // Each document in one pair of a bin at most, so that the pairs are independent of each other.
        let mut used = HashSet::new();
        let (mut count, mut found, mut expected, mut variance) = (0, 0, 0.0, 0.0);
        for (&(a, b), &similarity) in &corpus.pairs {
            if similarity < from || similarity >= to || used.contains(&a) || used.contains(&b) {
                continue;
            }
            used.extend([a, b]);
            count += 1;
            found += u32::from(candidates.contains(&(a, b)));
            let probability = banding.candidate_probability(similarity);
            expected += probability;
            variance += probability * (1.0 - probability);
        }
        println!(
            "J {from:.2}..{to:.2}: {count} pairs, {found} candidates, {expected:.1} expected, sigma {:.2}",
            variance.sqrt()
        );
        assert!(count >= 30, "only {count} pairs of similarity {from:.2} to {to:.2}");
        // Half a pair of continuity correction.
        let allowed = DEVIATIONS * variance.sqrt() + 0.5;
        assert!(
            (f64::from(found) - expected).abs() <= allowed,
            "{found} of {count} pairs found between {from:.2} and {to:.2}, {expected:.1} expected, {allowed:.1} allowed"
        );
    }
    for (pair, _) in corpus.pairs.iter().filter(|(_, similarity)| **similarity >= 1.0) {
        assert!(candidates.contains(pair), "{pair:?} are equal and share no band");
    }
}

/// What the election drops is in the truth, with the same similarity; what it keeps has no kept candidate in it.
fn every_drop_is_right(corpus: &Corpus) {
    let mut table = BandTable::new(Banding::default());
    for signature in &corpus.signatures {
        table.push(signature.as_ref()).unwrap();
    }
    let mut source = |doc: u32| Ok::<_, Infallible>(corpus.sets[doc as usize].clone());
    let election = elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap();
    println!("{:?}", election.counts);
    assert!(election.counts.duplicates > 100 && election.counts.false_candidates > 0);
    let kept = |doc: u32| election.outcomes[doc as usize] == ElectionOutcome::Kept;
    for (doc, outcome) in (0..).zip(&election.outcomes) {
        if let ElectionOutcome::Duplicate { of, jaccard } = *outcome {
            let truth = corpus.pairs.get(&(of, doc)).copied().unwrap_or(0.0);
            assert!(
                kept(of) && truth >= 0.7 && truth.to_bits() == jaccard.to_bits(),
                "{doc} for {of}"
            );
        }
    }
    let candidates = candidates(corpus, Banding::default());
    for (&(a, b), &similarity) in &corpus.pairs {
        let missed = similarity >= 0.7 && kept(a) && kept(b) && candidates.contains(&(a, b));
        assert!(!missed, "{a} and {b} are near-duplicates and both stay");
    }
}

fn candidates(corpus: &Corpus, banding: Banding) -> HashSet<(u32, u32)> {
    let mut index = BandIndex::new();
    let mut pairs = HashSet::new();
    for (doc, signature) in (0_u32..).zip(&corpus.signatures) {
        let Some(signature) = signature else { continue };
        pairs.extend(
            index
                .candidates(banding.keys(signature))
                .into_iter()
                .map(|of| (of, doc)),
        );
        index.insert(doc, banding.keys(signature));
    }
    pairs
}

fn read(texts: &[Vec<u8>]) -> Corpus {
    let size = ShingleSize::default();
    let mut signer = Signer::new(size);
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(text, size)).collect();
    Corpus {
        signatures: texts.iter().map(|text| signer.sign(text)).collect(),
        pairs: all_pairs(&sets),
        sets,
    }
}

/// Every pair at or over [`FLOOR`], by a prefix filter: with the elements of each set from rare to common, two sets of
/// that similarity share one of the first `n - ceil(FLOOR * n) + 1` of each (Chaudhuri, Ganti, Kaushik, ICDE 2006).
fn all_pairs(sets: &[Vec<u64>]) -> BTreeMap<(u32, u32), f64> {
    let mut frequency: HashMap<u64, u32> = HashMap::new();
    for &shingle in sets.iter().flatten() {
        *frequency.entry(shingle).or_default() += 1;
    }
    let mut index: HashMap<u64, Vec<u32>> = HashMap::new();
    let mut pairs = BTreeMap::new();
    for (doc, set) in (0..).zip(sets) {
        let mut by_rarity: Vec<(u32, u64)> = set.iter().map(|shingle| (frequency[shingle], *shingle)).collect();
        by_rarity.sort_unstable();
        let prefix = set.len() - set.len().div_ceil(2) + 1;
        let mut near = HashSet::new();
        for &(_, shingle) in by_rarity.iter().take(prefix).filter(|(frequency, _)| *frequency > 1) {
            let docs = index.entry(shingle).or_default();
            near.extend(docs.iter().copied());
            docs.push(doc);
        }
        for of in near {
            let similarity = jaccard(&sets[of as usize], set);
            if similarity >= FLOOR {
                pairs.insert((of, doc), similarity);
            }
        }
    }
    pairs
}

/// Up to 1,500 real files, more made up where there are fewer, and two mutated copies of each.
fn texts() -> Vec<Vec<u8>> {
    let mut random = Random(1);
    let mut texts = corpus::sources(3000);
    texts.retain(|text| text.len() <= 16_384);
    texts.truncate(1500);
    while texts.len() < 600 {
        texts.push(made_up(&mut random));
    }
    for original in 0..texts.len() {
        for _ in 0..2 {
            // About half of the tokens are words, and a shingle stays when its five tokens do.
            let similarity = 0.45 + 0.55 * random.unit();
            let stays = 2.0 * similarity / (1.0 + similarity);
            let copy = mutate(&texts[original], 2.0 * (1.0 - stays.powf(0.2)), &mut random);
            texts.push(copy);
        }
    }
    texts
}

/// A copy in which each word became another with this probability.
fn mutate(text: &[u8], probability: f64, random: &mut Random) -> Vec<u8> {
    let mut copy = Vec::with_capacity(text.len());
    for run in text.chunk_by(|a, b| is_word(*a) && is_word(*b)) {
        if is_word(run[0]) && random.unit() < probability {
            copy.extend_from_slice(format!("w{}", random.next() % 1_000_000).as_bytes());
        } else {
            copy.extend_from_slice(run);
        }
    }
    copy
}

fn made_up(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..20 + random.next() % 200 {
        let name = |random: &mut Random| format!("name_{}", random.next() % 5000);
        let names = [name(random), name(random), name(random)].join(", ");
        text.extend(["let x = f(", &names, ");\n"]);
    }
    text.into_bytes()
}

/// The distinct shingles as text, by an own tokenizer.
fn grams_as_bytes(text: &[u8]) -> HashSet<Vec<&[u8]>> {
    let tokens: Vec<&[u8]> = text
        .chunk_by(|a, b| is_word(*a) && is_word(*b))
        .filter(|token| !matches!(token[0], b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
        .collect();
    tokens.windows(5).map(<[&[u8]]>::to_vec).collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// A linear congruential generator (Knuth, MMIX).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn unit(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 31) as f64
    }
}
