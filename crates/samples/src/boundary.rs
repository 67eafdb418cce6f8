//! Where a hole can be cut: brackets, lines and indentation, found without a grammar.
//!
//! A grammar reads 7 to 9 MB/s; this reads the brackets of a text, skips strings and comments, and is over ten times as
//! fast. What it finds is whole: the content between two brackets, whole statements with their blocks, the rest of a line.

use std::ops::Range;

use codelupe_core::random::Random;

use crate::lexis::{Lexis, Token};

/// How many places are tried; the one that is closest to the wanted length is taken.
const TRIES: usize = 8;

/// A hole of fewer bytes is the rest of a line.
const SHORT: usize = 32;

/// How many open brackets are looked at for the one that a closing bracket belongs to.
const MAX_UNCLOSED: usize = 64;

/// A line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    /// Where its first character that is not blank stands; its end where it has none.
    code: usize,
    /// Where it ends, before the line break.
    end: usize,
    /// The width of what stands before its code.
    indent: usize,
    /// How many brackets are open at its beginning, and the least that are open within it.
    depth: usize,
    least: usize,
    /// Whether it begins inside of a string or comment.
    inside: bool,
    /// Whether its first character begins a comment.
    comment: bool,
}

impl Line {
    const fn is_blank(self) -> bool {
        self.code == self.end
    }

    /// Whether it begins with code; licenses and other prose are not worth a hole.
    const fn begins_with_code(self) -> bool {
        !self.is_blank() && !self.inside && !self.comment
    }
}

/// The lines and brackets of a text.
#[derive(Debug)]
pub(crate) struct Outline {
    lines: Vec<Line>,
    /// What stands between two brackets, not empty, by where it ends.
    brackets: Vec<Range<usize>>,
    /// How many brackets are open at the end.
    depth: usize,
}

impl Outline {
    /// Reads a whole text of a language with the given strings and comments.
    pub(crate) fn read(text: &str, lexis: Lexis) -> Self {
        let mut reader = Reader {
            lines: vec![],
            brackets: vec![],
            open: vec![],
            least: 0,
        };
        let bytes = text.as_bytes();
        let mut at = 0;
        reader.begin_line(bytes, 0, false);
        while at < bytes.len() {
            let (token, end) = lexis.token(bytes, at);
            match token {
                Token::Plain => {}
                Token::Break => reader.begin_line(bytes, end, false),
                Token::Open => reader.open.push((bytes[at], at)),
                Token::Close => reader.close(bytes[at], at),
                Token::Literal => reader.pass(bytes, at..end),
                Token::Comment => reader.comment(bytes, at..end),
            }
            at = end;
        }
        reader.end_line();
        Self {
            lines: reader.lines,
            brackets: reader.brackets,
            depth: reader.open.len(),
        }
    }

    /// A hole in a window of the text, or none where it has no place for one: not empty, and at most half of the window.
    pub(crate) fn hole(&self, window: Range<usize>, random: &mut Random) -> Option<Range<usize>> {
        self.part(window).hole(random)
    }

    fn part(&self, window: Range<usize>) -> Part<'_> {
        let first = self.lines.partition_point(|line| line.code < window.start);
        let last = self.lines.partition_point(|line| line.end <= window.end).max(first);
        let from = self.brackets.partition_point(|hole| hole.end <= window.start);
        let to = self.brackets.partition_point(|hole| hole.end < window.end).max(from);
        Part {
            lines: &self.lines[first..last],
            brackets: &self.brackets[from..to],
            depth_after: self.lines.get(last).map_or(self.depth, |line| line.depth),
            window,
        }
    }
}

/// A way to find a hole of about some length.
type Kind<'a> = fn(&Part<'a>, usize, &mut Random) -> Option<Range<usize>>;

/// What of an outline is in a window of the text.
#[derive(Debug)]
struct Part<'a> {
    /// The whole lines.
    lines: &'a [Line],
    /// What stands between two brackets, of which the second is inside.
    brackets: &'a [Range<usize>],
    /// How many brackets are open after the lines.
    depth_after: usize,
    window: Range<usize>,
}

impl<'a> Part<'a> {
    fn hole(&self, random: &mut Random) -> Option<Range<usize>> {
        let wanted = self.wanted_length(random);
        // A hole shorter than a line is the rest of one; longer ones are whole statements or blocks, in turn.
        let kinds: [Kind<'a>; 3] = if wanted < SHORT {
            [Self::line_rest, Self::bracket, Self::statements]
        } else if random.chance(0.5) {
            [Self::bracket, Self::statements, Self::line_rest]
        } else {
            [Self::statements, Self::bracket, Self::line_rest]
        };
        kinds.into_iter().find_map(|kind| {
            (0..TRIES)
                .filter_map(|_| kind(self, wanted, random))
                .filter(|hole| self.fits(hole))
                .min_by_key(|hole| hole.len().max(wanted) * 1024 / hole.len().min(wanted))
        })
    }

