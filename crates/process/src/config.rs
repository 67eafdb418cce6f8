//! Settings of the processor, each with its default and where that comes from.

use codelupe_core::Language;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// Thresholds of every rule. Lengths are in characters (Unicode scalar values), shares between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Files of a lower quality score (0 to 100) are dropped. Default 30: the worst of real files, by eye.
    pub min_quality: u8,
    /// Wanted languages by linguist's names; empty means all.
    pub languages: Vec<Language>,
    /// Most lines of a file. Default 100,000 (StarCoder2).
    pub max_lines: u64,
    /// Longest average line. Default 100 (StarCoder2).
    pub max_average_line: f64,
    /// Longest single line. Default 1,000 (StarCoder2).
    pub max_line: u64,
    /// Longest single line of the languages that are exempt from both limits above. Default 100,000 (StarCoder2).
    pub max_line_exempt: u64,
    /// Least share of letters. Default 0.25 (StarCoder2).
    pub min_alphabetic: f64,
    /// Longest run of encoded data. Default 1,024 (StarCoder2).
    pub max_encoded_run: u64,
    /// Largest share of encoded data. Default 0.5 (StarCoder2).
    pub max_encoded_share: f64,
    /// Most lines of a data file: Text, JSON, YAML, OWL, Graphviz. Default 512 (StarCoder2).
    pub max_data_lines: u64,
    /// Least visible text of an HTML file. Default 100 (StarCoder2).
    pub min_visible_text: u64,
    /// Least share of visible text of an HTML file. Default 0.2 (StarCoder2).
    pub min_visible_share: f64,
    /// Longest average line of a JavaScript or CSS file that is not minified, in bytes. Default 110 (linguist).
    pub max_unminified_line: u64,
    /// Largest share of control bytes among the bytes. Default 0.01 (ours).
    pub max_control_share: f64,
    /// Largest share of lines that repeat an earlier line. Default 0.7 (`RefineCode`).
    pub max_duplicate_lines: f64,
    /// Largest share of tokens inside a ten-token sequence seen before. Default 0.8
    /// (`RefineCode`'s 0.6 to 0.8, taken at its mildest because code repeats itself more than prose).
    pub max_duplicate_tokens: f64,
    /// Largest share of one word among the words. Default 0.5 (ours; the most frequent word of real files stays under a fifth).
    pub max_top_token: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_quality: 30,
            languages: Vec::new(),
            max_lines: 100_000,
            max_average_line: 100.0,
            max_line: 1_000,
            max_line_exempt: 100_000,
            min_alphabetic: 0.25,
            max_encoded_run: 1_024,
            max_encoded_share: 0.5,
            max_data_lines: 512,
            min_visible_text: 100,
            min_visible_share: 0.2,
            max_unminified_line: 110,
            max_control_share: 0.01,
            max_duplicate_lines: 0.7,
            max_duplicate_tokens: 0.8,
            max_top_token: 0.5,
        }
    }
}

impl Config {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |name: &str, range: &str| {
            Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("process.{name} must be {range}"),
            ))
        };
        if self.min_quality > 100 {
            return refuse("min_quality", "between 0 and 100");
        }
        let shares = [
            ("min_alphabetic", self.min_alphabetic),
            ("max_encoded_share", self.max_encoded_share),
            ("min_visible_share", self.min_visible_share),
            ("max_control_share", self.max_control_share),
            ("max_duplicate_lines", self.max_duplicate_lines),
            ("max_duplicate_tokens", self.max_duplicate_tokens),
            ("max_top_token", self.max_top_token),
        ];
        if let Some((name, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return refuse(name, "between 0 and 1");
        }
        if !(self.max_average_line.is_finite() && self.max_average_line > 0.0) {
            return refuse("max_average_line", "a positive number");
        }
        let counts = [
            ("max_lines", self.max_lines),
            ("max_line", self.max_line),
            ("max_line_exempt", self.max_line_exempt),
            ("max_encoded_run", self.max_encoded_run),
            ("max_data_lines", self.max_data_lines),
            ("max_unminified_line", self.max_unminified_line),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return refuse(name, "at least 1");
        }
        if let Some(unknown) = self
            .languages
            .iter()
            .find(|language| !crate::language::is_known(language))
        {
            return refuse("languages", &format!("names of linguist; `{unknown}` is none"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        assert!(Config::default().validate().is_ok());
        let good = Config::default;
        let cases = [
            (
                "min_quality",
                Config {
                    min_quality: 101,
                    ..good()
                },
            ),
            (
                "min_alphabetic",
                Config {
                    min_alphabetic: f64::NAN,
                    ..good()
                },
            ),
            (
                "max_top_token",
                Config {
                    max_top_token: 1.1,
                    ..good()
                },
            ),
            (
                "max_average_line",
                Config {
                    max_average_line: f64::INFINITY,
                    ..good()
                },
            ),
            ("max_lines", Config { max_lines: 0, ..good() }),
            (
                "languages",
                Config {
                    languages: vec![Language::named("Klingon")],
                    ..good()
                },
            ),
        ];
        for (name, config) in cases {
            let error = config.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn settings_survive_json_and_absent_ones_take_their_default() {
        let config = Config {
            min_quality: 7,
            ..Config::default()
        };
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<Config>("{}").unwrap(), Config::default());
        assert!(serde_json::from_str::<Config>(r#"{"min_qualty": 1}"#).is_err());
    }
}
