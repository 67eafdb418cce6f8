//! What linguist knows: names, extensions, interpreters, aliases, patterns; read once from `data/linguist.json`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use codelupe_core::Language;
use serde::Deserialize;

use super::pattern::Pattern;
use crate::error::{Error, ErrorKind};

/// The facts, as `examples/linguist.rs` wrote them; the file names the version and commit of linguist.
const JSON: &str = include_str!("../../data/linguist.json");

static FACTS: OnceLock<Facts> = OnceLock::new();

/// The facts, parsed on the first call.
///
/// # Errors
/// [`ErrorKind::EmbeddedData`] when the file does not parse, which a test of this crate rules out.
pub fn load() -> Result<&'static Facts, Error> {
    if let Some(facts) = FACTS.get() {
        return Ok(facts);
    }
    let raw: Raw<'static> = serde_json::from_str(JSON).map_err(|error| {
        Error::new(ErrorKind::EmbeddedData, "the table of languages does not parse").with_source(error)
    })?;
    Ok(FACTS.get_or_init(|| Facts::new(raw)))
}

/// What a language is for, as linguist sorts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It makes a machine do something.
    Programming,
    /// It marks up text or describes a layout, such as HTML, CSS, TeX.
    Markup,
    /// It holds data or settings, such as JSON, YAML, CSV.
    Data,
    /// It is read by people, such as Markdown or plain text.
    Prose,
}

/// A language by its place in the table, which is in the order of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageId(u16);

/// The table of languages with its indexes.
#[derive(Debug)]
pub struct Facts {
    version: &'static str,
    commit: &'static str,
    languages: Vec<RawLanguage<'static>>,
    names: HashMap<&'static str, LanguageId>,
    aliases: HashMap<String, LanguageId>,
    file_names: HashMap<&'static str, Vec<LanguageId>>,
    extensions: HashMap<String, Vec<LanguageId>>,
    interpreters: HashMap<&'static str, Vec<LanguageId>>,
    manual_pages: Vec<LanguageId>,
    /// For an extension, its place in `disambiguations`.
    disambiguated: HashMap<&'static str, usize>,
    disambiguations: Vec<RawDisambiguation<'static>>,
    pub(super) patterns: Vec<Pattern>,
    vendor: Vec<Cow<'static, str>>,
}

impl Facts {
    /// The version and the commit of linguist that the facts come from.
    pub fn source(&self) -> (&'static str, &'static str) {
        (self.version, self.commit)
    }

    /// The name of a language.
    pub fn name(&self, id: LanguageId) -> &'static str {
        self.languages[usize::from(id.0)].name
    }

    /// The language itself.
    pub fn language(&self, id: LanguageId) -> Language {
        Language::known(self.name(id))
    }

    /// What a language is for.
    pub fn kind(&self, id: LanguageId) -> Kind {
        self.languages[usize::from(id.0)].kind
    }

    /// The language of this exact name.
    pub fn by_name(&self, name: &str) -> Option<LanguageId> {
        self.names.get(name).copied()
    }

    /// linguist's patterns for paths of third-party code.
    pub fn vendor_patterns(&self) -> impl Iterator<Item = &str> {
        self.vendor.iter().map(AsRef::as_ref)
    }

    /// The language of this name or alias, in lower case, with spaces as they are or as `-`.
    pub(super) fn by_alias(&self, lower: &str) -> Option<LanguageId> {
        self.aliases.get(lower).copied()
    }

    pub(super) fn by_file_name(&self, file_name: &str) -> &[LanguageId] {
        self.file_names.get(file_name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn by_interpreter(&self, interpreter: &str) -> &[LanguageId] {
        self.interpreters.get(interpreter).map_or(&[], Vec::as_slice)
    }

    /// The longest known extension of a name in lower case, with its languages.
    pub(super) fn by_extension<'n>(&self, lower: &'n str) -> Option<(&'n str, &[LanguageId])> {
        extensions_of(lower).find_map(|extension| Some((extension, self.extensions.get(extension)?.as_slice())))
    }

    /// Whether linguist lists `extension` first for this language.
    pub(super) fn is_primary(&self, id: LanguageId, extension: &str) -> bool {
        let first = self.languages[usize::from(id.0)].extensions.first();
        first.is_some_and(|first| first.eq_ignore_ascii_case(extension))
    }

    pub(super) fn manual_pages(&self) -> &[LanguageId] {
        &self.manual_pages
    }

    pub(super) fn disambiguation(&self, lower: &str) -> Option<&RawDisambiguation<'static>> {
        let place = extensions_of(lower).find_map(|extension| self.disambiguated.get(extension))?;
        self.disambiguations.get(*place)
    }

    fn new(raw: Raw<'static>) -> Self {
        let mut facts = Self {
            version: raw.version,
            commit: raw.commit,
            languages: Vec::new(),
            names: HashMap::new(),
            aliases: HashMap::new(),
            file_names: HashMap::new(),
            extensions: HashMap::new(),
            interpreters: HashMap::new(),
            manual_pages: Vec::new(),
            disambiguated: HashMap::new(),
            disambiguations: Vec::new(),
            patterns: raw
                .patterns
                .into_iter()
                .map(|raw| Pattern::new(raw.text, raw.fancy))
                .collect(),
            vendor: raw.vendor,
        };
        for (language, id) in raw.languages.iter().zip(0..) {
            facts.index(language, LanguageId(id));
        }
        facts.languages = raw.languages;
        facts.manual_pages = ["Roff Manpage", "Roff"]
            .iter()
            .filter_map(|name| facts.by_name(name))
            .collect();
        for (place, block) in raw.disambiguations.iter().enumerate() {
            for extension in &block.extensions {
                facts.disambiguated.entry(extension).or_insert(place);
            }
        }
        facts.disambiguations = raw.disambiguations;
        facts
    }

    fn index(&mut self, language: &RawLanguage<'static>, id: LanguageId) {
        self.names.insert(language.name, id);
        let lower = language.name.to_lowercase();
        self.aliases.insert(lower.replace(' ', "-"), id);
        self.aliases.insert(lower, id);
        for alias in &language.aliases {
            self.aliases.insert((*alias).to_owned(), id);
        }
        for file_name in &language.filenames {
            self.file_names.entry(file_name).or_default().push(id);
        }
        for extension in &language.extensions {
            let ids = self.extensions.entry(extension.to_lowercase()).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        for interpreter in &language.interpreters {
            self.interpreters.entry(interpreter).or_default().push(id);
        }
    }
}

