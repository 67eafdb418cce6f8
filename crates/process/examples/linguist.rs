//! Writes `data/linguist.json` from linguist's own YAML files.
//!
//! Run it as `cargo run -p codelupe-process --example linguist -- DIR VERSION COMMIT`, where DIR holds
//! `languages.yml`, `heuristics.yml` and `vendor.yml` of linguist's folder `lib/linguist`, and VERSION and COMMIT
//! say where they come from. Patterns are put into the syntax of the `regex` crate; the few with look-around are
//! marked so that they run on `fancy-regex`. A pattern that neither takes is an error unless [`REWRITTEN`] has it.

#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Patterns that neither engine takes: the first word that tells it, and our own pattern for the same texts.
const REWRITTEN: &[(&str, &str)] = &[(
    // Ruby calls a named group again (`\g<version>`); the group is written out twice here.
    "\\g<version>",
    concat!(
        r"\A\[(?:[Aa]d[Bb]lock(?:[ \t][Pp]lus)?|u[Bb]lock(?:[ \t][Oo]rigin)?|[Aa]d[Gg]uard)(?:[ \t]\d+(?:\.\d+)*)?",
        r"(?:[ \t]?;[ \t]?(?:[Aa]d[Bb]lock(?:[ \t][Pp]lus)?|u[Bb]lock(?:[ \t][Oo]rigin)?|[Aa]d[Gg]uard)(?:[ \t]\d+(?:\.\d+)*)?)*\]",
    ),
)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(version), Some(commit)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: linguist DIR VERSION COMMIT".into());
    };
    let facts = facts(Path::new(&dir), version, commit)?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/linguist.json");
    fs::write(&target, serde_json::to_string(&facts)? + "\n")?;
    println!(
        "{} languages, {} patterns ({} with look-around), {} vendor patterns",
        facts.languages.len(),
        facts.patterns.len(),
        facts.patterns.iter().filter(|pattern| pattern.fancy).count(),
        facts.vendor.len()
    );
    Ok(())
}

fn facts(dir: &Path, version: String, commit: String) -> Result<Facts, Box<dyn Error>> {
    let languages: BTreeMap<String, LanguageYaml> =
        serde_norway::from_str(&fs::read_to_string(dir.join("languages.yml"))?)?;
    let heuristics: HeuristicsYaml = serde_norway::from_str(&fs::read_to_string(dir.join("heuristics.yml"))?)?;
    let vendor: Vec<String> = serde_norway::from_str(&fs::read_to_string(dir.join("vendor.yml"))?)?;
    let mut patterns = Patterns::default();
    let disambiguations = heuristics
        .disambiguations
        .into_iter()
        .map(|block| {
            let rules = block
                .rules
                .iter()
                .map(|rule| patterns.rule(rule, &heuristics.named_patterns));
            Ok(Disambiguation {
                rules: rules.collect::<Result<_, Box<dyn Error>>>()?,
                extensions: block.extensions,
            })
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    Ok(Facts {
        version,
        commit,
        languages: languages.into_iter().map(|(name, yaml)| yaml.into_fact(name)).collect(),
        disambiguations,
        patterns: patterns.table,
        vendor,
    })
}

/// The patterns met so far, each once.
#[derive(Default)]
struct Patterns {
    table: Vec<Pattern>,
}

impl Patterns {
    fn rule(&mut self, rule: &RuleYaml, named: &BTreeMap<String, OneOrMany>) -> Result<Rule, Box<dyn Error>> {
        let mut conditions = Vec::new();
        for part in rule.and.iter().flatten().chain([rule]) {
            let named_pattern = part
                .named_pattern
                .as_ref()
                .map(|name| named.get(name).ok_or("no such named pattern"));
            for pattern in part.pattern.iter().chain(named_pattern.transpose()?) {
                conditions.push(Condition {
                    pattern: self.index(pattern)?,
                    negative: false,
                });
            }
            if let Some(pattern) = &part.negative_pattern {
                conditions.push(Condition {
                    pattern: self.index(pattern)?,
                    negative: true,
                });
            }
        }
        let language = rule.language.as_ref().ok_or("a rule without language")?;
        Ok(Rule {
            language: language.parts()[0].clone(),
            conditions,
        })
    }

    fn index(&mut self, pattern: &OneOrMany) -> Result<usize, Box<dyn Error>> {
        let text = match pattern.parts() {
            [one] => in_rust_syntax(one),
            many => many
                .iter()
                .map(|part| format!("(?:{})", in_rust_syntax(part)))
                .collect::<Vec<_>>()
                .join("|"),
        };
        if let Some(known) = self.table.iter().position(|pattern| pattern.text == text) {
            return Ok(known);
        }
        let plain = regex::bytes::RegexBuilder::new(&text)
            .multi_line(true)
            .unicode(false)
            .build();
        if let Err(error) = &plain {
            fancy_regex::Regex::new(&format!("(?m){text}")).map_err(|fancy| format!("{text}\n{error}\n{fancy}"))?;
        }
        self.table.push(Pattern {
            text,
            fancy: plain.is_err(),
        });
        Ok(self.table.len() - 1)
    }
}

/// Ruby's dialect to Rust's: `^` and `$` always match at lines (the reader sets that), and `m` means that a dot
/// matches a line feed.
fn in_rust_syntax(ruby: &str) -> String {
    if let Some((_, ours)) = REWRITTEN.iter().find(|(mark, _)| ruby.contains(mark)) {
        return (*ours).to_owned();
    }
    ruby.replace("(?im)", "(?is)")
        .replace("(?m)", "(?s)")
        .replace("(?-m)", "(?-s)")
        .replace("\\h", "[0-9a-fA-F]")
}

#[derive(Deserialize)]
struct LanguageYaml {
    r#type: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    extensions: Vec<String>,
    #[serde(default)]
    filenames: Vec<String>,
    #[serde(default)]
    interpreters: Vec<String>,
}

impl LanguageYaml {
    fn into_fact(self, name: String) -> LanguageFact {
        let Self {
            r#type,
            aliases,
            extensions,
            filenames,
            interpreters,
        } = self;
        LanguageFact {
            name,
            r#type,
            aliases,
            extensions,
            filenames,
            interpreters,
        }
    }
}

#[derive(Deserialize)]
struct HeuristicsYaml {
    disambiguations: Vec<DisambiguationYaml>,
    named_patterns: BTreeMap<String, OneOrMany>,
}

#[derive(Deserialize)]
struct DisambiguationYaml {
    extensions: Vec<String>,
    rules: Vec<RuleYaml>,
}

#[derive(Deserialize)]
struct RuleYaml {
    language: Option<OneOrMany>,
    pattern: Option<OneOrMany>,
    negative_pattern: Option<OneOrMany>,
    named_pattern: Option<String>,
    and: Option<Vec<RuleYaml>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn parts(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

// What is written; `src/language/facts.rs` reads it.

#[derive(Serialize)]
struct Facts {
    version: String,
    commit: String,
    languages: Vec<LanguageFact>,
    disambiguations: Vec<Disambiguation>,
    patterns: Vec<Pattern>,
    vendor: Vec<String>,
}

#[derive(Serialize)]
struct LanguageFact {
    name: String,
    r#type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filenames: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interpreters: Vec<String>,
}

#[derive(Serialize)]
struct Disambiguation {
    extensions: Vec<String>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    language: String,
    conditions: Vec<Condition>,
}

#[derive(Serialize)]
struct Condition {
    pattern: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    negative: bool,
}

#[derive(Serialize)]
struct Pattern {
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fancy: bool,
}
