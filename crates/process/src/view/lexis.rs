//! How a language writes comments and literals.

use memchr::memmem;

use super::literal::Literal::{self, At, Character, Delimited, Hashes, Line, Lines, Regex, Triple, Verbatim};
use crate::syntax::{Comments, comments};

/// What the lexer knows of a language.
#[derive(Debug)]
pub(super) struct Lexis {
    /// The comment marks.
    pub(super) comments: Comments,
    /// Comments over lines may hold others.
    pub(super) nested: bool,
    /// A mark counts only at the begin of a line and after a blank: elsewhere it is an operator or part of a word.
    pub(super) after_blank: bool,
    /// The literals, beginning with those that more than one byte is needed to recognize.
    pub(super) literals: &'static [Literal],
}

const C: &[Literal] = &[Line(b'"'), Character];
const TWO_QUOTES: &[Literal] = &[Line(b'"'), Line(b'\'')];
const TRIPLES: &[Literal] = &[Triple(b'"'), Triple(b'\''), Line(b'"'), Line(b'\'')];

impl Lexis {
    /// What is known of a language by linguist's name, and of this text in it. `None` for languages without comments, for
    /// those where a mark may be something else, such as `#` in assembly, and for those that are not listed.
    pub(super) fn of(language: &str, text: &str) -> Option<Self> {
        let literals: &'static [Literal] = match language {
            "C" | "Objective-C" | "Objective-C++" | "OpenCL" | "GLSL" | "HLSL" | "Metal" | "Protocol Buffer"
            | "Thrift" | "Solidity" | "Verilog" | "SystemVerilog" | "Haxe" | "Vala" | "Ada" | "VHDL" | "Haskell"
            | "Elm" | "PureScript" | "Agda" | "Idris" => C,
            "C++" | "Cuda" => &[Delimited, Line(b'"'), Character],
            "C#" => &[At, Triple(b'"'), Line(b'"'), Character],
            "Java" | "Kotlin" | "Scala" | "Swift" => &[Triple(b'"'), Line(b'"'), Character],
            "Groovy" | "Gradle" | "Python" | "Cython" | "Starlark" | "TOML" | "Dart" | "GDScript" => TRIPLES,
            "Rust" => &[Hashes, Lines(b'"'), Character],
            "Go" => &[Verbatim(b'`'), Line(b'"'), Character],
            "JavaScript" | "TypeScript" | "TSX" | "JSX" => &[Regex, Lines(b'`'), Line(b'"'), Line(b'\'')],
            "PHP" if memmem::find(text.as_bytes(), b"?>").is_none() => &[Lines(b'"'), Lines(b'\'')],
            "Ruby" | "Crystal" | "R" => &[Lines(b'"'), Lines(b'\'')],
            "Shell" | "Fish" | "Awk" => &[Lines(b'"'), Verbatim(b'\'')],
            "Elixir" => &[Triple(b'"'), Lines(b'"'), Line(b'\'')],
            "Julia" => &[Triple(b'"'), Lines(b'"'), Character],
            "Nim" | "GraphQL" => &[Triple(b'"'), Line(b'"')],
            "CSS" | "Lua" | "Luau" | "YAML" | "CMake" | "Makefile" | "Dockerfile" | "Meson" | "Erlang" | "Fortran"
            | "Fortran Free Form" => TWO_QUOTES,
            "HCL" | "Clojure" | "Emacs Lisp" | "Common Lisp" | "Scheme" | "Racket" => &[Lines(b'"')],
            "SQL" | "PLSQL" | "PLpgSQL" | "TSQL" | "SQLPL" | "PowerShell" => &[Verbatim(b'"'), Verbatim(b'\'')],
            "HTML" | "XML" | "SVG" | "Vue" | "Svelte" | "XSLT" | "Maven POM" | "TeX" => &[],
            _ => return None,
        };
        Some(Self {
            comments: comments(language),
            nested: matches!(
                language,
                "Rust"
                    | "Kotlin"
                    | "Scala"
                    | "Swift"
                    | "Dart"
                    | "Haskell"
                    | "Elm"
                    | "PureScript"
                    | "Agda"
                    | "Idris"
                    | "Julia"
                    | "Nim"
                    | "Common Lisp"
                    | "Scheme"
                    | "Racket"
            ),
            after_blank: matches!(
                language,
                "Ruby"
                    | "Crystal"
                    | "Shell"
                    | "Fish"
                    | "Awk"
                    | "Elixir"
                    | "YAML"
                    | "CMake"
                    | "Makefile"
                    | "Dockerfile"
                    | "Erlang"
                    | "PowerShell"
                    | "PHP"
                    | "Clojure"
                    | "Emacs Lisp"
            ),
            literals,
        })
    }

    /// The bytes that a comment or literal may begin with.
    pub(super) fn opening_bytes(&self) -> [bool; 256] {
        let mut opening = [false; 256];
        let marks = self.comments.line.iter().copied();
        let marks = marks.chain(self.comments.block.map(|(open, _)| open));
        let marks = marks.filter_map(|mark| mark.as_bytes().first().copied());
        for byte in marks.chain(self.literals.iter().map(|literal| literal.opening())) {
            opening[usize::from(byte)] = true;
        }
        opening
    }
}
