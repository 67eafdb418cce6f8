//! Whether a string looks like a secret at all.

/// Parts of placeholders that stand where a secret would.
const PLACEHOLDERS: [&str; 44] = [
    "example",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "xxxx",
    "placeholder",
    "dummy",
    "sample",
    "fake",
    "insert",
    "todo",
    "redacted",
    "12345678",
    "abcdef",
    "qwerty",
    "letmein",
    "foobar",
    "mock",
    "undefined",
    "default",
    "replace",
    "testing",
    "not_a",
    "not-a",
    "notreal",
    "invalid",
    "secret_key",
    "secretkey",
    "api_key",
    "apikey",
    "my_",
    "my-",
    "mysecret",
    "mypass",
    "mytoken",
    "test_",
    "test-",
    "_test",
    "-test",
    "aaaaaa",
    "000000",
    "111111",
    "****",
];

/// Signs of a reference to a secret instead of one.
const REFERENCES: [&str; 16] = [
    "${", "{{", "$(", "<%", "%(", "#{", "%s", "{}", "env.", "env(", "process.", "getenv", "secrets.", "vault:", "arn:",
    "://",
];

/// Whether `value` is a placeholder such as `your_api_key` or a reference such as `${TOKEN}`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || REFERENCES.iter().any(|sign| lower.contains(sign))
        || lower.starts_with(['$', '<', '{', '@', '/', '.', '#'])
        || repeats(value)
}

/// Whether a token of a known format is one in earnest: many different characters, and no placeholder word.
pub(super) fn is_token_body(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    let placeholder = [
        "example",
        "xxxxx",
        "your",
        "placeholder",
        "00000000",
        "12345678901",
        "redacted",
    ];
    entropy(body) >= 2.5 && !placeholder.iter().any(|word| lower.contains(word))
}

/// Whether a quoted value after a word such as `password` or `token` is a secret.
///
/// It has 8 to 200 bytes of visible ASCII without blanks, mixes letters with digits or symbols, is neither a
/// placeholder nor a name made of words, and has at least 2.5 (a password) or 3 (a token) bits of entropy per character.
pub(super) fn is_secret_value(value: &str, is_password: bool) -> bool {
    let visible = value.bytes().all(|byte| byte.is_ascii_graphic());
    if !(8..=200).contains(&value.len()) || !visible || is_placeholder(value) || is_name(value) {
        return false;
    }
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let symbols = value
        .bytes()
        .any(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b' '));
    let mixed = letters && (digits || is_password && symbols);
    let needed = if is_password { 2.5 } else { 3.0 };
    mixed && !looks_like_code(value) && entropy(value) >= needed
}

/// Shannon entropy of the bytes, in bits per byte.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f64;
    let used = counts.iter().filter(|count| **count > 0);
    used.map(|count| {
        let part = f64::from(*count) / total;
        -part * part.log2()
    })
    .sum()
}

/// Whether the value is words with separators, as `access_token_v2`, `X-Auth-Token2`, `OAuth2TokenType`.
fn is_name(value: &str) -> bool {
    value.split(['_', '-', '.', '/', ':', ',', '+', ' ']).all(is_word)
}

/// Letters with at most two short groups of digits, where upper case starts words instead of standing anywhere.
fn is_word(part: &str) -> bool {
    let letters: Vec<&str> = part
        .split(|c: char| c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .collect();
    let digits: Vec<&str> = part
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .collect();
    let few_digits = digits.len() <= 2 && digits.iter().all(|run| run.len() <= 3);
    few_digits
        && letters
            .iter()
            .all(|run| run.bytes().all(|byte| byte.is_ascii_alphabetic()) && is_cased_like_words(run))
}

/// At most one change from lower to upper case in three letters.
fn is_cased_like_words(letters: &str) -> bool {
    let rises = letters
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    rises.count() * 3 <= letters.len()
}

/// Calls, indexing, selectors and format strings.
fn looks_like_code(value: &str) -> bool {
    value.contains(['(', ')', '[', ']', '<', '>', ';', '{', '}', '|', '\\', '^']) && entropy(value) < 4.0
}

/// Whether one to three characters repeat all the way.
fn repeats(value: &str) -> bool {
    let bytes = value.as_bytes();
    (1..=3).any(|period| bytes.len() > period && bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_stands_in_for_them() {
        let check = |value: &str, password: bool, expected: bool| {
            assert_eq!(is_secret_value(value, password), expected, "{value}");
        };
        for yes in [
            concat!("9fK2vQ", "7bLx0Z"),
            concat!("c2VjcmV0", "LXZhbHVlLTE5"),
            concat!("8d7f3a91", "c04be26f"),
        ] {
            check(yes, false, true);
        }
        for yes in [concat!("tr0ub4", "dor&3"), concat!("S3cure!", "Pw-2024")] {
            check(yes, true, true);
        }
        for no in [
            "changeme123",
            "your_api_key_1",
            "${API_TOKEN1}",
            "xxxxxxxx1",
            "access_token_v2",
            "Content-Type2",
            "short1",
            "has blank 123",
            "abababab1212abab",
            "https://a.b/c1",
            "{{ token1 }}",
            "OAuth2TokenType",
            "12345678",
            "process.env.TOKEN1",
        ] {
            check(no, false, false);
        }
    }

    #[test]
    fn entropy_in_bits() {
        assert!(entropy("aaaa").abs() < 1e-9);
        assert!((entropy("abcd") - 2.0).abs() < 1e-9);
        assert!(entropy("").abs() < 1e-9);
    }
}
