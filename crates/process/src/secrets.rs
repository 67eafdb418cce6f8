//! Secrets and personal data in source files, replaced so that the file stays valid.
//!
//! One Aho-Corasick pass finds anchors (`ghp_`, `-----BEGIN`, `://`, `password`, `@`); only around them a rule looks closer.
//! A found body is overwritten by a filler of the same length and the same character classes: digits become `0`, letters
//! `x` or `X`, so that quotes, escapes, lines and offsets stay where they are and nothing of the secret is left but its shape.
//! The filler is the same for every secret of one shape and depends on no key, so it cannot be searched backwards.
//! Overwriting twice changes nothing: the output is never reported again.

mod assignment;
mod filler;
mod pem;
mod pii;
mod plausible;
mod rules;
mod scanner;
mod url;

use std::borrow::Cow;
use std::fmt;

use crate::Error;
use scanner::{Scanner, Span};

/// How often the output is scanned again. The second pass finds nothing on real files; an input made for it could need more.
const MAX_PASSES: usize = 4;

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedactorConfig {
    /// Keys, tokens, passwords, private keys.
    pub secrets: bool,
    /// E-mail addresses and public IPv4 addresses.
    pub pii: bool,
}

impl Default for RedactorConfig {
    fn default() -> Self {
        Self {
            secrets: true,
            pii: true,
        }
    }
}

/// One replaced place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Redaction {
    /// The stable name of what was found, such as `github_token` or `email`; one of [`kinds`].
    pub kind: &'static str,
    /// Where it starts, in bytes of the original text. The output has the same offsets.
    pub start: usize,
    /// How many bytes were overwritten or kept as structure between overwritten ones.
    pub len: usize,
}

/// A text without its secrets, and where they were. Never holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text with fillers, as long as the original; borrowed when nothing was found.
    pub text: Cow<'a, str>,
    /// The places, in order, without overlaps.
    pub found: Vec<Redaction>,
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted")
            .field("bytes", &self.text.len())
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

/// Finds and replaces secrets. Build one and share it: building compiles all rules (a few milliseconds).
#[derive(Debug)]
pub struct Redactor {
    scanner: Scanner,
}

impl Redactor {
    /// A redactor for secrets and personal data.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::EmbeddedData`] when a built-in pattern does not compile, which is a defect of this crate.
    pub fn new() -> Result<Self, Error> {
        Self::with_config(RedactorConfig::default())
    }

    /// A redactor for what `config` asks for.
    ///
    /// # Errors
    ///
    /// As [`Redactor::new`].
    pub fn with_config(config: RedactorConfig) -> Result<Self, Error> {
        Ok(Self {
            scanner: Scanner::new(config)?,
        })
    }

    /// Replaces everything found in `text`. Time is linear in the text: every anchor looks at a bounded window.
    pub fn redact<'a>(&self, text: &'a str) -> Redacted<'a> {
        let mut spans = self.scanner.scan(text);
        if spans.is_empty() {
            return Redacted {
                text: Cow::Borrowed(text),
                found: Vec::new(),
            };
        }
        let mut output = overwrite(text, &spans);
        for _ in 1..MAX_PASSES {
            let more = self.scanner.scan(&output);
            if more.is_empty() {
                break;
            }
            output = overwrite(&output, &more);
            spans.extend(more);
        }
        Redacted {
            text: Cow::Owned(output),
            found: merge(spans),
        }
    }
}

/// The names of everything that [`Redactor`] can find.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = rules::TOKENS.iter().map(|rule| rule.kind).collect();
    kinds.extend(rules::CONTEXTS.iter().map(|rule| rule.kind));
    kinds.extend([
        pem::KIND,
        url::DATABASE,
        url::CREDENTIALS,
        assignment::GENERIC,
        assignment::AWS,
    ]);
    kinds.extend([pii::EMAIL, pii::IP_ADDRESS, rules::TELEGRAM]);
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn overwrite(text: &str, spans: &[Span]) -> String {
    let mut output = text.to_owned();
    for span in spans {
        let filled = filler::fill(&output, span.start..span.end, span.style);
        output.replace_range(span.start..span.end, &filled);
    }
    output
}

/// Joins overlapping places; the first to start names the kind.
fn merge(mut spans: Vec<Span>) -> Vec<Redaction> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut found: Vec<Redaction> = Vec::with_capacity(spans.len());
    for span in spans {
        match found.last_mut() {
            Some(last) if span.start < last.start + last.len => {
                last.len = last.len.max(span.end - last.start);
            }
            _ => found.push(Redaction {
                kind: span.kind,
                start: span.start,
                len: span.end - span.start,
            }),
        }
    }
    found
}
