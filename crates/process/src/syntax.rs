//! How a language writes comments, as far as whole lines tell.

/// The comment marks of a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comments {
    /// What begins a comment that ends with its line.
    pub line: &'static [&'static str],
    /// What begins and ends a comment over lines.
    pub block: Option<(&'static str, &'static str)>,
    /// Whether a string of three quotes that begins a line counts as a comment (Python's docstrings).
    pub docstrings: bool,
}

const fn marks(line: &'static [&'static str], block: Option<(&'static str, &'static str)>) -> Comments {
    Comments {
        line,
        block,
        docstrings: false,
    }
}

const SLASHES: Comments = marks(&["//"], Some(("/*", "*/")));
const HASH: Comments = marks(&["#"], None);
const MARKUP: Comments = marks(&[], Some(("<!--", "-->")));
const NONE: Comments = marks(&[], None);

/// The comment marks of a language by linguist's name; languages not listed here write comments as C++ does.
pub fn comments(language: &str) -> Comments {
    match language {
        "Python" | "Cython" | "Starlark" => Comments {
            docstrings: true,
            ..HASH
        },
        "Shell" | "Elixir" | "Perl" | "R" | "YAML" | "TOML" | "Makefile" | "CMake" | "Dockerfile" | "Tcl" | "Awk"
        | "Fish" | "Crystal" | "GraphQL" | "Raku" | "Gnuplot" | "Just" | "sed" | "GDScript" | "Meson" | "Snakemake" => {
            HASH
        }
        "Ruby" => marks(&["#"], Some(("=begin", "=end"))),
        "Julia" => marks(&["#"], Some(("#=", "=#"))),
        "Nim" => marks(&["#"], Some(("#[", "]#"))),
        "Nix" | "HCL" | "Terraform Template" => marks(&["#", "//"], Some(("/*", "*/"))),
        "PowerShell" => marks(&["#"], Some(("<#", "#>"))),
        "CoffeeScript" => marks(&["#"], Some(("###", "###"))),
        "PHP" | "Hack" => marks(&["//", "#"], Some(("/*", "*/"))),
        "Haskell" | "Elm" | "PureScript" | "Agda" | "Idris" => marks(&["--"], Some(("{-", "-}"))),
        "Lua" | "Luau" => marks(&["--"], Some(("--[[", "]]"))),
        "SQL" | "PLSQL" | "PLpgSQL" | "TSQL" | "SQLPL" => marks(&["--"], Some(("/*", "*/"))),
        "Ada" | "VHDL" => marks(&["--"], None),
        "Clojure" | "Emacs Lisp" | "Assembly" | "INI" | "AutoHotkey" | "LLVM" => marks(&[";", "#"], None),
        "Common Lisp" | "Scheme" | "Racket" => marks(&[";"], Some(("#|", "|#"))),
        "TeX" | "MATLAB" | "Erlang" | "Prolog" | "PostScript" | "Mercury" => marks(&["%"], None),
        "Fortran" | "Fortran Free Form" => marks(&["!"], None),
        "Visual Basic .NET" | "VBA" | "VBScript" => marks(&["'", "Rem "], None),
        "Batchfile" => marks(&["rem ", "REM ", "::"], None),
        "Vim Script" | "Vim script" => marks(&["\""], None),
        "OCaml" | "F#" | "Standard ML" | "Rocq Prover" | "Coq" => marks(&["//"], Some(("(*", "*)"))),
        "Pascal" => marks(&["//"], Some(("{", "}"))),
        "CSS" => marks(&[], Some(("/*", "*/"))),
        "HTML" | "XML" | "SVG" | "Vue" | "Svelte" | "XSLT" | "HTML+ERB" | "Maven POM" => MARKUP,
        "Jinja" => marks(&[], Some(("{#", "#}"))),
        "JSON" | "Markdown" | "Text" | "CSV" | "TSV" | "reStructuredText" | "AsciiDoc" | "Diff" => NONE,
        _ => SLASHES,
    }
}

/// Tells comment lines from others, one line after the other.
#[derive(Debug)]
pub(crate) struct CommentLines {
    comments: Comments,
    /// What ends the comment that the last line left open.
    open: Option<&'static str>,
}

impl CommentLines {
    pub(crate) fn new(comments: Comments) -> Self {
        Self { comments, open: None }
    }

    /// Whether the next line, blanks at both ends removed, is a comment. A comment behind code does not count.
    #[inline]
    pub(crate) fn is_comment(&mut self, line: &[u8]) -> bool {
        if let Some(end) = self.open {
            if contains(line, end) {
                self.open = None;
            }
            return true;
        }
        if let Some((start, end)) = self.comments.block
            && line.starts_with(start.as_bytes())
        {
            self.open = (!contains(&line[start.len()..], end)).then_some(end);
            return true;
        }
        if self.comments.docstrings {
            for quotes in ["\"\"\"", "'''"] {
                if line.starts_with(quotes.as_bytes()) {
                    self.open = (!contains(&line[quotes.len()..], quotes)).then_some(quotes);
                    return true;
                }
            }
        }
        self.comments.line.iter().any(|mark| line.starts_with(mark.as_bytes()))
    }
}

fn contains(line: &[u8], mark: &str) -> bool {
    let mark = mark.as_bytes();
    memchr::memchr_iter(mark[0], line).any(|at| line[at..].starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, text: &str, expected: &str) {
        let mut lines = CommentLines::new(comments(language));
        let found: String = text
            .lines()
            .map(|line| {
                if lines.is_comment(line.trim().as_bytes()) {
                    '#'
                } else {
                    '.'
                }
            })
            .collect();
        assert_eq!(found, expected, "{language}: {text:?}");
    }

    #[test]
    fn comment_lines() {
        check("Rust", "// a\nfn f() {} // b\n/* c\n d */\nx", "#.##.");
        check("C", "/* one line */ x\ny\n/**\n * z\n */\n", "#.###");
        check(
            "Python",
            "# a\nx = 1\n\"\"\"Doc.\n\nmore\n\"\"\"\ny\n'''one'''\nz",
            "#.####.#.",
        );
        check("Haskell", "-- a\n{- b\nc -}\nd", "###.");
        check("HTML", "<p>\n<!-- a\nb -->\n</p>", ".##.");
        check("SQL", "-- a\nselect 1\n", "#.");
        check("Shell", "#!/bin/sh\necho\n", "#.");
        check("JSON", "{\n# no\n}", "...");
    }
}
