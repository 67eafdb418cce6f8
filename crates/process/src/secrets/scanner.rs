//! One pass over a text: anchors first, rules only around them.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;

use super::filler::{Style, fill};
use super::plausible::is_token_body;
use super::rules::{CONTEXT_REACH, CONTEXTS, TELEGRAM, TOKENS, has_github_checksum};
use super::{RedactorConfig, assignment, pem, pii, url};
use crate::{Error, ErrorKind};

/// How much of the text after an anchor a token rule sees, in bytes: the longest JWT that is read, and some room.
const TOKEN_REACH: usize = 4800;

/// The length of the part of a Telegram bot token after its colon, which starts with `AA`.
const TELEGRAM_SECRET_BYTES: usize = 35;

/// A place to overwrite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) kind: &'static str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) style: Style,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Token(usize),
    Context(usize),
    Telegram,
    Pem,
    Url,
    Assignment,
}

/// All rules, compiled.
#[derive(Debug)]
pub(super) struct Scanner {
    anchors: AhoCorasick,
    /// The rule of each anchor.
    rules: Vec<Rule>,
    tokens: Vec<Regex>,
    contexts: Vec<Regex>,
    pii: bool,
}

impl Scanner {
    pub(super) fn new(config: RedactorConfig) -> Result<Self, Error> {
        let (anchors, rules) = anchors(config).into_iter().unzip::<&str, Rule, Vec<_>, Vec<_>>();
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(anchors)
            .map_err(|source| defect("anchors", source))?;
        let compile = |kind: &str, pattern: &str| Regex::new(pattern).map_err(|source| defect(kind, source));
        Ok(Self {
            anchors,
            rules,
            tokens: TOKENS
                .iter()
                .map(|rule| compile(rule.kind, &format!("^{}", rule.pattern)))
                .collect::<Result<_, _>>()?,
            contexts: CONTEXTS
                .iter()
                .map(|rule| compile(rule.kind, rule.pattern))
                .collect::<Result<_, _>>()?,
            pii: config.pii,
        })
    }

    /// Everything in `text` that is not yet overwritten, in no order; places may overlap.
    pub(super) fn scan(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        let anchors = (!self.rules.is_empty()).then_some(&self.anchors);
        for hit in anchors.into_iter().flat_map(|anchors| anchors.find_iter(text)) {
            match self.rules[hit.pattern().as_usize()] {
                Rule::Token(rule) => spans.extend(self.token(text, hit.start(), rule)),
                Rule::Context(rule) => self.context(text, hit.end(), rule, &mut spans),
                Rule::Telegram => spans.extend(telegram(text, hit.start())),
                Rule::Pem => spans.extend(pem::body(text, hit.start()).map(|(start, end)| keep(pem::KIND, start, end))),
                Rule::Url => {
                    if let Some(end) = url::userinfo_end(text, hit.start()) {
                        spans.extend(url::password(text, hit.start(), end).map(|(kind, start)| hide(kind, start, end)));
                    }
                }
                Rule::Assignment => spans.extend(
                    assignment::secret(text, hit.start(), hit.end())
                        .map(|found| hide(found.kind, found.start, found.end)),
                ),
            }
        }
        if self.pii {
            pii::for_each_email(text, |start, end| spans.push(keep(pii::EMAIL, start, end)));
            pii::for_each_ip_address(text, |start, end| spans.push(keep(pii::IP_ADDRESS, start, end)));
        }
        spans.retain(|span| fill(text, span.start..span.end, span.style) != text[span.start..span.end]);
        spans
    }

    fn token(&self, text: &str, at: usize, rule: usize) -> Option<Span> {
        let kind = TOKENS[rule].kind;
        // The middle part of an old OpenAI key is its only fixed text; everything else starts at a boundary.
        let is_inner = TOKENS[rule].anchors == ["t3blbkfj"];
        if !is_inner && is_inside_word(text, at) {
            return None;
        }
        let window = &text[at..text.floor_char_boundary(at + TOKEN_REACH)];
        let body = self.tokens[rule].captures(window)?.get(1)?;
        let certain = kind == "github_token" && has_github_checksum(body.as_str());
        if !certain && !is_token_body(body.as_str()) {
            return None;
        }
        let before = if is_inner { token_bytes_before(text, at) } else { 0 };
        let start = if before > 0 { at - before } else { at + body.start() };
        Some(keep(kind, start, at + body.end()))
    }

    fn context(&self, text: &str, from: usize, rule: usize, spans: &mut Vec<Span>) {
        let window = &text[from..text.floor_char_boundary(from + CONTEXT_REACH)];
        for found in self.contexts[rule].captures_iter(window) {
            if let Some(body) = found.get(1).or_else(|| found.get(2))
                && is_token_body(body.as_str())
            {
                spans.push(keep(CONTEXTS[rule].kind, from + body.start(), from + body.end()));
            }
        }
    }
}

fn defect(rule: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        ErrorKind::EmbeddedData,
        format!("the pattern of the secret rule `{rule}` is damaged"),
    )
    .with_source(source)
}

fn anchors(config: RedactorConfig) -> Vec<(&'static str, Rule)> {
    let mut anchors = Vec::new();
    if config.secrets {
        for (at, rule) in TOKENS.iter().enumerate() {
            anchors.extend(rule.anchors.iter().map(|anchor| (*anchor, Rule::Token(at))));
        }
        for (at, rule) in CONTEXTS.iter().enumerate() {
            anchors.extend(rule.anchors.iter().map(|anchor| (*anchor, Rule::Context(at))));
        }
        anchors.extend(assignment::ANCHORS.iter().map(|anchor| (*anchor, Rule::Assignment)));
        anchors.extend([
            (pem::ANCHOR, Rule::Pem),
            (url::ANCHOR, Rule::Url),
            (":AA", Rule::Telegram),
        ]);
    }
    anchors
}

/// Digits, a colon, and 35 characters of which the first two are `AA` (Telegram Bot API, "Authorizing your bot").
fn telegram(text: &str, colon: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let digits = bytes[..colon]
        .iter()
        .rev()
        .take(11)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = bytes[colon + 1..]
        .iter()
        .take(TELEGRAM_SECRET_BYTES + 1)
        .take_while(|byte| is_body(byte))
        .count();
    let end = colon + 1 + length;
    let fits = (8..=10).contains(&digits) && length == TELEGRAM_SECRET_BYTES && bytes[colon + 1..].starts_with(b"AA");
    (fits && is_token_body(&text[colon + 1..end])).then(|| keep(TELEGRAM, colon + 1, end))
}

/// Whether the byte before `at` continues a word; the letter of an escape such as `\n` does not.
fn is_inside_word(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    match before {
        [.., b'\\', last] if last.is_ascii_alphabetic() => false,
        [.., last] => last.is_ascii_alphanumeric() || *last == b'_',
        [] => false,
    }
}

/// The bytes of an `openai_key` before its fixed middle part, up to 80.
fn token_bytes_before(text: &str, at: usize) -> usize {
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.as_bytes()[..at]
        .iter()
        .rev()
        .take(80)
        .take_while(|byte| is_body(byte))
        .count()
}

fn keep(kind: &'static str, start: usize, end: usize) -> Span {
    Span {
        kind,
        start,
        end,
        style: Style::KeepSymbols,
    }
}

fn hide(kind: &'static str, start: usize, end: usize) -> Span {
    Span {
        style: Style::HideSymbols,
        ..keep(kind, start, end)
    }
}