    /// A length from 8 bytes to half of the window: each doubling comes as often, so that what is learned goes from the
    /// end of a line to whole functions.
    fn wanted_length(&self, random: &mut Random) -> usize {
        let longest = (self.window.len() / 2).max(1).ilog2();
        let shortest = longest.min(3);
        let doublings = shortest as usize + random.below((longest - shortest) as usize + 1);
        (1 << doublings) + random.below(1 << doublings)
    }

    fn fits(&self, hole: &Range<usize>) -> bool {
        !hole.is_empty() && hole.start >= self.window.start && hole.len() * 2 <= self.window.len()
    }

    /// What stands between two brackets.
    fn bracket(&self, _: usize, random: &mut Random) -> Option<Range<usize>> {
        random.choose(self.brackets).cloned()
    }

    /// From the beginning of a statement to the end of it or of one after it, blocks and all, as far as is wanted.
    fn statements(&self, wanted: usize, random: &mut Random) -> Option<Range<usize>> {
        let first = random.below(self.lines.len());
        let head = self.lines.get(first).filter(|line| line.begins_with_code())?;
        let start = head.code;
        let mut end = self.lines[self.statement(first)?].end;
        let mut next = self.following(first, end);
        while end - start < wanted
            && let Some(last) = next.and_then(|next| self.statement(next))
            && self.fits(&(start..self.lines[last].end))
        {
            end = self.lines[last].end;
            next = self.following(first, end);
        }
        Some(start..end)
    }

    /// The first line with code after `end`, where it is of the same block as line `first`.
    fn following(&self, first: usize, end: usize) -> Option<usize> {
        let next = first + self.lines[first..].partition_point(|line| line.end <= end);
        let next = (next..self.lines.len()).find(|&line| !self.lines[line].is_blank())?;
        let (head, line) = (self.lines[first], self.lines[next]);
        (line.indent == head.indent && line.depth == head.depth).then_some(next)
    }

    /// The last line of the statement that begins with line `first`: all that is deeper in brackets or indented
    /// further belongs to it.
    fn statement(&self, first: usize) -> Option<usize> {
        let head = *self.lines.get(first)?;
        if head.inside || head.is_blank() || head.least < head.depth {
            return None;
        }
        let mut last = first;
        for (number, line) in self.lines.iter().enumerate().skip(first + 1) {
            if !line.is_blank() && !line.inside && line.depth <= head.depth && line.indent <= head.indent {
                break;
            }
            if line.least < head.depth {
                break;
            }
            if line.end - head.code > self.window.len() / 2 {
                return None;
            }
            if !line.is_blank() {
                last = number;
            }
        }
        let depth = self.lines.get(last + 1).map_or(self.depth_after, |line| line.depth);
        (depth == head.depth).then_some(last)
    }

    /// From somewhere in a line of code to its end.
    fn line_rest(&self, _: usize, random: &mut Random) -> Option<Range<usize>> {
        let line = random.choose(self.lines).filter(|line| line.begins_with_code())?;
        Some(line.code + random.below(line.end - line.code)..line.end)
    }
}

/// What has been read of a text.
struct Reader {
    lines: Vec<Line>,
    brackets: Vec<Range<usize>>,
    open: Vec<(u8, usize)>,
    least: usize,
}

impl Reader {
    /// Ends the line before `start`, which is the first byte after a line break, and begins another.
    fn begin_line(&mut self, bytes: &[u8], start: usize, inside: bool) {
        self.end_line();
        let rest = &bytes[start..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
        let indent = line
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t'))
            .unwrap_or(line.len());
        self.least = self.open.len();
        self.lines.push(Line {
            code: start + indent,
            end: start + line.len(),
            indent,
            depth: self.open.len(),
            least: self.open.len(),
            inside,
            comment: false,
        });
    }

    fn end_line(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.least = self.least;
        }
    }

    /// Passes over a string, which may go over lines.
    fn pass(&mut self, bytes: &[u8], literal: Range<usize>) {
        for at in memchr::memchr_iter(b'\n', &bytes[literal.clone()]) {
            self.begin_line(bytes, literal.start + at + 1, true);
        }
    }

