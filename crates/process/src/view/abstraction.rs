//! Names and values taken out of code.

use super::lexer::{Kind, lex};
use super::lexis::Lexis;
use crate::tokens::STRUCTURE;

/// What stands for every identifier that is no keyword.
const NAME: &str = "a";
/// What stands for every number.
const NUMBER: &str = "0";
/// What stands for every literal between quotes.
const LITERAL: &str = "\"\"";

/// The code of a text without comments, each name and value replaced by one of its kind. Keywords are those of the common
/// languages together.
pub(super) fn structure(lexis: &Lexis, text: &str) -> String {
    let mut structure = String::with_capacity(text.len() / 2);
    lex(lexis, text, |kind, range| match kind {
        Kind::Code => add_code(&mut structure, &text[range]),
        Kind::Literal => structure.push_str(LITERAL),
        Kind::Comment => structure.push('\n'),
    });
    structure
}

fn add_code(structure: &mut String, mut code: &str) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    while let Some(start) = code.find(is_word) {
        structure.push_str(&code[..start]);
        let end = code[start..]
            .find(|c| !is_word(c))
            .map_or(code.len(), |length| start + length);
        let word = &code[start..end];
        structure.push_str(match word.as_bytes()[0] {
            b'0'..=b'9' => NUMBER,
            _ if STRUCTURE.binary_search(&word).is_ok() => word,
            _ => NAME,
        });
        code = &code[end..];
    }
    structure.push_str(code);
}
