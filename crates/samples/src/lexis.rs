//! The strings and comments of a language, as far as brackets in them must not be counted.

use codelupe_core::Language;

/// The longest string that is looked for, in bytes; a longer one is taken as plain text. It bounds the work on a text that
/// begins one again and again and never ends it.
const MAX_LITERAL: usize = 1 << 12;

/// The most `#` around a raw string of Rust that are looked for; the language allows 255, and nobody uses over three.
const MAX_HASHES: usize = 16;

/// How a language writes strings and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lexis {
    /// `//`, `/* */`, `"…"` and `'…'` in one line: C, C++, Java, C#, …
    C,
    /// As C, and `` `…` `` over lines: JavaScript, TypeScript, Go.
    Backtick,
    /// As C, with `'a` for a lifetime, strings over lines and `r#"…"#`.
    Rust,
    /// `#`, strings in one line, and strings in three quotes over lines.
    Python,
    /// Unknown: all brackets are counted.
    Plain,
}

/// What stands at a place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Plain,
    Break,
    Open,
    Close,
    /// A string, which may go over lines.
    Literal,
    /// A comment, which may go over lines.
    Comment,
}

impl Lexis {
    /// How a language writes them.
    pub(crate) fn of(language: &Language) -> Self {
        match language.as_str() {
            "C" | "C++" | "Objective-C" | "Java" | "C#" | "PHP" | "Swift" | "Kotlin" | "Scala" | "Dart" | "CUDA" => {
                Self::C
            }
            "JavaScript" | "TypeScript" | "TSX" | "Go" | "Vue" | "Svelte" => Self::Backtick,
            "Rust" => Self::Rust,
            "Python" | "Ruby" | "Shell" | "YAML" | "TOML" | "R" | "Julia" | "Perl" | "Elixir" => Self::Python,
            _ => Self::Plain,
        }
    }

    /// What begins at `at`, which is inside of `bytes`, and where it ends. A quote that does not close is plain text.
    pub(crate) fn token(self, bytes: &[u8], at: usize) -> (Token, usize) {
        let found = |token: Token, length: Option<usize>| match length {
            Some(length) => (token, at + length),
            None => (Token::Plain, at + 1),
        };
        match bytes[at] {
            b'\n' => (Token::Break, at + 1),
            b'(' | b'[' | b'{' => (Token::Open, at + 1),
            b')' | b']' | b'}' => (Token::Close, at + 1),
            b'/' if self.is_c_like() => found(Token::Comment, slash(&bytes[at..])),
            b'#' if self == Self::Python => found(Token::Comment, Some(line_length(&bytes[at..]))),
            b'"' | b'\'' | b'`' if self != Self::Plain => found(Token::Literal, self.quote(&bytes[at..])),
            b'r' if self == Self::Rust => found(Token::Literal, raw(bytes, at)),
            byte if byte.is_ascii_alphanumeric() || byte == b' ' => (Token::Plain, run(bytes, at, self)),
            _ => (Token::Plain, at + 1),
        }
    }

    const fn is_c_like(self) -> bool {
        matches!(self, Self::C | Self::Backtick | Self::Rust)
    }

    /// The length of a string that begins `bytes`.
    fn quote(self, bytes: &[u8]) -> Option<usize> {
        let mark = bytes[0];
        match (self, mark) {
            (Self::Python, b'"' | b'\'') if bytes.starts_with(&[mark; 3]) => {
                memchr::memmem::find(&bytes[3..], &[mark; 3]).map(|at| at + 6)
            }
            (Self::Rust, b'\'') => rust_character(bytes),
            (Self::Rust, b'"') | (Self::Backtick, b'`') => closed(bytes, mark, true),
            (_, b'`') => None,
            _ => closed(bytes, mark, false),
        }
    }
}

/// Where the letters, digits and blanks that begin at `at` end; in Rust before an `r` that may begin a raw string.
fn run(bytes: &[u8], at: usize, lexis: Lexis) -> usize {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_');
    let end = at
        + bytes[at..]
            .iter()
            .position(|byte| !plain(byte))
            .unwrap_or(bytes.len() - at);
    if lexis == Lexis::Rust && end > at + 1 && bytes[end - 1] == b'r' {
        end - 1
    } else {
        end
    }
}

/// The length of a comment that begins with a slash.
fn slash(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1) {
        Some(b'/') => Some(line_length(bytes)),
        Some(b'*') => {
            let end = memchr::memmem::find(&bytes[2..], b"*/");
            Some(end.map_or(bytes.len(), |end| end + 4))
        }
        _ => None,
    }
}

/// The length up to the line break.
fn line_length(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())
}

/// The length of a string with backslashes, up to its closing mark.
fn closed(bytes: &[u8], mark: u8, over_lines: bool) -> Option<usize> {
    let bytes = &bytes[..bytes.len().min(MAX_LITERAL)];
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !over_lines => return None,
            byte if byte == mark => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The length of a character literal of Rust; none where the quote begins a lifetime.
fn rust_character(bytes: &[u8]) -> Option<usize> {
    if bytes.get(1) == Some(&b'\\') {
        return closed(&bytes[..bytes.len().min(16)], b'\'', false);
    }
    // One character of one to four bytes.
    (2..=5)
        .find(|&at| bytes.get(at) == Some(&b'\''))
        .map(|at| at + 1)
        .filter(|&length| length == 3 || bytes[1] >= 0x80)
}

/// The length of a raw string of Rust that begins at `at`.
fn raw(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && (bytes[at - 1].is_ascii_alphanumeric() && bytes[at - 1] != b'b' || bytes[at - 1] == b'_') {
        return None;
    }
    let rest = &bytes[at..bytes.len().min(at + MAX_LITERAL)];
    let hashes = rest[1..]
        .iter()
        .take(MAX_HASHES)
        .take_while(|&&byte| byte == b'#')
        .count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut closing = [b'#'; MAX_HASHES + 1];
    closing[0] = b'"';
    let body = &rest[hashes + 2..];
    memchr::memmem::find(body, &closing[..=hashes]).map(|end| hashes + 2 + end + 1 + hashes)
}
