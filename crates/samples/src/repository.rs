//! Samples of whole repositories: files one after the other, what is used before what uses it.

use std::collections::BTreeMap;

use codelupe_core::Language;

use crate::config::SampleConfig;
use crate::document::Document;
use crate::error::Error;
use crate::imports::dependency_order;
use crate::sample::{Draft, Sample, SampleKind};
use crate::special::Special;
use crate::tokenizer::Tokenizer;
use crate::window::windows;

/// The part of a row that the name of a repository, or the path of a file, may take; of a longer one the end is shown.
const NAME_SHARE: usize = 8;

/// The tokens that mark the parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RepositoryTokens {
    name: u32,
    file: u32,
    end: u32,
}

impl RepositoryTokens {
    /// # Errors
    /// [`crate::ErrorKind::Config`] where the tokenizer lacks one of them.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Result<Self, Error> {
        Ok(Self {
            name: tokenizer.require(Special::RepoName)?,
            file: tokenizer.require(Special::FileSep)?,
            end: tokenizer.require(Special::EndOfText)?,
        })
    }
}

/// The samples of the files of one repository, as Qwen2.5-Coder is trained (Technical Report, figure 4):
/// `<|repo_name|>{name}\n<|file_sep|>{path}\n{content}\n<|file_sep|>…<|endoftext|>`.
///
/// A sample has as many files as a row holds; each begins with the name of the repository. A file that is longer than
/// what is left begins a sample, and goes on in others where it is longer than a row, each part under its path.
///
/// # Errors
/// [`crate::ErrorKind::Tokenizer`] where a file cannot be encoded.
pub(crate) fn repository_samples(
    files: &[Document],
    marks: RepositoryTokens,
    config: &SampleConfig,
    tokenizer: &Tokenizer,
) -> Result<Vec<Sample>, Error> {
    let Some(repository) = files.first().map(|file| file.repository.as_str()) else {
        return Ok(Vec::new());
    };
    let mut writer = Writer {
        repository,
        header: named(marks.name, repository, config, tokenizer)?,
        end: marks.end,
        most: config.sequence_length,
        draft: Draft::default(),
        languages: BTreeMap::new(),
        samples: Vec::new(),
    };
    for file in dependency_order(files) {
        let document = &files[file];
        let path = named(marks.file, &document.path, config, tokenizer)?;
        let mut content = Vec::new();
        tokenizer.encode_text(&document.text, &mut content)?;
        tokenizer.encode_text("\n", &mut content)?;
        writer.file(&path, &content, &document.language, tokenizer);
    }
    writer.finish(true);
    Ok(writer.samples)
}

/// A mark, a name and a line break.
fn named(mark: u32, name: &str, config: &SampleConfig, tokenizer: &Tokenizer) -> Result<Vec<u32>, Error> {
    let mut tokens = vec![mark];
    // A token has a byte or more.
    let start = name.len().saturating_sub(config.sequence_length / NAME_SHARE);
    let shown = &name[name.ceil_char_boundary(start)..];
    tokenizer.encode_text(&format!("{shown}\n"), &mut tokens)?;
    Ok(tokens)
}

/// The samples of a repository as they are filled.
struct Writer<'a> {
    repository: &'a str,
    header: Vec<u32>,
    end: u32,
    most: usize,
    draft: Draft,
    /// The tokens of each language in the draft.
    languages: BTreeMap<&'a Language, usize>,
    samples: Vec<Sample>,
}

impl<'a> Writer<'a> {
    fn file(&mut self, path: &[u32], content: &[u32], language: &'a Language, tokenizer: &Tokenizer) {
        // One place is kept for the end of the text.
        let room = self.most - 1 - self.header.len() - path.len();
        if self.draft.len() + path.len() + content.len() >= self.most {
            self.finish(false);
        }
        for part in windows(content, room, tokenizer) {
            let tokens = &content[part];
            if self.draft.len() + path.len() + tokens.len() >= self.most {
                self.finish(false);
            }
            if self.draft.len() == 0 {
                self.draft.push(&self.header, true);
            }
            self.draft.push(path, true);
            self.draft.push(tokens, true);
            *self.languages.entry(language).or_default() += tokens.len();
        }
    }

    /// Ends a sample; the last of a repository with the end of the text.
    fn finish(&mut self, last: bool) {
        let mut draft = std::mem::take(&mut self.draft);
        let languages = std::mem::take(&mut self.languages);
        let most = languages
            .into_iter()
            .max_by_key(|&(language, tokens)| (tokens, std::cmp::Reverse(language)));
        let Some((language, _)) = most else { return };
        if last {
            draft.push(&[self.end], true);
        }
        self.samples
            .push(draft.finish(SampleKind::Repository, language, self.repository));
    }
}
