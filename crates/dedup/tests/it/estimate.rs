//! Whether the permutations behave as independent ones would: the error of the estimated similarity against theory.

use codelupe_dedup::{MAX_PERMUTATIONS, ShingleSize, Signature, jaccard, shingles};

const TRIALS: usize = 300;

/// Two sets with the same number of elements each and known similarity, hashed from words that count up.
fn pair(trial: usize, size: usize, shared: usize) -> (Vec<u64>, Vec<u64>) {
    let words = |from: usize, count: usize| -> String {
        (from..from + count)
            .map(|i| format!("w{trial}x{i}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let own = size - shared;
    let set = |text: String| shingles(text.as_bytes(), ShingleSize::new(1).unwrap());
    (set(words(0, size)), set(words(0, shared) + " " + &words(size, own)))
}

#[test]
fn estimates_have_no_bias_and_the_error_of_independent_permutations() {
    for size in [5, 20, 100, 1000, 5000] {
        for tenths in [4, 7, 9] {
            let shared = size * tenths / 10;
            let exact = shared as f64 / (2 * size - shared) as f64;
            let errors: Vec<f64> = (0..TRIALS)
                .map(|trial| {
                    let (a, b) = pair(trial, size, shared);
                    assert!((jaccard(&a, &b) - exact).abs() < 1e-12);
                    let sign = |set: &[u64]| Signature::of_shingles(set).unwrap();
                    sign(&a).similarity(&sign(&b)) - exact
                })
                .collect();
            check(&errors, exact, size);
        }
    }
}

/// The mean error is normal around 0, the mean absolute error around `sigma * sqrt(2 / pi)` with deviation
/// `sigma * sqrt(1 - 2 / pi)`, each over the root of the trials. Four deviations are allowed: 1 in 16,000 by chance.
fn check(errors: &[f64], exact: f64, size: usize) {
    let sigma = (exact * (1.0 - exact) / MAX_PERMUTATIONS as f64).sqrt();
    let root = (errors.len() as f64).sqrt();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let absolute = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
    let expected = sigma * (2.0 / std::f64::consts::PI).sqrt();
    let deviation = sigma * (1.0 - 2.0 / std::f64::consts::PI).sqrt();
    println!(
        "size {size} J {exact:.3}: bias {mean:+.5} (allowed {:.5}), mean absolute error {absolute:.5} (theory {expected:.5})",
        4.0 * sigma / root
    );
    assert!(
        mean.abs() <= 4.0 * sigma / root,
        "bias {mean} at size {size}, J {exact}"
    );
    assert!(
        (absolute - expected).abs() <= 4.0 * deviation / root,
        "error {absolute}, expected {expected} at size {size}, J {exact}"
    );
}
