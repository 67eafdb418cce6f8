//! The input: one file of a build.

use codelupe_core::Language;

/// One file of a build, as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The full name of its repository, such as `github.com/owner/name`.
    pub repository: String,
    /// Its path inside the repository, with `/` between folders.
    pub path: String,
    /// Its language, by linguist's name.
    pub language: Language,
    /// Its whole content.
    pub text: String,
}

impl Document {
    /// The order that documents come in: by repository, then by path, both by bytes.
    pub fn sort_key(&self) -> (&str, &str) {
        (&self.repository, &self.path)
    }
}
