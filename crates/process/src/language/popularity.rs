//! Which of two languages is likelier when nothing else tells them apart.

/// Languages from most to least common.
///
/// Our own order. Its core is linguist's list of popular languages; the rest are languages whose extensions others
/// share. It matters only when file name, shebang, heuristics and primary extensions
/// leave several candidates.
const ORDER: &[&str] = &[
    "JavaScript",
    "C",
    "Java",
    "Markdown",
    "PHP",
    "HTML",
    "C++",
    "Python",
    "TypeScript",
    "C#",
    "Go",
    "JSON",
    "CSS",
    "YAML",
    "XML",
    "Ruby",
    "Shell",
    "SQL",
    "Swift",
    "Kotlin",
    "Rust",
    "Dart",
    "Objective-C",
    "Scala",
    "Lua",
    "Haskell",
    "Perl",
    "R",
    "TeX",
    "PowerShell",
    "Elixir",
    "Groovy",
    "CoffeeScript",
    "Clojure",
    "MATLAB",
    "Julia",
    "Erlang",
    "Text",
    "Makefile",
    "Assembly",
    "Fortran",
    "Pascal",
    "Verilog",
    "VHDL",
    "OCaml",
    "F#",
    "Common Lisp",
    "Scheme",
    "Emacs Lisp",
    "Prolog",
    "Tcl",
    "Visual Basic .NET",
    "VBA",
    "D",
    "GLSL",
    "Smalltalk",
    "Standard ML",
    "Solidity",
    "Ada",
    "Wolfram Language",
    "INI",
    "Roff",
];

/// The place of a language in the order; languages that are not in it all come last.
pub(super) fn rank(name: &str) -> usize {
    ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::load;

    #[test]
    fn the_order_names_known_languages_once() {
        for (place, name) in ORDER.iter().enumerate() {
            assert!(load().unwrap().by_name(name).is_some(), "{name}");
            assert_eq!(rank(name), place, "{name} is listed twice");
        }
    }
}