    /// Passes over a comment, which may go over lines.
    fn comment(&mut self, bytes: &[u8], comment: Range<usize>) {
        if let Some(line) = self.lines.last_mut().filter(|line| line.code == comment.start) {
            line.comment = true;
        }
        self.pass(bytes, comment);
    }

    /// Closes the bracket that `closer` belongs to. One that was never opened is passed over, and so are those that were
    /// opened after it and never closed: a part of a file has such, and so has a macro.
    fn close(&mut self, closer: u8, at: usize) {
        let opener = match closer {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        let from = self.open.len().saturating_sub(MAX_UNCLOSED);
        let Some(place) = self.open[from..].iter().rposition(|&(bracket, _)| bracket == opener) else {
            return;
        };
        let place = from + place;
        let (_, opened) = self.open[place];
        self.open.truncate(place);
        self.least = self.least.min(place);
        if opened + 1 < at {
            self.brackets.push(opened + 1..at);
        }
    }
}

#[cfg(test)]
mod tests {
    use codelupe_core::Language;

    use super::*;
    use crate::random::of_sample;
    use crate::syntax::{Grammar, parse};

    /// What is between brackets in a text.
    fn check_brackets(language: &'static str, text: &str, expected: &[&str]) {
        let outline = Outline::read(text, Lexis::of(&Language::known(language)));
        let found: Vec<&str> = outline.brackets.iter().map(|hole| &text[hole.clone()]).collect();
        assert_eq!(found, expected, "{text}");
    }

    /// The statement that begins with a line of a text.
    fn check_statement(language: &'static str, text: &str, line: usize, expected: Option<&str>) {
        let outline = Outline::read(text, Lexis::of(&Language::known(language)));
        let part = outline.part(0..text.len());
        let found = part
            .statement(line)
            .map(|last| &text[part.lines[line].code..part.lines[last].end]);
        assert_eq!(found, expected, "line {line} of {text}");
    }

    #[test]
    fn brackets_in_strings_and_comments_are_not_counted() {
        check_brackets(
            "Rust",
            "f('(', \"[\", 'a', b'{', r#\"\"}\"#) // (\n/* [ */ g::<'a>(x)",
            &["'(', \"[\", 'a', b'{', r#\"\"}\"#", "x"],
        );
        check_brackets("C", "a[\"\\\"]\"]; '\\''; (y)", &["\"\\\"]\"", "y"]);
        check_brackets("JavaScript", "`(\n[${x}`; (y)", &["y"]);
        check_brackets("Python", "\"\"\"(\n[\"\"\" # {\n(x)", &["x"]);
        check_brackets("Text", "it's (a) \"(b)", &["a", "b"]);
    }

    #[test]
    fn brackets_that_have_no_partner_are_passed_over() {
        check_brackets("C", "} ) (a [ b) ]", &["a [ b"]);
        check_brackets("C", &("(".repeat(100) + &"]".repeat(100) + "()(x)"), &["x"]);
    }

    #[test]
    fn a_statement_has_its_blocks_and_what_is_indented_under_it() {
        let rust =
            "fn f() {\n    if x {\n        a();\n    } else {\n        b()\n            .c();\n    }\n}\nfn g() {}\n";
        check_statement("Rust", rust, 0, None);
        check_statement("Rust", rust, 1, None);
        check_statement("Rust", rust, 2, Some("a();"));
        check_statement("Rust", rust, 3, None);
        check_statement("Rust", rust, 4, Some("b()\n            .c();"));
        check_statement("Rust", rust, 8, Some("fn g() {}"));
        let longer = format!("{rust}{}", "// more\n".repeat(20));
        check_statement("Rust", &longer, 0, Some(rust[..rust.len() - 11].trim_end()));
        let python = "def f(a,\n  b):\n    x = [\n1,\n]\n\n    return x\n\ny = 2\nz = 3\nzz = 4\nq = 5\nr = 6\nss = f(1)\ntt = f(2)\n";
        check_statement(
            "Python",
            python,
            0,
            Some("def f(a,\n  b):\n    x = [\n1,\n]\n\n    return x"),
        );
        check_statement("Python", python, 2, Some("x = [\n1,\n]"));
        check_statement("Python", python, 8, Some("y = 2"));
    }