/// `a.b.c` has the extensions `.b.c` and `.c`, the longest first.
fn extensions_of(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(dot, _)| &name[dot..])
}

#[derive(Deserialize)]
struct Raw<'j> {
    version: &'j str,
    commit: &'j str,
    #[serde(borrow)]
    languages: Vec<RawLanguage<'j>>,
    #[serde(borrow)]
    disambiguations: Vec<RawDisambiguation<'j>>,
    #[serde(borrow)]
    patterns: Vec<RawPattern<'j>>,
    #[serde(borrow)]
    vendor: Vec<Cow<'j, str>>,
}

#[derive(Debug, Deserialize)]
struct RawLanguage<'j> {
    name: &'j str,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow, default)]
    aliases: Vec<&'j str>,
    #[serde(borrow, default)]
    extensions: Vec<&'j str>,
    #[serde(borrow, default)]
    filenames: Vec<&'j str>,
    #[serde(borrow, default)]
    interpreters: Vec<&'j str>,
}

/// The rules that tell languages of the same extension apart: the first whose conditions all hold wins.
#[derive(Debug, Deserialize)]
pub(super) struct RawDisambiguation<'j> {
    #[serde(borrow)]
    extensions: Vec<&'j str>,
    #[serde(borrow)]
    pub(super) rules: Vec<RawRule<'j>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawRule<'j> {
    pub(super) language: &'j str,
    pub(super) conditions: Vec<RawCondition>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawCondition {
    pub(super) pattern: usize,
    #[serde(default)]
    pub(super) negative: bool,
}

#[derive(Deserialize)]
struct RawPattern<'j> {
    #[serde(borrow)]
    text: Cow<'j, str>,
    #[serde(default)]
    fancy: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_whole() {
        let facts = load().unwrap();
        assert_eq!(facts.source().1.len(), 40);
        assert!(facts.languages.len() > 700, "{}", facts.languages.len());
        assert_eq!(facts.kind(facts.by_name("Rust").unwrap()), Kind::Programming);
        assert_eq!(facts.kind(facts.by_name("YAML").unwrap()), Kind::Data);
        for block in &facts.disambiguations {
            for rule in &block.rules {
                assert!(facts.by_name(rule.language).is_some(), "{}", rule.language);
                assert!(
                    rule.conditions
                        .iter()
                        .all(|condition| condition.pattern < facts.patterns.len())
                );
            }
        }
    }

    #[test]
    fn extensions_come_longest_first() {
        let all: Vec<_> = extensions_of("a.d.ts").collect();
        assert_eq!(all, [".d.ts", ".ts"]);
        assert_eq!(extensions_of("makefile").count(), 0);
    }
}
