//! 3,000 real source files as they are, against all pairs by brute force.
//!
//! What is random here is the hash function alone: the files and their similarities are given. Pairs of one family of
//! files share shingles and therefore luck, so a band for independent draws does not hold for all pairs of a bin. Two
//! bands are checked that do hold: the exact binomial band for one pair of each family, taken blindly; and a band for
//! all pairs whose width comes from repeating the experiment under other hash functions.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fmt::Write;

use codelupe_components::whole_crates;
use codelupe_dedup::{
    BINS, Pairs, bin_name, binomial_band, families, near_pairs, one_of_each_family, reference_tokens, within,
};
use codelupe_dedup::{
    BandTable, Banding, Election, ElectionConfig, ElectionOutcome, ShingleSize, Signature, Signer, elect, shingles,
};

const FILES: usize = 3000;

/// A band of 99.9 % in standard deviations that were estimated from [`HASH_FUNCTIONS`] draws: Student's t, 199 degrees of freedom.
const DEVIATIONS: f64 = 3.34;

/// With fewer families in a bin its band says next to nothing.
const FEWEST_FAMILIES: usize = 5;

/// The hash functions that the experiment is repeated under.
const HASH_FUNCTIONS: u64 = 200;

#[test]
fn real_files_keep_the_promises() {
    let files = whole_crates(FILES, |text| reference_tokens(text).nth(4).is_some());
    assert_eq!(files.len(), FILES, "cargo has unpacked too few sources on this machine");
    let texts: Vec<Vec<u8>> = files.into_iter().map(|(_, text)| text).collect();
    let truth = near_pairs(&exact_sets(&texts), BINS[0].0);
    let sets: Vec<Vec<u64>> = texts
        .iter()
        .map(|text| shingles(text, ShingleSize::default()))
        .collect();
    let mut signer = Signer::new(ShingleSize::default());
    let signatures: Vec<Option<Signature>> = texts.iter().map(|text| signer.sign(text)).collect();

    let near = truth.values().filter(|jaccard| **jaccard >= 0.7).count();
    println!(
        "{FILES} files, {} bytes, {near} pairs at 0.7 or over",
        texts.iter().map(Vec::len).sum::<usize>()
    );
    every_drop_is_right(&elected(&sets, &signatures), &truth, &signatures);
    candidates_follow_the_curve(&sets, &signatures, &truth);
}

fn elected(sets: &[Vec<u64>], signatures: &[Option<Signature>]) -> Election {
    let mut table = BandTable::new(Banding::default());
    for signature in signatures {
        table.push(signature.as_ref()).unwrap();
    }
    let mut source = |doc: u32| Ok::<_, Infallible>(sets[doc as usize].clone());
    elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap()
}

/// Precision 1, and guarantee G2: whatever is dropped has a kept, better-ranked twin that is recorded with the
/// similarity that brute force finds, and no two kept documents are candidates and near-duplicates.
fn every_drop_is_right(election: &Election, truth: &Pairs, signatures: &[Option<Signature>]) {
    let kept = |doc: u32| election.outcomes[doc as usize] == ElectionOutcome::Kept;
    for (doc, outcome) in (0..).zip(&election.outcomes) {
        if let ElectionOutcome::Duplicate { of, jaccard } = *outcome {
            let exact = truth.get(&(of, doc)).copied().unwrap_or(0.0);
            assert!(of < doc && kept(of), "{doc} is dropped for {of}, which does not stay");
            assert!(exact >= 0.7, "{doc} is dropped for {of}, their similarity is {exact}");
            assert_eq!(
                exact.to_bits(),
                jaccard.to_bits(),
                "{doc} and {of}: {jaccard} recorded, {exact} found"
            );
        }
    }
    let near = || {
        truth
            .iter()
            .filter(|(_, jaccard)| **jaccard >= 0.7)
            .map(|(&pair, _)| pair)
    };
    for (a, b) in near().filter(|&(a, b)| kept(a) && kept(b)) {
        assert!(
            !share_a_band(signatures, (a, b)),
            "{a} and {b} are near-duplicates and both stay"
        );
    }
    let with_a_better_twin: HashSet<u32> = near().map(|(_, higher)| higher).collect();
    let left = near().filter(|&(a, b)| kept(a) && kept(b)).map(|(_, higher)| higher);
    let left: HashSet<u32> = left.collect();
    let counts = election.counts;
    println!("{counts:?}");
    println!(
        "{} documents have a better-ranked near-duplicate, {} of them are dropped, {} stay beside one that stays",
        with_a_better_twin.len(),
        counts.duplicates,
        left.len()
    );
    assert!(counts.duplicates >= 30, "too few near-duplicates to tell anything");
    assert_eq!(counts.capped, 0);
}

