//! Pairs of a description and a function, from what is written about functions in code.

use codelupe_core::random::Random;

use crate::config::SampleConfig;
use crate::document::Document;
use crate::error::Error;
use crate::random::of_sample;
use crate::sample::{Draft, Sample, SampleKind};
use crate::special::Special;
use crate::syntax::{DocumentedFunction, Grammar, documented_functions};
use crate::tokenizer::Tokenizer;

/// A description with fewer characters says nothing; one with more is a manual.
const DESCRIPTION_CHARACTERS: std::ops::RangeInclusive<usize> = 20..=2000;

/// A function with fewer bytes only hands on to another.
const MIN_FUNCTION_BYTES: usize = 60;

/// Where the chances of a file's instruction samples begin, apart from those of its windows.
const FIRST_NUMBER: u64 = 1 << 32;

/// The tokens of a chat (`ChatML`, as in the chat template of Qwen2.5).
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChatTokens {
    start: u32,
    end: u32,
}

impl ChatTokens {
    /// # Errors
    /// [`crate::ErrorKind::Config`] where the tokenizer lacks one of them.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Result<Self, Error> {
        Ok(Self {
            start: tokenizer.require(Special::ImStart)?,
            end: tokenizer.require(Special::ImEnd)?,
        })
    }
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    question: String,
    answer: String,
}

/// Up to [`SampleConfig::instructions_per_file`] samples of a file, none where no function of it has a description.
///
/// # Errors
/// [`crate::ErrorKind::Tokenizer`] where a part cannot be encoded.
pub(crate) fn instruction_samples(
    document: &Document,
    chat: ChatTokens,
    config: &SampleConfig,
    tokenizer: &Tokenizer,
) -> Result<Vec<Sample>, Error> {
    let Some(grammar) = Grammar::of(&document.language) else {
        return Ok(Vec::new());
    };
    let mut functions = documented_functions(&document.text, grammar);
    let mut random = of_sample(config.seed, &document.repository, &document.path, FIRST_NUMBER);
    let mut samples = Vec::new();
    while samples.len() < config.instructions_per_file && !functions.is_empty() {
        let function = functions.swap_remove(random.below(functions.len()));
        let Some(pair) = pair(document, &function, grammar, &mut random) else {
            continue;
        };
        let draft = conversation(&pair, &config.system_prompt, chat, tokenizer)?;
        if draft.len() <= config.sequence_length {
            samples.push(draft.finish(SampleKind::Instruction, &document.language, &document.repository));
        }
    }
    Ok(samples)
}

/// A question and an answer as a chat, of which the answer and its end are learned.
fn conversation(pair: &Pair, system: &str, chat: ChatTokens, tokenizer: &Tokenizer) -> Result<Draft, Error> {
    let mut draft = Draft::default();
    let mut message = |role: &str, text: &str, learned: bool| {
        draft.push(&[chat.start], false);
        draft.append(false, |out| tokenizer.encode_text(&format!("{role}\n"), out))?;
        draft.append(learned, |out| tokenizer.encode_text(text, out))?;
        draft.push(&[chat.end], learned);
        draft.append(false, |out| tokenizer.encode_text("\n", out))
    };
    if !system.is_empty() {
        message("system", system, false)?;
    }
    message("user", &pair.question, false)?;
    message("assistant", &pair.answer, true)?;
    Ok(draft)
}

/// The pair of a function, where its description is worth asking with.
fn pair(document: &Document, found: &DocumentedFunction, grammar: Grammar, random: &mut Random) -> Option<Pair> {
    let text = &document.text;
    let description = plain_description(&text[found.description.clone()]);
    if !DESCRIPTION_CHARACTERS.contains(&description.chars().count()) {
        return None;
    }
    let code = function_text(text, found, grammar);
    if code.len() < MIN_FUNCTION_BYTES {
        return None;
    }
    let name = &text[found.name.clone()];
    let signature = text[found.function.start..found.body].trim_end().trim_end_matches(':');
    let language = document.language.as_str();
    let fence = if language == "C++" {
        "cpp".to_owned()
    } else {
        language.to_lowercase()
    };
    let question = match random.below(4) {
        0 => format!("Write a function in {language}:\n\n{description}"),
        1 => format!("Implement `{name}` in {language}.\n\n{description}"),
        2 => format!("{description}\n\nHow do I write this as a {language} function called `{name}`?"),
        _ => format!("Complete this {language} function.\n\n```{fence}\n{signature}\n```\n\n{description}"),
    };
    Some(Pair {
        question,
        answer: format!("```{fence}\n{code}\n```"),
    })
}

/// The function by itself: without its docstring, and without the indentation that all its lines share.
fn function_text(text: &str, found: &DocumentedFunction, grammar: Grammar) -> String {
    let whole = found.function.clone();
    let mut code = if grammar == Grammar::Python {
        let after = &text[found.description.end..whole.end];
        let rest = after.find('\n').map_or("", |at| &after[at + 1..]);
        let head = text[whole.start..found.description.start].trim_end_matches([' ', '\t']);
        // A docstring in the line of its `def` would take the line break with it.
        let line_break = if head.ends_with('\n') { "" } else { "\n" };
        format!("{head}{line_break}{rest}")
    } else {
        text[whole.clone()].to_owned()
    };
    let line_start = text[..whole.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line_start..whole.start];
    if !indent.is_empty() && indent.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
        code = code.replace(&format!("\n{indent}"), "\n");
    }
    code
}

