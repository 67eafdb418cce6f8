//! Properties of the election of survivors.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::num::NonZeroUsize;

use codelupe_dedup::{
    BandTable, Banding, Election, ElectionConfig, ElectionOutcome, ShingleSize, ShingleSource, Signature, Signer,
    Threshold, elect, jaccard, shingles,
};
use proptest::prelude::*;

/// Sets of shingles in rank order; an empty one is a text that is too short.
fn run(sets: &[Vec<u64>], banding: Banding, config: &ElectionConfig) -> Election {
    let mut table = BandTable::new(banding);
    for set in sets {
        table.push(Signature::of_shingles(set).as_ref()).unwrap();
    }
    elect(table.groups(), config, &mut |doc: u32| {
        Ok::<_, Infallible>(sets[doc as usize].clone())
    })
    .unwrap()
}

/// The rule by its letter: every pair is looked at, the bands decide which count.
fn by_the_letter(sets: &[Vec<u64>], banding: Banding, threshold: f64) -> Vec<ElectionOutcome> {
    let keys = |set: &Vec<u64>| -> BTreeSet<u64> {
        Signature::of_shingles(set).map_or(BTreeSet::new(), |signature| banding.keys(&signature).collect())
    };
    let keys: Vec<BTreeSet<u64>> = sets.iter().map(keys).collect();
    let mut outcomes: Vec<ElectionOutcome> = Vec::new();
    for (doc, set) in sets.iter().enumerate() {
        let better = (0_u32..).zip(sets).zip(&keys).take(doc).zip(&outcomes);
        let near = better
            .filter(|(((_, other), other_keys), outcome)| {
                **outcome == ElectionOutcome::Kept
                    && !other_keys.is_disjoint(&keys[doc])
                    && jaccard(other, set) >= threshold
            })
            .map(|(((of, other), _), _)| ElectionOutcome::Duplicate {
                of,
                jaccard: jaccard(other, set),
            })
            .next();
        outcomes.push(near.unwrap_or(ElectionOutcome::Kept));
    }
    outcomes
}

/// Families of similar sets: each a base with some elements left out, some sets empty.
fn families() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let member = (0_u64..4, 0_usize..12, prop::collection::btree_set(0_u64..24, 0..8));
    prop::collection::vec(member, 0..40).prop_map(|members| {
        members
            .into_iter()
            .map(|(family, cut, left_out)| {
                let spread = |i: u64| (family * 100 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let all = (0..24).filter(|i| !left_out.contains(i) && cut > 0).map(spread);
                all.collect::<BTreeSet<u64>>().into_iter().collect()
            })
            .collect()
    })
}

/// Documents by place, with a memory of comparisons by name.
struct Remembering<'a> {
    sets: &'a [Vec<u64>],
    names: &'a [u32],
    memory: &'a mut HashMap<(u32, u32), Option<f64>>,
}

impl ShingleSource for Remembering<'_> {
    type Error = Infallible;

    fn shingles(&mut self, doc: u32) -> Result<Vec<u64>, Infallible> {
        Ok(self.sets[doc as usize].clone())
    }

    fn remembered(&mut self, better: u32, worse: u32) -> Option<Option<f64>> {
        self.memory
            .get(&(self.names[better as usize], self.names[worse as usize]))
            .copied()
    }

    fn compared(&mut self, better: u32, worse: u32, jaccard: Option<f64>) {
        self.memory
            .insert((self.names[better as usize], self.names[worse as usize]), jaccard);
    }
}

