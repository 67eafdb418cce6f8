//! Leakage between splits.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::num::NonZeroUsize;

use codelupe_dedup::{LeakConfig, LeakFinder, LeakReport, Signature, jaccard};
use proptest::prelude::*;

fn hundred(first: u64) -> Vec<u64> {
    (first..first + 100)
        .map(|i| i << 32 | i.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF)
        .collect()
}

/// Documents `0..held_out` are held out, the others are for training.
fn run(config: LeakConfig, sets: &[Vec<u64>], held_out: usize) -> LeakReport {
    let signatures: Vec<Signature> = sets.iter().map(|set| Signature::of_shingles(set).unwrap()).collect();
    let mut finder = LeakFinder::new(config, (0..).zip(&signatures[..held_out]));
    for (doc, signature) in (0..).zip(&signatures).skip(held_out) {
        finder.scan(doc, signature);
    }
    finder
        .finish(&mut |doc: u32| Ok::<_, Infallible>(sets[doc as usize].clone()))
        .unwrap()
}

#[test]
fn a_near_duplicate_across_the_split_is_found_and_others_are_not() {
    // Held out: 0 is near 3 (0.786), 1 is like nothing, 2 is half like 4 (0.333).
    let sets = [hundred(12), hundred(1000), hundred(2050), hundred(0), hundred(2000)];
    let report = run(LeakConfig::default(), &sets, 3);
    let shown: Vec<(u32, u32, f64)> = report
        .leaks
        .iter()
        .map(|leak| (leak.held_out, leak.training, leak.jaccard))
        .collect();
    assert_eq!(shown, [(0, 3, 88.0 / 112.0)]);
    assert_eq!(report.capped, [0_u32; 0]);
}

#[test]
fn near_duplicates_within_a_split_are_no_leak() {
    let report = run(
        LeakConfig::default(),
        &[hundred(0), hundred(0), hundred(500), hundred(500)],
        2,
    );
    assert_eq!(report, LeakReport::default());
}

#[test]
fn the_bounds_hold_and_are_reported() {
    let mut sets = vec![hundred(0)];
    sets.extend((0..40).map(|i| hundred(30 + i % 10)));
    let bound = |max_candidates, max_bucket| LeakConfig {
        max_candidates: NonZeroUsize::new(max_candidates).unwrap(),
        max_bucket: NonZeroUsize::new(max_bucket).unwrap(),
        ..LeakConfig::default()
    };
    let report = run(bound(5, 1000), &sets, 1);
    assert_eq!((report.compared, report.capped), (5, vec![0]));
    let report = run(bound(1000, 2), &sets, 1);
    assert!(report.compared <= 2 * 50 && report.capped == [0], "{report:?}");
    // The one true twin shares the most bands, so the bound on candidates does not lose it.
    sets.push(hundred(3));
    let report = run(bound(5, 1000), &sets, 1);
    assert_eq!(report.leaks.iter().map(|leak| leak.training).collect::<Vec<_>>(), [41]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// With what the bands find being random, the two sure statements: what is reported is true, and equal sets are
    /// always reported.
    #[test]
    fn reports_are_true_and_copies_are_never_missed(
        offsets in prop::collection::vec(0_u64..300, 2..30), held_out in 1_usize..15
    ) {
        let sets: Vec<Vec<u64>> = offsets.iter().map(|&first| hundred(first)).collect();
        let held_out = held_out.min(sets.len() - 1);
        let report = run(LeakConfig::default(), &sets, held_out);
        let mut found = BTreeSet::new();
        for leak in &report.leaks {
            prop_assert!((leak.held_out as usize) < held_out && leak.training as usize >= held_out);
            let exact = jaccard(&sets[leak.held_out as usize], &sets[leak.training as usize]);
            prop_assert!(exact >= 0.7 && exact.to_bits() == leak.jaccard.to_bits());
            prop_assert!(found.insert(leak.held_out));
        }
        for (doc, set) in (0..).zip(&sets[..held_out]) {
            if sets[held_out..].contains(set) {
                prop_assert!(found.contains(&doc));
            }
        }
    }
}