/// A comment or docstring without its marks.
fn plain_description(marked: &str) -> String {
    let marked = marked.trim();
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let unquoted = marked.trim_start_matches(['r', 'R', 'u', 'U', 'f', 'F', 'b', 'B']);
    if let Some(quote) = quotes.into_iter().find(|&quote| unquoted.starts_with(quote)) {
        let inner = unquoted.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote));
        return lines_trimmed(inner.unwrap_or(unquoted).lines().map(str::trim));
    }
    lines_trimmed(marked.lines().map(|line| {
        let line = line.trim().trim_end_matches("*/");
        let mark = ["///", "//!", "//", "/**", "/*", "*"]
            .into_iter()
            .find(|&mark| line.starts_with(mark));
        line.strip_prefix(mark.unwrap_or_default()).unwrap_or(line).trim()
    }))
}

/// Lines joined, without empty ones at both ends.
fn lines_trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use codelupe_core::Language;

    use super::*;

    fn check(language: &'static str, text: &str, description: &str, name: &str, code: &str) {
        let language = Language::known(language);
        let grammar = Grammar::of(&language).unwrap();
        let found = documented_functions(text, grammar);
        assert_eq!(found.len(), 1, "{language}: {found:?}");
        assert_eq!(
            plain_description(&text[found[0].description.clone()]),
            description,
            "{language}"
        );
        assert_eq!(&text[found[0].name.clone()], name, "{language}");
        assert_eq!(function_text(text, &found[0], grammar), code, "{language}");
    }

    #[test]
    fn a_function_is_found_with_what_is_written_about_it() {
        check(
            "Rust",
            "struct S;\nimpl S {\n    /// Adds one.\n    /// Never fails.\n    #[inline]\n    pub fn f(&self) -> u8 {\n        1\n    }\n    fn g() {}\n}\n",
            "Adds one.\nNever fails.",
            "f",
            "#[inline]\npub fn f(&self) -> u8 {\n    1\n}",
        );
        check(
            "Python",
            "class A:\n    @wraps\n    def f(self):\n        \"\"\"Adds one.\n\n        To all.\n        \"\"\"\n        return 1\n\n    def g(self):\n        'nothing'\n",
            "Adds one.\n\nTo all.",
            "f",
            "@wraps\ndef f(self):\n    return 1",
        );
        check(
            "C",
            "int x;\n/* Adds\n * one. */\nint *f(int a) {\n  return a;\n}\n",
            "Adds\none.",
            "f",
            "int *f(int a) {\n  return a;\n}",
        );
        check(
            "C++",
            "// Adds one.\ntemplate <class T>\nT A::f(T a) { return a; }\n\nint g() { return 0; }\n",
            "Adds one.",
            "A::f",
            "template <class T>\nT A::f(T a) { return a; }",
        );
        check(
            "Go",
            "package p\n\n// F adds.\n// One.\nfunc (s S) F() int {\n\treturn 1\n}\n",
            "F adds.\nOne.",
            "F",
            "func (s S) F() int {\n\treturn 1\n}",
        );
        check(
            "Java",
            "class A {\n  /** Adds one. */\n  @Override\n  int f() {\n    return 1;\n  }\n  // no\n  int g() { return 2; }\n}\n",
            "Adds one.",
            "f",
            "@Override\nint f() {\n  return 1;\n}",
        );
        check(
            "JavaScript",
            "/**\n * Adds one.\n */\nexport function f(a) {\n  return a;\n}\n",
            "Adds one.",
            "f",
            "export function f(a) {\n  return a;\n}",
        );
        check(
            "TypeScript",
            "class A {\n  /** Adds one. */\n  f(a: number): number {\n    return a;\n  }\n}\n",
            "Adds one.",
            "f",
            "f(a: number): number {\n  return a;\n}",
        );
        check(
            "TypeScript",
            "const a = 1;\n/** Adds one. */\nexport const f = (a: number) => {\n  return a;\n};\n/** None. */\nconst b = 2;\n",
            "Adds one.",
            "f",
            "export const f = (a: number) => {\n  return a;\n};",
        );
        check(
            "TSX",
            "/** Adds one. */\nfunction F(a: P) {\n  return <b>{a}</b>;\n}\n",
            "Adds one.",
            "F",
            "function F(a: P) {\n  return <b>{a}</b>;\n}",
        );
    }

    #[test]
    fn a_comment_apart_from_the_function_is_not_about_it() {
        let text =
            "/// Of the one above.\n\nfn f() -> u8 {\n    1\n}\n// Not a doc comment.\nfn g() -> u8 {\n    1\n}\n";
        assert_eq!(documented_functions(text, Grammar::Rust), []);
    }

    #[test]
    fn a_text_that_is_no_code_has_no_functions() {
        for grammar in [Grammar::C, Grammar::Python, Grammar::Rust, Grammar::Tsx] {
            assert_eq!(
                documented_functions(&"({[<\"'".repeat(2000), grammar),
                [],
                "{grammar:?}"
            );
        }
    }
}
