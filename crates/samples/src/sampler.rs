//! From files to samples, each by itself: the same whatever comes before or beside it.

use codelupe_core::random::Random;
use serde::{Deserialize, Serialize};

use crate::config::SampleConfig;
use crate::document::Document;
use crate::error::{Error, ErrorKind};
use crate::file::{FileTokens, file_samples};
use crate::instruction::{ChatTokens, instruction_samples};
use crate::random::of_sample;
use crate::repository::{RepositoryTokens, repository_samples};
use crate::sample::Sample;
use crate::tokenizer::Tokenizer;

/// The number of the chance that decides about a file or repository as a whole.
const DECISION: u64 = u64::MAX;

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileOutcome {
    /// It became samples of its own.
    File,
    /// It became pairs of a description and a function.
    Instructions,
    /// It is shown with the other files of its repository.
    Repository,
    /// It has fewer tokens than [`SampleConfig::min_tokens`].
    TooShort,
    /// It has more bytes than [`SampleConfig::max_file_bytes`].
    TooLarge,
}

/// Makes samples.
#[derive(Debug)]
pub struct Sampler<'a> {
    tokenizer: &'a Tokenizer,
    config: &'a SampleConfig,
    file: FileTokens,
    chat: Option<ChatTokens>,
    repository: Option<RepositoryTokens>,
}

impl<'a> Sampler<'a> {
    /// Makes samples with a tokenizer and settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where a setting is outside of its range, or samples are asked for whose special tokens the
    /// tokenizer lacks.
    pub fn new(tokenizer: &'a Tokenizer, config: &'a SampleConfig) -> Result<Self, Error> {
        config.validate()?;
        let wants = |share: f64| share > 0.0;
        Ok(Self {
            tokenizer,
            config,
            file: FileTokens::of(tokenizer, config)?,
            chat: wants(config.instruction_share)
                .then(|| ChatTokens::of(tokenizer))
                .transpose()?,
            repository: wants(config.repository_share)
                .then(|| RepositoryTokens::of(tokenizer))
                .transpose()?,
        })
    }

    /// Whether the files of a repository, of which there are `files`, are to be shown together.
    pub fn takes_whole(&self, repository: &str, files: usize) -> bool {
        files > 1 && self.repository.is_some() && self.decision(repository, "").chance(self.config.repository_share)
    }

    /// The samples of one file by itself, and what was done with it.
    ///
    /// # Errors
    /// [`ErrorKind::Tokenizer`] where it cannot be encoded.
    pub fn file(&self, document: &Document) -> Result<(Vec<Sample>, FileOutcome), Error> {
        if document.text.len() > self.config.max_file_bytes {
            return Ok((Vec::new(), FileOutcome::TooLarge));
        }
        let share = self.config.instruction_share;
        if let Some(chat) = self.chat
            && self.decision(&document.repository, &document.path).chance(share)
        {
            let samples = instruction_samples(document, chat, self.config, self.tokenizer)?;
            if !samples.is_empty() {
                return Ok((samples, FileOutcome::Instructions));
            }
        }
        let mut tokens = Vec::new();
        self.tokenizer.encode_text(&document.text, &mut tokens)?;
        if tokens.is_empty() || tokens.len() < self.config.min_tokens {
            return Ok((Vec::new(), FileOutcome::TooShort));
        }
        let samples = file_samples(document, &tokens, self.file, self.config, self.tokenizer)?;
        Ok((samples, FileOutcome::File))
    }

    /// The samples of files of one repository together, and how many files are in them; those that are too large are
    /// not. Files that are too short alone are in them, as what others use.
    ///
    /// # Errors
    /// [`ErrorKind::Tokenizer`] where one cannot be encoded; [`ErrorKind::Config`] where no repositories are asked for.
    pub fn repository(&self, files: Vec<Document>) -> Result<(Vec<Sample>, usize), Error> {
        let marks = self.repository.ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "samples of repositories need a `repository_share` over 0",
            )
        })?;
        let fitting: Vec<Document> = files
            .into_iter()
            .filter(|file| file.text.len() <= self.config.max_file_bytes)
            .collect();
        let samples = repository_samples(&fitting, marks, self.config, self.tokenizer)?;
        Ok((samples, fitting.len()))
    }

    fn decision(&self, repository: &str, path: &str) -> Random {
        of_sample(self.config.seed, repository, path, DECISION)
    }
}
