//! The lines of a text that show best why it matches.

use std::collections::HashMap;

use codelupe_core::text::display_name;
use tantivy::tokenizer::TokenStream;

use crate::query::Clause;
use crate::tokenizer::{CodeTokens, TokenKind};

/// The most bytes of a text that are looked through for lines.
const MAX_SCANNED_BYTES: usize = 1 << 20;

/// The most bytes of a line that are looked through.
const MAX_SCANNED_LINE_BYTES: usize = 16 << 10;

/// The most bytes of a line that are shown.
const MAX_LINE_BYTES: usize = 200;

/// How many bytes of a cut line stand before its first match.
const BEFORE_MATCH_BYTES: usize = 60;

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SnippetLine {
    /// Its number; the first line is 1.
    pub number: u32,
    /// Its text without white space at the end, safe to print; a part of it, with `…`, when it is long.
    pub text: String,
}

/// The `count` lines of `text` that match `clauses` best, in the order of the text.
///
/// Better is: more of the query's distinct words, and a clause that stands there as it was asked for; of equal lines
/// the first. Lines after the first MiB, and what stands after the first 16 KiB of a line, are not looked at.
pub(crate) fn best_lines(text: &str, clauses: &[Clause], count: usize) -> Vec<SnippetLine> {
    let wanted = Wanted::of(clauses);
    let text = &text[..text.floor_char_boundary(MAX_SCANNED_BYTES)];
    let mut best: Vec<Match<'_>> = Vec::with_capacity(count + 1);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some((score, first)) = wanted.score(line) else {
            continue;
        };
        let place = best.partition_point(|other| other.score >= score);
        if place < count {
            let found = Match {
                score,
                number,
                line,
                first,
            };
            best.insert(place, found);
            best.truncate(count);
        }
        // No later line can be better, and among equals the first counts.
        if best.len() == count && best.last().is_some_and(|worst| worst.score == wanted.best_score()) {
            break;
        }
    }
    best.sort_unstable_by_key(|found| found.number);
    best.iter()
        .map(|found| SnippetLine {
            number: found.number,
            text: shorten(found.line, found.first),
        })
        .collect()
}

struct Match<'a> {
    score: usize,
    number: u32,
    line: &'a str,
    /// Where the first matching token starts.
    first: usize,
}

/// The tokens of a query by number.
struct Wanted<'a> {
    numbers: HashMap<&'a str, usize>,
    /// The clauses of several parts.
    phrases: Vec<Vec<Option<usize>>>,
}

impl<'a> Wanted<'a> {
    fn of(clauses: &'a [Clause]) -> Self {
        let mut numbers = HashMap::new();
        for token in clauses
            .iter()
            .flat_map(|clause| clause.parts.iter().chain(&clause.whole))
        {
            let next = numbers.len();
            numbers.entry(token.as_str()).or_insert(next);
        }
        let number = |part: &String| numbers.get(part.as_str()).copied();
        let several = clauses.iter().filter(|clause| clause.parts.len() > 1);
        let phrases = several.map(|clause| clause.parts.iter().map(number).collect());
        Self {
            phrases: phrases.collect(),
            numbers,
        }
    }

    /// The score of a line that has everything.
    fn best_score(&self) -> usize {
        self.numbers.len() + self.phrases.iter().map(Vec::len).sum::<usize>()
    }

    /// The score of a line and the start of its first match; none without a match.
    fn score(&self, line: &str) -> Option<(usize, usize)> {
        let line = &line[..line.floor_char_boundary(MAX_SCANNED_LINE_BYTES)];
        let mut first = None;
        let mut seen = Vec::new();
        let mut parts: Vec<Option<usize>> = Vec::new();
        let mut tokens = CodeTokens::new(line);
        while tokens.advance() {
            let token = tokens.token();
            let number = self.numbers.get(token.text.as_str()).copied();
            if number.is_some() {
                first.get_or_insert(token.offset_from);
                if !seen.contains(&number) {
                    seen.push(number);
                }
            }
            if tokens.kind() == TokenKind::Part {
                parts.push(number);
            }
        }
        let first = first?;
        let stands = |phrase: &&Vec<_>| parts.windows(phrase.len()).any(|window| window == phrase.as_slice());
        let phrases: usize = self.phrases.iter().filter(stands).map(Vec::len).sum();
        Some((seen.len() + phrases, first))
    }
}

/// The line as it is shown: without white space at its end, cut around `first`, without control characters.
fn shorten(line: &str, first: usize) -> String {
    let line = line.trim_end();
    let (start, end) = if line.len() <= MAX_LINE_BYTES {
        (0, line.len())
    } else {
        let start = line.floor_char_boundary(first.saturating_sub(BEFORE_MATCH_BYTES));
        (start, line.floor_char_boundary(start + MAX_LINE_BYTES))
    };
    let shown = display_name(line[start..end].replace('\t', "    ").as_bytes());
    let before = if start > 0 { "…" } else { "" };
    let after = if end < line.len() { "…" } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse;

    fn check(words: &str, text: &str, expected: &[(u32, &str)]) {
        let lines = best_lines(text, &parse(words), 3);
        let shown: Vec<(u32, &str)> = lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(shown, expected, "{words:?}");
    }

    #[test]
    fn the_lines_with_most_words_win_and_stand_in_the_order_of_the_text() {
        let text = "open\nread and open\r\nnothing\n\topen, then read\nread\n";
        let best = [(1, "open"), (2, "read and open"), (4, "    open, then read")];
        check("open read", text, &best);
        check("nowhere", text, &[]);
    }

    #[test]
    fn a_phrase_and_a_whole_identifier_beat_scattered_words() {
        let text = "b a\nb a\nb a\nx a b\n";
        check("\"a b\"", text, &[(1, "b a"), (2, "b a"), (4, "x a b")]);
        let text = "get url\nget url\nget url\nget_url\n";
        check("get_url", text, &[(1, "get url"), (2, "get url"), (4, "get_url")]);
    }

    #[test]
    fn long_lines_are_cut_around_the_match_and_escape_codes_are_defused() {
        let line = format!("{}needle {}", "é ".repeat(100), "z".repeat(300));
        let shown = &best_lines(&line, &parse("needle"), 3)[0].text;
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains(" needle z"));
        check("red", "\u{1b}[31mred", &[]);
        check("red", "\u{1b}[31m red", &[(1, "\\u{1b}[31m red")]);
    }
}
