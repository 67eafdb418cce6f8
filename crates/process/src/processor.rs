//! Takes one content through all rules, cheap ones first.

use std::borrow::Cow;

use codelupe_core::{Language, Reason, Verdict};

use crate::config::Config;
use crate::decode::decode;
use crate::error::Error;
use crate::generated::is_generated;
use crate::language::{self, Facts, LanguageId};
use crate::minified::is_minified;
use crate::path::{PathRules, is_lock_file};
use crate::secrets::{Redaction, Redactor};
use crate::signals::Signals;
use crate::{characters, encoded, html, lines, quality, rules, syntax, tokens};

/// Judges contents; built once, shared by all threads.
#[derive(Debug)]
pub struct Processor {
    config: Config,
    facts: &'static Facts,
    paths: PathRules,
    redactor: Redactor,
}

/// What was found out about one content.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// Kept, or dropped with the reason.
    pub verdict: Verdict,
    /// The language, if processing got far enough to detect it.
    pub language: Option<Language>,
    /// The quality score, 0 to 100; 0 when a rule before it dropped the content.
    pub quality: u8,
    /// Every figure measured up to the deciding rule.
    pub signals: Signals,
    /// The text in UTF-8 without byte order mark and with secrets replaced; there exactly when kept, never empty.
    pub text: Option<String>,
    /// What was replaced in the text, in order; only for kept contents.
    pub redactions: Vec<Redaction>,
}

impl Processor {
    /// Builds a processor.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) for a setting out of range,
    /// [`ErrorKind::EmbeddedData`](crate::ErrorKind::EmbeddedData) when a compiled-in table is damaged.
    pub fn new(config: Config) -> Result<Self, Error> {
        let facts = language::load()?;
        config.validate()?;
        Ok(Self {
            config,
            facts,
            paths: PathRules::new(facts)?,
            redactor: Redactor::new()?,
        })
    }

    /// The verdict on the path inside its repository alone: vendored, a lock file, generated, or kept to be read.
    pub fn path_verdict(&self, path: &[u8]) -> Verdict {
        self.paths.verdict(path)
    }

    /// Judges a content under its base name. A pure function of both: the same content under the same name gets the
    /// same result wherever it stands.
    pub fn process(&self, file_name: &str, content: &[u8]) -> Processed {
        let mut work = Work {
            processor: self,
            file_name,
            language: None,
            signals: Signals {
                bytes: content.len() as u64,
                ..Signals::default()
            },
            quality: 0,
        };
        match work.judge(content) {
            Ok(text) => {
                let redacted = self.redactor.redact(&text);
                let redactions = redacted.found;
                let text = redacted.text.into_owned();
                work.finish(Verdict::Kept, Some(text), redactions)
            }
            Err(reason) => work.finish(Verdict::Dropped(reason), None, Vec::new()),
        }
    }
}

/// One content in processing.
struct Work<'w> {
    processor: &'w Processor,
    file_name: &'w str,
    language: Option<LanguageId>,
    signals: Signals,
    quality: u8,
}

impl Work<'_> {
    /// The text of a content that no rule drops, or the reason of the first that does.
    fn judge<'c>(&mut self, content: &'c [u8]) -> Result<Cow<'c, str>, Reason> {
        let config = &self.processor.config;
        if !content.is_empty() && is_lock_file(self.file_name) {
            return Err(Reason::LockFile);
        }
        let decoded = decode(content, config.max_control_share)?;
        let text = decoded.text;
        decoded.encoding.clone_into(&mut self.signals.encoding);
        let name = self.tell_language(&text)?;
        if is_generated(self.file_name, &text) {
            return Err(Reason::Generated);
        }
        if is_minified(self.file_name, &text, config.max_unminified_line) {
            return Err(Reason::Minified);
        }
        self.apply_rules(name, &text)?;
        self.rate()?;
        Ok(text)
    }

    fn tell_language(&mut self, text: &str) -> Result<&'static str, Reason> {
        let Processor { config, facts, .. } = self.processor;
        let id = language::detect(facts, self.file_name, text).ok_or(Reason::UnknownLanguage)?;
        let name = facts.name(id);
        self.language = Some(id);
        let is_wanted = config.languages.is_empty() || config.languages.iter().any(|wanted| wanted.as_str() == name);
        if is_wanted {
            Ok(name)
        } else {
            Err(Reason::ExcludedLanguage)
        }
    }

    /// The rules over figures, each figure measured just before the first rule that needs it.
    fn apply_rules(&mut self, language: &str, text: &str) -> Result<(), Reason> {
        let config = &self.processor.config;
        let signals = &mut self.signals;
        let measured = lines::lengths(text);
        signals.set_lines(&measured);
        unless(rules::lines(config, language, signals))?;
        unless(rules::prose(language, self.file_name))?;
        signals.set_characters(&characters::count(text));
        unless(rules::alphabetic(config, language, signals))?;
        signals.set_encoded(encoded::measure(text));
        unless(rules::encoded(config, signals))?;
        if language == "HTML" {
            signals.visible_text = html::visible_characters(text);
            unless(rules::visible_text(config, language, signals))?;
        }
        signals.set_lines(&lines::contents(text, measured, syntax::comments(language)));
        signals.set_tokens(&tokens::measure(text));
        unless(rules::repetition(config, signals))
    }

    fn rate(&mut self) -> Result<(), Reason> {
        let kind = self
            .language
            .map_or(language::Kind::Programming, |id| self.processor.facts.kind(id));
        self.quality = quality::score(kind, &self.signals);
        if self.quality < self.processor.config.min_quality {
            Err(Reason::LowQuality)
        } else {
            Ok(())
        }
    }

    fn finish(self, verdict: Verdict, text: Option<String>, redactions: Vec<Redaction>) -> Processed {
        Processed {
            verdict,
            language: self.language.map(|id| self.processor.facts.language(id)),
            quality: self.quality,
            signals: self.signals,
            text,
            redactions,
        }
    }
}

/// A reason as an error, so that the first one ends processing.
fn unless(reason: Option<Reason>) -> Result<(), Reason> {
    reason.map_or(Ok(()), Err)
}
