//! What samples are made, how many of which kind, and how long.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The shortest row, in tokens.
pub(crate) const MIN_SEQUENCE_LENGTH: usize = 64;
/// The longest row, in tokens.
pub(crate) const MAX_SEQUENCE_LENGTH: usize = 1 << 20;

/// What of a fill-in-the-middle sample is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FimLoss {
    /// The middle and the end of text after it.
    Middle,
    /// Every token after the first.
    All,
}

/// How samples are made. Shares and rates are probabilities from 0 to 1.
///
/// Each file ends up in one kind of sample: with its repository (`repository_share`), else as instructions
/// (`instruction_share`, where it has functions with descriptions), else by itself, window by window, each with a hole
/// (`fim_rate`) or without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleConfig {
    /// The length of a row, and of the longest sample, in tokens: 64 to 1048576.
    pub sequence_length: usize,
    /// The share of the windows of a file that become fill-in-the-middle samples.
    pub fim_rate: f64,
    /// The share of the fill-in-the-middle samples that have the suffix first.
    pub spm_rate: f64,
    /// What of a fill-in-the-middle sample is learned.
    pub fim_loss: FimLoss,
    /// The share of the repositories with two files or more whose files are shown together.
    pub repository_share: f64,
    /// The share of the other files that become pairs of a description and a function.
    pub instruction_share: f64,
    /// The most instruction samples of one file.
    pub instructions_per_file: usize,
    /// The first message of an instruction sample; empty for none.
    pub system_prompt: String,
    /// A file with fewer tokens is left out.
    pub min_tokens: usize,
    /// A file with more bytes is left out.
    pub max_file_bytes: usize,
    /// The most bytes of one repository that are held and ordered together; a larger one is processed in parts.
    pub max_repository_bytes: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self {
            sequence_length: 2048,
            fim_rate: 0.5,
            spm_rate: 0.5,
            fim_loss: FimLoss::Middle,
            repository_share: 0.2,
            instruction_share: 0.05,
            instructions_per_file: 4,
            system_prompt: "You are a helpful assistant.".to_owned(),
            min_tokens: 16,
            max_file_bytes: 1 << 20,
            max_repository_bytes: 16 << 20,
            seed: 0,
        }
    }
}

impl SampleConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names the first setting outside of its range.
    pub fn validate(&self) -> Result<(), Error> {
        let rates = [
            ("fim_rate", self.fim_rate),
            ("spm_rate", self.spm_rate),
            ("repository_share", self.repository_share),
            ("instruction_share", self.instruction_share),
        ];
        for (name, rate) in rates {
            if !(0.0..=1.0).contains(&rate) {
                return Err(out_of_range(name, "must be from 0 to 1", &rate));
            }
        }
        if !(MIN_SEQUENCE_LENGTH..=MAX_SEQUENCE_LENGTH).contains(&self.sequence_length) {
            return Err(out_of_range(
                "sequence_length",
                "must be from 64 to 1048576",
                &self.sequence_length,
            ));
        }
        if self.max_file_bytes == 0 || self.max_file_bytes > self.max_repository_bytes {
            let must = "must be over 0 and at most `max_repository_bytes`";
            return Err(out_of_range("max_file_bytes", must, &self.max_file_bytes));
        }
        if self.max_repository_bytes > 1 << 30 {
            return Err(out_of_range(
                "max_repository_bytes",
                "must be at most 1073741824",
                &self.max_repository_bytes,
            ));
        }
        Ok(())
    }
}

fn out_of_range(name: &str, must: &str, value: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("`{name}` {must}, but is {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut SampleConfig), named: &str) {
        let mut config = SampleConfig::default();
        change(&mut config);
        let error = config.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with(&format!("`{named}` ")), "{error}");
    }

    #[test]
    fn each_setting_has_its_range() {
        SampleConfig::default().validate().unwrap();
        check(|config| config.fim_rate = 1.5, "fim_rate");
        check(|config| config.spm_rate = f64::NAN, "spm_rate");
        check(|config| config.repository_share = -0.1, "repository_share");
        check(|config| config.instruction_share = f64::INFINITY, "instruction_share");
        check(|config| config.sequence_length = 63, "sequence_length");
        check(|config| config.max_file_bytes = 0, "max_file_bytes");
        check(
            |config| config.max_repository_bytes = usize::MAX,
            "max_repository_bytes",
        );
    }

    #[test]
    fn a_config_is_written_and_read_and_an_unknown_setting_refused() {
        let config = SampleConfig::default();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SampleConfig>(&text).unwrap(), config);
        assert!(serde_json::from_str::<SampleConfig>(r#"{"fim": 1}"#).is_err());
    }
}
