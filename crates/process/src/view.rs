//! Which part of a text is compared to find near-duplicates.

mod abstraction;
mod lexer;
mod lexis;
mod literal;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use lexer::{Kind, lex};
use lexis::Lexis;

/// Which part of a text is compared. `docs/dedup.md` has the measurement that the default was chosen by.
///
/// Comments are recognized by a small lexer, not by a parser: it knows the comment marks of a language and how it writes literals.
/// Where it errs, a comment stays, or the rest of a line is lost. A language it does not know is compared as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The text as it is.
    Text,
    /// The text without comments, so also without license header and documentation: of line, over lines, behind code. A
    /// docstring (PEP 257, in three quotes) is documentation and left out like a comment; a comment marker in a literal is not.
    #[default]
    Code,
    /// As `Code`, with one name for all identifiers, one for all numbers and one for all string literals: equal for texts
    /// that differ in names and values alone, which clone research calls type 2 (Roy, Cordy, 2007).
    Structure,
}

impl View {
    /// What is compared of a text in a language (linguist's name). The text itself, borrowed, when there is nothing to leave
    /// out. Time and memory are linear in the text, whatever it is.
    pub fn of<'t>(self, language: Option<&str>, text: &'t str) -> Cow<'t, str> {
        let lexis = || language.and_then(|language| Lexis::of(language, text));
        match self {
            Self::Text => Cow::Borrowed(text),
            Self::Code => lexis().map_or(Cow::Borrowed(text), |lexis| code(&lexis, text)),
            Self::Structure => lexis().map_or(Cow::Borrowed(text), |lexis| {
                Cow::Owned(abstraction::structure(&lexis, text))
            }),
        }
    }
}

/// The text with a line feed in place of each comment: it parts what the comment parted, and no literal can begin or end by
/// what moves together.
fn code<'t>(lexis: &Lexis, text: &'t str) -> Cow<'t, str> {
    let mut code = String::new();
    let mut kept_from = 0;
    lex(lexis, text, |kind, range| {
        if kind == Kind::Comment {
            code.reserve(text.len() - kept_from);
            code.push_str(&text[kept_from..range.start]);
            code.push('\n');
            kept_from = range.end;
        }
    });
    if kept_from == 0 {
        return Cow::Borrowed(text);
    }
    code.push_str(&text[kept_from..]);
    Cow::Owned(code)
}

#[cfg(test)]
mod tests;
