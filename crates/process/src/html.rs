//! The text of an HTML page that a reader sees.

use memchr::{memchr, memchr2, memmem};

/// The longest character reference that counts as one character, `&CounterClockwiseContourIntegral;`, in bytes.
const LONGEST_REFERENCE: usize = 34;

/// Elements whose content no reader sees.
const HIDDEN: [&[u8]; 4] = [b"script", b"style", b"template", b"noscript"];

/// The number of characters outside tags, comments, scripts and styles; a run of white space counts as one,
/// and so does a character reference such as `&amp;`. Takes time linear in the text.
pub(crate) fn visible_characters(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut counter = Counter::default();
    let mut at = 0;
    while let Some(offset) = memchr(b'<', &bytes[at..]) {
        counter.add(&bytes[at..at + offset]);
        at = after_markup(bytes, at + offset);
        if at == bytes.len() {
            return counter.count;
        }
    }
    counter.add(&bytes[at..]);
    counter.count
}

/// Where the markup that begins at `at` with `<` ends: after a tag, a comment or a whole hidden element.
fn after_markup(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"<!--") {
        return memmem::find(rest, b"-->").map_or(bytes.len(), |end| at + end + 3);
    }
    let tag_end = memchr(b'>', rest).map_or(bytes.len(), |end| at + end + 1);
    match HIDDEN.iter().find(|name| is_tag(&rest[1..], name)) {
        Some(name) => after_hidden(bytes, tag_end, name),
        None => tag_end,
    }
}

/// Where the closing tag of a hidden element ends; the end of the text when there is none.
fn after_hidden(bytes: &[u8], from: usize, name: &[u8]) -> usize {
    let mut at = from;
    while let Some(offset) = memmem::find(&bytes[at..], b"</") {
        at += offset + 2;
        if is_tag(&bytes[at..], name) {
            return memchr(b'>', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
        }
    }
    bytes.len()
}

fn is_tag(rest: &[u8], name: &[u8]) -> bool {
    let begins = rest
        .get(..name.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    begins && rest.get(name.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Counts characters with blanks and references collapsed.
#[derive(Default)]
struct Counter {
    count: u64,
    in_word: bool,
}

impl Counter {
    fn add(&mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let is_blank = byte.is_ascii_whitespace();
            let is_continuation = byte & 0xc0 == 0x80;
            self.count += u64::from(if is_blank { self.in_word } else { !is_continuation });
            self.in_word = !is_blank;
            at += if byte == b'&' { reference_length(&text[at..]) } else { 1 };
        }
    }
}

/// The length of a character reference at the start of `rest`, or 1 when there is none.
fn reference_length(rest: &[u8]) -> usize {
    let scope = &rest[1..rest.len().min(LONGEST_REFERENCE)];
    match memchr2(b';', b' ', scope) {
        Some(end) if scope[end] == b';' && scope[..end].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'#') => {
            end + 2
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_reader_sees_counts() {
        let cases = [
            ("", 0),
            ("plain", 5),
            ("<p>one</p>", 3),
            ("<p>a  \n b</p>", 3),
            ("<p>größe &amp; x</p>", 9),
            ("a & b", 5),
            ("<!-- hidden <b>x</b> -->seen", 4),
            ("<SCRIPT>var a = '</b>';</SCRIPT >seen", 4),
            ("<style>p{}</style><scripted>x</scripted>", 1),
            ("<script>never closed", 0),
            ("<!-- never closed", 0),
            ("<b", 0),
            ("a<", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(visible_characters(text), expected, "{text:?}");
        }
    }
}
