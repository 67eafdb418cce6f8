//! License texts as sequences of words in which only what the license says is left.

/// Words that the SPDX matching guidelines (list 3.x, annex B, "Varietal word spelling") hold for the same.
const SAME_WORDS: [(&str, &str); 18] = [
    ("licence", "license"),
    ("licences", "licenses"),
    ("licenced", "licensed"),
    ("sublicence", "sublicense"),
    ("acknowledgment", "acknowledgement"),
    ("analog", "analogue"),
    ("authorised", "authorized"),
    ("favour", "favor"),
    ("fulfil", "fulfill"),
    ("fulfilment", "fulfillment"),
    ("initialise", "initialize"),
    ("judgement", "judgment"),
    ("labour", "labor"),
    ("organisation", "organization"),
    ("recognise", "recognize"),
    ("whilst", "while"),
    ("https", "http"),
    ("copyrights", "copyright"),
];

/// Words after `copyright` that show that the line is a sentence of the license, not a notice of who owns it.
const NOT_A_NOTICE: [&str; 26] = [
    "notice",
    "notices",
    "holder",
    "holders",
    "owner",
    "owners",
    "law",
    "laws",
    "license",
    "licenses",
    "licence",
    "protection",
    "permission",
    "statement",
    "statements",
    "and",
    "or",
    "in",
    "as",
    "is",
    "interest",
    "act",
    "treaty",
    "disclaimer",
    "infringement",
    "to",
];

/// The longest line that can be a copyright notice, in bytes. A longer one is a re-wrapped paragraph.
const MAX_NOTICE_LINE_BYTES: usize = 200;

/// The longest `<placeholder>` in bytes.
const MAX_PLACEHOLDER_BYTES: usize = 60;

/// Calls `each` with every word of `text`: lower case, without punctuation, copyright notices, list bullets,
/// comment leaders and `<placeholders>`; spelling variants are unified.
pub(super) fn for_each_word(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::with_capacity(32);
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '(' | '<' | '©'));
        if is_copyright_notice(line) {
            continue;
        }
        words_of_line(skip_bullet(line), &mut word, &mut each);
    }
}

/// The hashes of the words of `text`, in order.
pub(super) fn word_hashes(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() / 6);
    for_each_word(text, |word| hashes.push(hash_word(word)));
    hashes
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo), over the bytes of a word.
pub(super) fn hash_word(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The multiset of word pairs: key and count, ordered by key.
pub(super) fn pairs(words: &[u64]) -> Vec<(u32, u16)> {
    let mut keys: Vec<u32> = words.windows(2).map(|pair| pair_key(pair[0], pair[1])).collect();
    keys.sort_unstable();
    let mut counted: Vec<(u32, u16)> = Vec::with_capacity(keys.len());
    for key in keys {
        match counted.last_mut() {
            Some((last, count)) if *last == key => *count = count.saturating_add(1),
            _ => counted.push((key, 1)),
        }
    }
    counted
}

/// The key of a word pair; the order of the two words matters.
pub(super) fn pair_key(first: u64, second: u64) -> u32 {
    let mixed = (first.rotate_left(23) ^ second).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed >> 32).unwrap_or(u32::MAX)
}

/// One hash over the whole sequence of words, for the exact path.
pub(super) fn fingerprint(words: &[u64]) -> u64 {
    words.iter().fold(0x51_7c_c1_b7_27_22_0a_95, |hash: u64, word| {
        (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

fn words_of_line(line: &str, word: &mut String, each: &mut impl FnMut(&str)) {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some(end) = placeholder_end(rest)
        {
            finish(word, each);
            rest = &rest[end..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else if !matches!(c, '-' | '\'' | '’' | '‐') || word.is_empty() {
            finish(word, each);
        }
    }
    finish(word, each);
}

fn finish(word: &mut String, each: &mut impl FnMut(&str)) {
    if word.is_empty() {
        return;
    }
    let same = SAME_WORDS.iter().find(|(variant, _)| variant == word);
    each(same.map_or(word.as_str(), |(_, unified)| unified));
    word.clear();
}

/// The end of a `<placeholder>` at the start of `text`, unless the `<` stands for something else.
fn placeholder_end(text: &str) -> Option<usize> {
    let window = text.as_bytes().get(..MAX_PLACEHOLDER_BYTES.min(text.len()))?;
    window.iter().position(|&byte| byte == b'>').map(|end| end + 1)
}

/// Cuts `1.`, `(a)`, `iv)` and the like off the start of a line.
fn skip_bullet(line: &str) -> &str {
    let open = line.trim_start_matches('(');
    let length = open.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if length == 0 || length > 4 {
        return line;
    }
    let (mark, rest) = open.split_at(length);
    let is_mark = mark.bytes().all(|b| b.is_ascii_digit())
        || length == 1
        || mark
            .bytes()
            .all(|b| matches!(b.to_ascii_lowercase(), b'i' | b'v' | b'x'));
    let after = rest.trim_start_matches(['.', ')', ':']);
    let is_bullet = is_mark && after.len() < rest.len() && (after.is_empty() || after.starts_with([' ', '\t']));
    if is_bullet { after } else { line }
}

fn is_copyright_notice(line: &str) -> bool {
    if line.len() > MAX_NOTICE_LINE_BYTES {
        return false;
    }
    let lower = line.to_lowercase();
    let lower = lower.strip_prefix("portions ").unwrap_or(&lower);
    if lower.starts_with("all rights reserved") && lower.len() < 30 {
        return true;
    }
    if lower.starts_with("(c)") || lower.starts_with('©') {
        return has_year(lower);
    }
    let Some(rest) = lower.strip_prefix("copyright") else {
        return false;
    };
    if has_year(rest) || rest.contains("(c)") || rest.contains(['©', '<', '[', '{']) {
        return true;
    }
    let next = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let next = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    rest.starts_with([' ', '\t', ':', ',']) && !next.is_empty() && !NOT_A_NOTICE.contains(&next)
}

/// Whether four digits that look like a year of the software age stand in `text`.
fn has_year(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|w| (w.starts_with(b"19") || w.starts_with(b"20")) && w.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let mut all = Vec::new();
        for_each_word(text, |word| all.push(word.to_owned()));
        all.join(" ")
    }

    #[test]
    fn only_what_the_license_says_is_left() {
        let check = |text: &str, expected: &str| assert_eq!(words(text), expected, "{text:?}");
        check("The Software is provided \"AS IS\"", "the software is provided as is");
        check("Copyright (c) 2020 Ann\nAll rights reserved.\nPermission", "permission");
        check("Copyright Joyent, Inc. and others\nok", "ok");
        check(
            "copyright notice, this list\nof conditions",
            "copyright notice this list of conditions",
        );
        check(
            " * 1. Redistributions\n (b) in binary\n// iv) x\n",
            "redistributions in binary x",
        );
        check("Version\n2.0, January", "version 2 0 january");
        check("name of <the owner> nor", "name of nor");
        check(
            "sublicence, Licensor’s non-infringement",
            "sublicense licensors noninfringement",
        );
        check("a < b and c", "a b and c");
        check("", "");
    }

    #[test]
    fn pairs_are_a_multiset() {
        let words = word_hashes("a b a b");
        let pairs = pairs(&words);
        assert_eq!(pairs.iter().map(|(_, count)| *count).sum::<u16>(), 3);
        assert_eq!(pairs.len(), 2);
        assert_ne!(pair_key(words[0], words[1]), pair_key(words[1], words[0]));
    }
}
