//! Policy, filters and splits: what happens to each survivor, looked at alone.

use codelupe_catalogue::BuildCandidate;
use codelupe_core::{BlobId, Reason, Split};

use super::Decided;
use crate::config::BuildConfig;

/// Decides about every candidate, in their order.
pub(super) fn decide(config: &BuildConfig, candidates: &[BuildCandidate]) -> Vec<Decided> {
    candidates
        .iter()
        .map(|candidate| decide_one(config, candidate))
        .collect()
}

fn decide_one(config: &BuildConfig, candidate: &BuildCandidate) -> Decided {
    if !config
        .licenses
        .iter()
        .any(|class| class.as_str() == candidate.license_class)
    {
        return Err(Reason::LicenseNotAllowed);
    }
    let language = candidate.language.as_deref().unwrap_or_default();
    if !config.languages.is_empty() && config.languages.iter().all(|wanted| wanted.as_str() != language) {
        return Err(Reason::LanguageNotWanted);
    }
    if candidate.quality < config.min_quality {
        return Err(Reason::QualityUnderFilter);
    }
    Ok(split_of(config, &candidate.family))
}

/// The split of a family of repositories: by hash, so that it does not depend on which others there are.
fn split_of(config: &BuildConfig, family: &str) -> Split {
    let hash = BlobId::of(format!("{}/{family}", config.split_seed).as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    let point = f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX) * 100.0;
    let held_out = f64::from(config.held_out_percent);
    if point < held_out {
        Split::HeldOut
    } else if point < held_out + f64::from(config.validation_percent) {
        Split::Validation
    } else {
        Split::Train
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_have_about_the_share_that_was_asked_for_and_families_stay_together() {
        let config = BuildConfig {
            validation_percent: 10,
            held_out_percent: 20,
            ..BuildConfig::default()
        };
        let splits: Vec<Split> = (0..10_000).map(|n| split_of(&config, &format!("family-{n}"))).collect();
        let share = |split| splits.iter().filter(|other| **other == split).count();
        // Binomial, five standard deviations: 5 * sqrt(10,000 * 0.2 * 0.8) = 200.
        assert!(share(Split::HeldOut).abs_diff(2_000) < 200, "{}", share(Split::HeldOut));
        assert!(
            share(Split::Validation).abs_diff(1_000) < 150,
            "{}",
            share(Split::Validation)
        );
        assert_eq!(split_of(&config, "family-7"), split_of(&config, "family-7"));
        let other = BuildConfig {
            split_seed: 1,
            ..config.clone()
        };
        assert!((0..100).any(|n| split_of(&config, &format!("f{n}")) != split_of(&other, &format!("f{n}"))));
    }
}
