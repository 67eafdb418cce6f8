//! The configuration of all stages.

use std::collections::BTreeMap;

use codelupe_core::{BlobId, Language, LicenseClass, SelectionRules};
use codelupe_forge::{Pace, Site, SiteKind};
use codelupe_inspect::{DedupConfig, Rules};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The version of the rules in code: raised when the same config would give other verdicts, so that contents are
/// processed again.
const RULES_VERSION: u32 = 2;

/// The configuration of all stages; every field has a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bounds on what one repository may cost.
    pub limits: codelupe_forge::Limits,
    /// The rules that one content is judged by.
    pub process: codelupe_process::Config,
    /// How forges are accessed.
    pub http: codelupe_forge::HttpSettings,
    /// How repositories are fetched.
    pub fetch: codelupe_forge::FetchSettings,
    /// Forges beside the public ones, by any name: `[forges.ours] kind = "gitea", url = "https://git.example.org"`.
    pub forges: BTreeMap<String, ForgeSettings>,
    /// Which repositories of a listing are fetched.
    pub selection: SelectionRules,
    /// Near-duplicates.
    pub dedup: DedupConfig,
    /// What goes into a build.
    pub build: BuildConfig,
}

/// A forge with an unusual address or request rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeSettings {
    /// Its software: `github`, `gitlab`, `gitea` or `forgejo`.
    pub kind: SiteKind,
    /// Where its pages are: `https://git.example.org`.
    pub url: String,
    /// How quickly it is asked. Default `polite`.
    #[serde(default)]
    pub pace: Pace,
}

/// What goes into a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildConfig {
    /// License classes whose files may go in. Default: `permissive` alone.
    pub licenses: Vec<LicenseClass>,
    /// Languages that go in; empty: all.
    pub languages: Vec<Language>,
    /// The lowest quality score, 0 to 100, that goes in. Default 0: what processing kept.
    pub min_quality: u8,
    /// Share of repository families in the validation split, in percent. Default 2.
    pub validation_percent: u8,
    /// Share of repository families in the held-out split, in percent. Default 2.
    pub held_out_percent: u8,
    /// Changes which families go to which split.
    pub split_seed: u64,
    /// What becomes of files that only near-copies of other repositories have. Default `keep`.
    pub repository_copies: CopyPolicy,
}

/// What becomes of files that only near-copies of other repositories have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyPolicy {
    /// They are let in like others.
    #[default]
    Keep,
    /// They are left out.
    Drop,
}

impl Default for BuildConfig {
    fn default() -> Self {
        Self {
            licenses: vec![LicenseClass::Permissive],
            languages: Vec::new(),
            min_quality: 0,
            validation_percent: 2,
            held_out_percent: 2,
            split_seed: 0,
            repository_copies: CopyPolicy::Keep,
        }
    }
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// `Config` names the first value that is not valid.
    pub fn validate(&self) -> Result<(), Error> {
        self.limits.validate()?;
        self.fetch.validate()?;
        for forge in self.forges.values() {
            Site::new(forge.kind, &forge.url)?;
        }
        self.process.validate()?;
        self.dedup.signer()?;
        self.dedup.banding()?;
        self.dedup.threshold()?;
        self.dedup.copies()?;
        let invalid = |context: String| Err(Error::new(ErrorKind::Config, context));
        let build = &self.build;
        let aside = u32::from(build.validation_percent) + u32::from(build.held_out_percent);
        if aside > 90 {
            return invalid(format!(
                "build: {aside} percent for validation and held-out leave too little for training"
            ));
        }
        if build.min_quality > 100 {
            return invalid(format!(
                "build: min_quality is {}, and the score goes to 100",
                build.min_quality
            ));
        }
        if build.licenses.is_empty() {
            return invalid("build: licenses is empty, so that nothing could go in".to_owned());
        }
        Ok(())
    }

    /// A short name of the rules that contents are processed by: another recipe means processing again.
    pub fn recipe(&self) -> String {
        let parts = (
            RULES_VERSION,
            codelupe_dedup::SCHEME,
            self.dedup.permutations,
            self.dedup.shingle_tokens,
            self.dedup.view,
            &self.limits,
            &self.process,
        );
        fingerprint(&parts)
    }

    /// The rules that questions about similarity are answered by.
    pub fn rules(&self) -> Rules {
        Rules {
            process: self.process.clone(),
            dedup: self.dedup.clone(),
            recipe: self.recipe(),
        }
    }

    /// A short name of everything that deduplication depends on beside the files.
    pub(crate) fn dedup_state(&self) -> String {
        fingerprint(&(codelupe_dedup::SCHEME, self.recipe(), &self.dedup))
    }
}

/// Sixteen hexadecimal digits that change when the value does.
fn fingerprint(value: &impl Serialize) -> String {
    digest(value).to_string()[..16].to_owned()
}

/// A hash over the JSON form of a value.
pub(crate) fn digest(value: &impl Serialize) -> BlobId {
    // Plain structs of numbers and names always have a JSON form; the empty text would only make two values alike.
    let json = serde_json::to_vec(value).unwrap_or_default();
    BlobId::of(&json)
}

#[cfg(test)]
mod tests {
    use codelupe_core::error::ErrorCode;
    use codelupe_process::View;

    use super::*;

    #[test]
    fn a_change_of_the_rules_changes_the_recipe_and_a_change_of_the_build_does_not() {
        let config = Config::default();
        let mut other = config.clone();
        other.process.min_quality += 1;
        assert_ne!(config.recipe(), other.recipe());
        let mut other = config.clone();
        other.dedup.view = View::Structure;
        assert_ne!(config.recipe(), other.recipe());
        let mut other = config.clone();
        other.dedup.permutations = 128;
        assert_ne!(config.recipe(), other.recipe());
        let mut other = config.clone();
        other.build.min_quality += 1;
        assert_eq!(config.recipe(), other.recipe());
    }

    #[test]
    fn values_that_make_no_sense_are_named() {
        let check = |change: fn(&mut Config), word: &str| {
            let mut config = Config::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            let chain = format!(
                "{error} {}",
                std::error::Error::source(&error).map_or(String::new(), ToString::to_string)
            );
            assert!(chain.contains(word), "{chain}");
            assert_eq!(error.code(), ErrorCode::Validation, "{chain}");
        };
        check(|config| config.build.held_out_percent = 99, "held-out");
        check(|config| config.build.min_quality = 101, "min_quality");
        check(|config| config.build.licenses.clear(), "licenses");
        check(|config| config.dedup.threshold = 7.0, "threshold");
        check(|config| config.dedup.bands = 100, "bands");
        check(|config| config.dedup.permutations = 100, "100 permutations");
        check(|config| config.dedup.permutations = 128, "signatures have 128");
    }
}
