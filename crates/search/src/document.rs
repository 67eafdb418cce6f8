//! What goes into the index.

use serde::{Deserialize, Serialize};

/// The most bytes of one text that are indexed and stored; the rest of a longer one is left out.
///
/// It bounds the memory that one document takes; the size limit of fetching lies well below it.
pub(crate) const MAX_TEXT_BYTES: usize = 8 << 20;

/// One file of a corpus build.
#[derive(Debug, Clone, Copy)]
pub struct FileDocument<'a> {
    /// The name of its repository.
    pub repository: &'a str,
    /// Its path in the repository, with `/` between segments.
    pub path: &'a str,
    /// Its language, by linguist's name.
    pub language: &'a str,
    /// Its license as an SPDX expression; empty when none is known.
    pub license: &'a str,
    /// Its quality score, 0 to 100.
    pub quality: u8,
    /// Its size in bytes.
    pub bytes: u64,
    /// The git id of its content in hexadecimal.
    pub blob: &'a str,
    /// Its content; of more than 8 MiB only the start is indexed.
    pub text: &'a str,
}

/// One repository of a corpus build.
#[derive(Debug, Clone, Copy)]
pub struct RepositoryDocument<'a> {
    /// Its name.
    pub name: &'a str,
    /// The kind of place it comes from, such as `git` or `folder`.
    pub forge: &'a str,
    /// The address it was found at, without credentials.
    pub origin: &'a str,
    /// Its license as an SPDX expression; empty when none is known.
    pub license: &'a str,
    /// Its languages, the largest first.
    pub languages: &'a [String],
    /// How many of its files the build holds.
    pub files: u64,
    /// How many bytes these files have.
    pub bytes: u64,
    /// The text of its readme; empty when it has none. Of more than 8 MiB only the start is indexed.
    pub readme: &'a str,
}

/// What a document or a hit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One file.
    File,
    /// One repository.
    Repository,
}

impl Kind {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Repository => "repository",
        }
    }
}

/// What is stored of a document beside its text, as JSON: part of the index format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) repository: String,
    pub(crate) path: String,
    pub(crate) language: String,
    pub(crate) license: String,
    pub(crate) bytes: u64,
    pub(crate) blob: Option<String>,
    pub(crate) quality: Option<u8>,
    pub(crate) files: Option<u64>,
    pub(crate) forge: Option<String>,
    pub(crate) origin: Option<String>,
}

impl From<&FileDocument<'_>> for Record {
    fn from(file: &FileDocument<'_>) -> Self {
        Self {
            kind: Kind::File,
            repository: file.repository.to_owned(),
            path: file.path.to_owned(),
            language: file.language.to_owned(),
            license: file.license.to_owned(),
            bytes: file.bytes,
            blob: Some(file.blob.to_owned()),
            quality: Some(file.quality),
            files: None,
            forge: None,
            origin: None,
        }
    }
}

impl From<&RepositoryDocument<'_>> for Record {
    fn from(repository: &RepositoryDocument<'_>) -> Self {
        Self {
            kind: Kind::Repository,
            repository: repository.name.to_owned(),
            path: String::new(),
            language: repository.languages.first().cloned().unwrap_or_default(),
            license: repository.license.to_owned(),
            bytes: repository.bytes,
            blob: None,
            quality: None,
            files: Some(repository.files),
            forge: Some(repository.forge.to_owned()),
            origin: Some(repository.origin.to_owned()),
        }
    }
}

/// The start of `text` that is indexed.
pub(crate) fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = format!("a{}", "ö".repeat(MAX_TEXT_BYTES / 2));
        assert_eq!(bounded(&long).len(), MAX_TEXT_BYTES - 1);
        assert_eq!(bounded("short"), "short");
    }
}