fn threshold(value: f64) -> ElectionConfig {
    ElectionConfig {
        threshold: Threshold::new(value).unwrap(),
        ..ElectionConfig::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_outcome_is_that_of_the_rule(sets in families(), rows in 1_usize..6, value in 0.3_f64..1.0) {
        let banding = Banding::new(25, rows).unwrap();
        let election = run(&sets, banding, &threshold(value));
        prop_assert_eq!(&election.outcomes, &by_the_letter(&sets, banding, value));
        let counts = election.counts;
        let dropped = election.outcomes.iter().filter(|outcome| **outcome != ElectionOutcome::Kept).count() as u64;
        prop_assert_eq!((counts.duplicates, counts.verified), (dropped, dropped));
        prop_assert_eq!(counts.compared, counts.verified + counts.false_candidates);
        prop_assert_eq!((counts.documents, counts.capped), (sets.len() as u64, 0));
    }

    #[test]
    fn whatever_is_dropped_has_a_kept_twin(sets in families()) {
        let election = run(&sets, Banding::default(), &ElectionConfig::default());
        for (doc, outcome) in election.outcomes.iter().enumerate() {
            if let ElectionOutcome::Duplicate { of, jaccard: stated } = *outcome {
                prop_assert_eq!(election.outcomes[of as usize], ElectionOutcome::Kept);
                prop_assert!((of as usize) < doc);
                let exact = jaccard(&sets[of as usize], &sets[doc]);
                prop_assert!(exact >= 0.7 && exact.to_bits() == stated.to_bits());
            }
        }
    }

    /// One batch, or any sequence of increments and removals that remembers what it has compared: the same survivors.
    #[test]
    fn increments_and_removals_end_where_a_batch_does(
        sets in families(),
        steps in prop::collection::vec(prop::collection::vec(any::<bool>(), 40), 1..5),
    ) {
        let mut memory = HashMap::new();
        for present in steps {
            let present: Vec<u32> = (0..).zip(&sets).zip(present).filter(|(_, here)| *here).map(|((doc, _), _)| doc).collect();
            let now: Vec<Vec<u64>> = present.iter().map(|doc| sets[*doc as usize].clone()).collect();
            let batch = run(&now, Banding::default(), &ElectionConfig::default());
            let mut table = BandTable::new(Banding::default());
            for set in &now {
                table.push(Signature::of_shingles(set).as_ref()).unwrap();
            }
            let before = memory.len() as u64;
            let mut source = Remembering { sets: &now, names: &present, memory: &mut memory };
            let mut increment = elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap();
            let fresh = increment.counts.compared - increment.counts.remembered;
            increment.counts.remembered = 0;
            prop_assert_eq!(increment, batch);
            prop_assert_eq!(memory.len() as u64, before + fresh);
        }
    }

    /// Documents arrive in any order and are ranked by what they are: the same ones survive.
    #[test]
    fn the_order_of_arrival_does_not_matter(sets in families(), seed in any::<u64>()) {
        let mut ranked: Vec<Vec<u64>> = sets;
        ranked.sort();
        let expected = run(&ranked, Banding::default(), &ElectionConfig::default());
        let mut arrived = ranked.clone();
        let mut state = seed;
        for i in (1..arrived.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            arrived.swap(i, (state >> 33) as usize % (i + 1));
        }
        // Signing happens on arrival, ranking after it.
        let mut signed: Vec<(Vec<u64>, Option<Signature>)> =
            arrived.into_iter().map(|set| { let s = Signature::of_shingles(&set); (set, s) }).collect();
        signed.sort_by(|a, b| a.0.cmp(&b.0));
        let mut table = BandTable::new(Banding::default());
        for (_, signature) in &signed {
            table.push(signature.as_ref()).unwrap();
        }
        let mut source = |doc: u32| Ok::<_, Infallible>(signed[doc as usize].0.clone());
        prop_assert_eq!(elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap(), expected);
    }

    #[test]
    fn the_size_of_the_cache_does_not_matter(sets in families(), cache_bytes in 0_usize..4000) {
        let config = ElectionConfig { cache_bytes, ..ElectionConfig::default() };
        let expected = run(&sets, Banding::default(), &ElectionConfig::default());
        prop_assert_eq!(run(&sets, Banding::default(), &config), expected);
    }

    /// A bound on candidates may keep more and never drops what has no kept twin.
    #[test]
    fn a_bound_on_candidates_is_safe_and_reported(sets in families(), bound in 1_usize..4) {
        let banding = Banding::new(50, 2).unwrap();
        let config = ElectionConfig { max_candidates: NonZeroUsize::new(bound).unwrap(), ..threshold(0.6) };
        let bounded = run(&sets, banding, &config);
        for (doc, outcome) in bounded.outcomes.iter().enumerate() {
            if let ElectionOutcome::Duplicate { of, .. } = *outcome {
                prop_assert_eq!(bounded.outcomes[of as usize], ElectionOutcome::Kept);
                prop_assert!(jaccard(&sets[of as usize], &sets[doc]) >= 0.6);
            }
        }
        prop_assert!(bounded.counts.compared <= (bound * sets.len()) as u64);
        if bounded.counts.capped == 0 {
            prop_assert_eq!(bounded.outcomes, by_the_letter(&sets, banding, 0.6));
        }
    }
}

/// 100 numbers from `first` on, as shingles.
fn hundred(first: u64) -> Vec<u64> {
    (first..first + 100)
        .map(|i| i << 32 | i.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF)
        .collect()
}

#[test]
fn of_a_chain_both_ends_stay() {
    // A ~ B and B ~ C at 88/112 = 0.786, A and C at 76/124 = 0.613.
    let chain = [hundred(0), hundred(12), hundred(24)];
    let banding = Banding::new(50, 2).unwrap();
    let outcomes = run(&chain, banding, &ElectionConfig::default()).outcomes;
    let jaccard = 88.0 / 112.0;
    assert_eq!(
        outcomes,
        [
            ElectionOutcome::Kept,
            ElectionOutcome::Duplicate { of: 0, jaccard },
            ElectionOutcome::Kept
        ]
    );
    // With the middle ranked first it stands for both.
    let chain = [hundred(12), hundred(0), hundred(24)];
    let outcomes = run(&chain, banding, &ElectionConfig::default()).outcomes;
    assert_eq!(
        outcomes,
        [
            ElectionOutcome::Kept,
            ElectionOutcome::Duplicate { of: 0, jaccard },
            ElectionOutcome::Duplicate { of: 0, jaccard }
        ]
    );
}

#[test]
fn of_several_kept_twins_the_best_ranked_is_recorded() {
    // 0 and 1 are unlike each other (0.613), 2 lies between them.
    let sets = [hundred(24), hundred(0), hundred(12)];
    let outcomes = run(&sets, Banding::new(50, 2).unwrap(), &ElectionConfig::default()).outcomes;
    assert_eq!(
        outcomes[2],
        ElectionOutcome::Duplicate {
            of: 0,
            jaccard: 88.0 / 112.0
        }
    );
}

#[test]
fn short_texts_are_never_lumped_together() {
    let texts = ["import foo", "return x", "import foo", "", "x", "a b c d"];
    let mut signer = Signer::new(ShingleSize::default());
    let mut table = BandTable::new(Banding::default());
    for text in texts {
        table.push(signer.sign(text.as_bytes()).as_ref()).unwrap();
    }
    let mut never = |doc: u32| -> Result<Vec<u64>, Infallible> { panic!("document {doc} was asked for") };
    let election = elect(table.groups(), &ElectionConfig::default(), &mut never).unwrap();
    assert!(
        election
            .outcomes
            .iter()
            .all(|outcome| *outcome == ElectionOutcome::Kept)
    );
    assert_eq!(table.without_signature(), 6);
}

#[test]
fn documents_that_share_no_band_are_never_fetched() {
    let sets = [hundred(0), hundred(1000), hundred(0), hundred(5000)];
    let mut table = BandTable::new(Banding::default());
    for set in &sets {
        table.push(Signature::of_shingles(set).as_ref()).unwrap();
    }
    let mut fetched = Vec::new();
    let mut source = |doc: u32| {
        fetched.push(doc);
        Ok::<_, Infallible>(sets[doc as usize].clone())
    };
    elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap();
    assert_eq!(fetched, [2, 0]);
}

/// A license file with another name and year in each repository: all of them share bands with all others.
#[test]
fn a_hundred_thousand_almost_equal_documents_cost_one_comparison_each() {
    const DOCUMENTS: u32 = 100_000;
    let text = |doc: u32| {
        let words: Vec<String> = (0..150).map(|word| format!("word{word}")).collect();
        format!("Copyright {} owner{doc} {}", 1900 + doc % 120, words.join(" "))
    };
    let mut signer = Signer::new(ShingleSize::default());
    let mut table = BandTable::new(Banding::default());
    for doc in 0..DOCUMENTS {
        table.push(signer.sign(text(doc).as_bytes()).as_ref()).unwrap();
    }
    let groups = table.groups();
    assert!(groups.largest() > DOCUMENTS as usize / 2, "{}", groups.largest());
    let mut source = |doc: u32| Ok::<_, Infallible>(shingles(text(doc).as_bytes(), ShingleSize::default()));
    let election = elect(groups, &ElectionConfig::default(), &mut source).unwrap();
    let counts = election.counts;
    assert_eq!(
        (counts.duplicates, counts.compared),
        (u64::from(DOCUMENTS) - 1, u64::from(DOCUMENTS) - 1)
    );
    assert_eq!((counts.false_candidates, counts.capped), (0, 0));
}

#[test]
fn an_error_of_the_source_comes_out() {
    let mut table = BandTable::new(Banding::default());
    for _ in 0..2 {
        table.push(Signature::of_shingles(&hundred(0)).as_ref()).unwrap();
    }
    let mut broken = |doc: u32| Err::<Vec<u64>, _>(format!("document {doc} is gone"));
    let error = elect(table.groups(), &ElectionConfig::default(), &mut broken).unwrap_err();
    assert_eq!(error, "document 1 is gone");
}

#[test]
fn threads_do_not_matter() {
    let texts: Vec<String> = (0..64)
        .map(|i| {
            (0..200)
                .map(|j| format!("word{}", (i / 4) * 1000 + j + (i % 4) * 5))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let sets: Vec<Vec<u64>> = texts
        .iter()
        .map(|text| shingles(text.as_bytes(), ShingleSize::default()))
        .collect();
    let expected = run(&sets, Banding::default(), &ElectionConfig::default());
    assert!(expected.counts.duplicates > 0);
    for threads in [1, 3, 8] {
        let chunk = texts.len().div_ceil(threads);
        let signatures: Vec<Option<Signature>> = std::thread::scope(|scope| {
            let workers: Vec<_> = texts
                .chunks(chunk)
                .map(|texts| {
                    scope.spawn(|| {
                        let mut signer = Signer::new(ShingleSize::default());
                        texts
                            .iter()
                            .map(|text| signer.sign(text.as_bytes()))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let mut table = BandTable::new(Banding::default());
        for signature in &signatures {
            table.push(signature.as_ref()).unwrap();
        }
        let mut source = |doc: u32| Ok::<_, Infallible>(sets[doc as usize].clone());
        assert_eq!(
            elect(table.groups(), &ElectionConfig::default(), &mut source).unwrap(),
            expected
        );
    }
}