/// In every bin of similarity, as many pairs share a band as the curve of the banding says.
fn candidates_follow_the_curve(sets: &[Vec<u64>], signatures: &[Option<Signature>], truth: &Pairs) {
    let family = families(truth);
    let repeated = repeated(sets, truth);
    let mut report = String::from(
        "| J | pairs | expected | found | recall | band | families | expected | found | band | mean of 200 | band |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut outside = Vec::new();
    for (bin, &(from, below)) in BINS.iter().enumerate() {
        let pairs: Pairs = within(truth, from, below).collect();
        let one_each = one_of_each_family(&pairs, &family);
        let all = Count::of(&pairs, signatures);
        let single = Count::of(&one_each, signatures);
        let exact = binomial_band(&single.probabilities);
        let (mean, deviation) = mean_and_deviation(&repeated[bin]);
        // No narrower than independence allows: where nearly nothing is missed, the repeats may show no spread at all.
        let deviation = deviation.max(all.deviation());
        // Half a pair of continuity correction.
        let wide = DEVIATIONS * deviation + 0.5;
        let narrow = DEVIATIONS * deviation / (HASH_FUNCTIONS as f64).sqrt() + 0.5 / HASH_FUNCTIONS as f64;
        writeln!(
            report,
            "| {} | {} | {:.1} | {} | {:.3} | ±{wide:.1} | {} | {:.1} | {} | {}–{} | {mean:.2} | ±{narrow:.3} |",
            bin_name((from, below)),
            pairs.len(),
            all.expected(),
            all.found,
            all.found as f64 / pairs.len() as f64,
            one_each.len(),
            single.expected(),
            single.found,
            exact.0,
            exact.1
        )
        .unwrap();
        let right = (all.found as f64 - all.expected()).abs() <= wide
            && (exact.0..=exact.1).contains(&single.found)
            && (mean - all.expected()).abs() <= narrow;
        if !right || one_each.len() < FEWEST_FAMILIES {
            outside.push(bin_name((from, below)));
        }
    }
    println!("{report}");
    assert!(
        outside.is_empty(),
        "outside their bands, or too few families: {outside:?}\n{report}"
    );
    let equal = within(truth, 1.0, 2.0).all(|(pair, _)| share_a_band(signatures, pair));
    assert!(equal, "equal sets share no band");
}

/// How many pairs share a band, and how probable it was for each.
struct Count {
    found: usize,
    probabilities: Vec<f64>,
}

impl Count {
    fn of(pairs: &Pairs, signatures: &[Option<Signature>]) -> Self {
        let probability = |jaccard: &f64| Banding::default().candidate_probability(*jaccard);
        Self {
            found: pairs.keys().filter(|pair| share_a_band(signatures, **pair)).count(),
            probabilities: pairs.values().map(probability).collect(),
        }
    }

    fn expected(&self) -> f64 {
        self.probabilities.iter().sum()
    }

    /// As if the pairs were independent.
    fn deviation(&self) -> f64 {
        self.probabilities.iter().map(|p| p * (1.0 - p)).sum::<f64>().sqrt()
    }
}

/// The number of candidates in every bin under each of the other hash functions.
fn repeated(sets: &[Vec<u64>], truth: &Pairs) -> Vec<Vec<usize>> {
    let docs: HashSet<u32> = truth.keys().flat_map(|&(a, b)| [a, b]).collect();
    let counts = in_threads(HASH_FUNCTIONS, |function| {
        let mut signatures = vec![None; sets.len()];
        for &doc in &docs {
            let rehashed: Vec<u64> = sets[doc as usize]
                .iter()
                .map(|shingle| rehash(*shingle, function))
                .collect();
            signatures[doc as usize] = Signature::of_shingles(&rehashed);
        }
        BINS.map(|(from, below)| {
            within(truth, from, below)
                .filter(|(pair, _)| share_a_band(&signatures, *pair))
                .count()
        })
    });
    (0..BINS.len())
        .map(|bin| counts.iter().map(|bins| bins[bin]).collect())
        .collect()
}

/// The finalizer of `SplitMix64` over the shingle and the number of the hash function.
fn rehash(shingle: u64, function: u64) -> u64 {
    let mixed = shingle ^ (function + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn mean_and_deviation(counts: &[usize]) -> (f64, f64) {
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let squares: f64 = counts.iter().map(|count| (*count as f64 - mean).powi(2)).sum();
    (mean, (squares / (counts.len() - 1) as f64).sqrt())
}

fn share_a_band(signatures: &[Option<Signature>], (a, b): (u32, u32)) -> bool {
    let (Some(a), Some(b)) = (&signatures[a as usize], &signatures[b as usize]) else {
        return false;
    };
    Banding::default()
        .keys(a)
        .zip(Banding::default().keys(b))
        .any(|(a, b)| a == b)
}

/// The sets of all runs of five tokens, each run under a number of its own: nothing is hashed to a value that two could
/// share.
fn exact_sets(texts: &[Vec<u8>]) -> Vec<Vec<u32>> {
    let mut words: HashMap<&[u8], u32> = HashMap::new();
    let mut runs: HashMap<[u32; 5], u32> = HashMap::new();
    let mut sets = Vec::new();
    for text in texts {
        let mut tokens = Vec::new();
        for token in reference_tokens(text) {
            let next = u32::try_from(words.len()).unwrap();
            tokens.push(*words.entry(token).or_insert(next));
        }
        let mut set = Vec::new();
        for run in tokens.windows(5) {
            let next = u32::try_from(runs.len()).unwrap();
            set.push(*runs.entry(run.try_into().unwrap()).or_insert(next));
        }
        set.sort_unstable();
        set.dedup();
        sets.push(set);
    }
    sets
}

/// `work` for 0 to `count`, on all cores; the results in order.
fn in_threads<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let work = &work;
    let mut results: Vec<(u64, T)> = std::thread::scope(|scope| {
        let own = |first: u64| {
            (first..count)
                .step_by(usize::try_from(threads).unwrap())
                .map(|i| (i, work(i)))
        };
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || own(first).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}
