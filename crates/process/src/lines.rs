//! Figures of lines: how many, how long, how often the same, comments, indentation.

use crate::fingerprint::{Seen, fingerprint};
use crate::syntax::{CommentLines, Comments};

/// Trimmed lines of at most this many bytes, such as `}` and `},`, say nothing about repetition (`RefineCode`).
const TRIVIAL_LINE: usize = 2;

/// What the lines of a text look like. A line ends with a line feed; a carriage return before it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    /// Lines; a last one without line feed counts.
    pub count: u64,
    /// Characters of all lines together, line ends left out.
    pub characters: u64,
    /// Characters of the longest line.
    pub longest: u64,
    /// Blank lines.
    pub blank: u64,
    /// Lines that are a comment as a whole.
    pub comments: u64,
    /// Lines longer than two bytes without the blanks at both ends.
    pub substantial: u64,
    /// Substantial lines that repeat an earlier one, blanks at both ends left out.
    pub repeated: u64,
    /// Lines that begin with a tab.
    pub tab_indented: u64,
    /// Lines that begin with a space.
    pub space_indented: u64,
}

impl Lines {
    /// The mean length of a line in characters.
    pub fn average(&self) -> f64 {
        self.characters as f64 / self.count.max(1) as f64
    }

    /// The share of substantial lines that repeat an earlier one.
    pub fn repeated_share(&self) -> f64 {
        self.repeated as f64 / self.substantial.max(1) as f64
    }
}

/// How many lines a text has, and the characters of its longest and of all: what the length rules need.
pub fn lengths(text: &str) -> Lines {
    let is_ascii = text.is_ascii();
    let mut lines = Lines::default();
    for line in split(text.as_bytes()) {
        let length = if is_ascii { line.len() } else { characters(line) } as u64;
        lines.count += 1;
        lines.characters += length;
        lines.longest = lines.longest.max(length);
    }
    lines
}

/// Fills in what needs the content of each line; `lines` comes from [`lengths`] of the same text.
pub fn contents(text: &str, mut lines: Lines, comments: Comments) -> Lines {
    let mut seen = Seen::with_room_for(usize::try_from(lines.count).unwrap_or(usize::MAX).min(text.len()));
    let mut comment_lines = CommentLines::new(comments);
    for line in split(text.as_bytes()) {
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() {
            lines.blank += 1;
            continue;
        }
        lines.tab_indented += u64::from(line[0] == b'\t');
        lines.space_indented += u64::from(line[0] == b' ');
        lines.comments += u64::from(comment_lines.is_comment(trimmed));
        if trimmed.len() > TRIVIAL_LINE {
            lines.substantial += 1;
            lines.repeated += u64::from(seen.add(fingerprint(trimmed)));
        }
    }
    lines
}

/// The lines of a text without their ends.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= bytes.len() {
            return None;
        }
        let end = ends.next().unwrap_or(bytes.len());
        let line = &bytes[start..end];
        start = end + 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// The characters of valid UTF-8: every byte that does not continue one.
fn characters(line: &[u8]) -> usize {
    line.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::comments;

    #[test]
    fn lengths_are_in_characters_without_line_ends() {
        let cases = [
            ("", 0, 0, 0),
            ("a", 1, 1, 1),
            ("a\n", 1, 1, 1),
            ("ab\r\nc\n\n", 3, 3, 2),
            ("größe\nß", 2, 6, 5),
            ("\n", 1, 0, 0),
        ];
        for (text, count, characters, longest) in cases {
            let lines = lengths(text);
            assert_eq!(
                (lines.count, lines.characters, lines.longest),
                (count, characters, longest),
                "{text:?}"
            );
        }
    }

    #[test]
    fn contents_of_lines() {
        let text = "// a\n\tx();\n    x();\n  }\n  }\n\ny();\n";
        let lines = contents(text, lengths(text), comments("C"));
        let expected = Lines {
            count: 7,
            blank: 1,
            comments: 1,
            substantial: 4,
            repeated: 1,
            tab_indented: 1,
            space_indented: 3,
            ..lengths(text)
        };
        assert_eq!(lines, expected);
    }
}