    #[test]
    fn a_window_that_begins_in_a_string_or_comment_is_read_as_what_it_is() {
        let text = "def f():\n    \"\"\"One (\n    two.\n    \"\"\"\n    return g(1)\n\n\n# A comment.\ny = 2\n";
        let outline = Outline::read(text, Lexis::Python);
        let window = text.find("    two.").unwrap()..text.len();
        let part = outline.part(window.clone());
        let code: Vec<&str> = part
            .lines
            .iter()
            .filter(|line| line.begins_with_code())
            .map(|line| &text[line.code..line.end])
            .collect();
        assert_eq!(code, ["return g(1)", "y = 2"]);
        assert_eq!(
            part.brackets.iter().map(|hole| &text[hole.clone()]).collect::<Vec<_>>(),
            ["1"]
        );
        for number in 0..200 {
            let hole = outline.hole(window.clone(), &mut of_sample(0, "", "", number)).unwrap();
            assert!(
                hole.start > text.find("return").unwrap() - 1 && hole.end <= text.len(),
                "{:?}",
                &text[hole]
            );
        }
    }

    #[test]
    fn a_statement_that_goes_on_after_the_window_is_not_taken() {
        let text = "fn f() {\n    a();\n    b();\n}\n".repeat(3);
        let outline = Outline::read(&text, Lexis::Rust);
        let whole = text.len() / 3;
        let part = outline.part(whole..text.len() - 2);
        assert_eq!(part.lines.len(), 7);
        assert_eq!(part.statement(0), Some(3));
        assert_eq!(part.statement(4), None);
    }

    #[test]
    fn holes_are_where_the_grammar_has_boundaries() {
        let texts = [
            ("Rust", Grammar::Rust, include_str!("instruction.rs")),
            ("Rust", Grammar::Rust, include_str!("shard.rs")),
            ("Rust", Grammar::Rust, include_str!("imports.rs")),
        ];
        for (language, grammar, text) in texts {
            let outline = Outline::read(text, Lexis::of(&Language::known(language)));
            let part = outline.part(0..text.len());
            let tree = parse(text, grammar).unwrap();
            let (mut whole, mut all) = (0, 0);
            for number in 0..500 {
                let mut random = of_sample(0, "r", "p", number);
                let kind: Kind<'_> = if number % 2 == 0 {
                    Part::bracket
                } else {
                    Part::statements
                };
                let Some(hole) = kind(&part, 200, &mut random) else {
                    continue;
                };
                all += 1;
                whole += usize::from(is_run_of_nodes(&tree, text, &hole));
            }
            assert!(whole * 100 >= all * 95 && all > 200, "{whole} of {all}");
        }
    }

    /// Whether a hole, without the blanks at its ends, begins where a node of the tree does and ends where that node or a
    /// sibling of it does.
    fn is_run_of_nodes(tree: &tree_sitter::Tree, text: &str, hole: &Range<usize>) -> bool {
        let inner = text[hole.clone()].trim();
        let start = hole.end - text[hole.clone()].trim_start().len();
        let end = start + inner.len();
        // A comment of Rust may end with its line break.
        let ends_there = |node: tree_sitter::Node<'_>| text[..node.end_byte()].trim_end().len() == end;
        let mut next = tree.root_node().descendant_for_byte_range(start, end);
        while let Some(node) = next {
            let mut cursor = node.walk();
            let runs: Vec<_> = node.children(&mut cursor).chain([node]).collect();
            if runs.iter().any(|node| node.start_byte() == start) && runs.iter().any(|&node| ends_there(node)) {
                return true;
            }
            next = node.parent();
        }
        inner.is_empty()
    }

    #[test]
    fn the_lengths_of_holes_go_from_part_of_a_line_to_whole_functions() {
        let text = include_str!("shard.rs");
        let outline = Outline::read(text, Lexis::Rust);
        let mut lengths: Vec<usize> = (0..1000)
            .filter_map(|n| outline.hole(2000..9000, &mut of_sample(0, "r", "p", n)))
            .map(|hole| hole.len())
            .collect();
        lengths.sort_unstable();
        assert!(lengths.len() > 990 && lengths[lengths.len() - 1] <= 3500);
        let share =
            |range: Range<usize>| lengths.iter().filter(|length| range.contains(length)).count() as f64 / 1000.0;
        assert!(
            share(1..40) > 0.15 && share(40..300) > 0.2 && share(300..3501) > 0.2,
            "{lengths:?}"
        );
    }

    #[test]
    fn a_text_without_a_place_has_no_hole() {
        for text in ["", "a", "\n\n\n"] {
            let outline = Outline::read(text, Lexis::Rust);
            assert!(
                (0..50).all(|n| outline.hole(0..text.len(), &mut of_sample(0, "", "", n)).is_none()),
                "{text:?}"
            );
        }
    }
}
