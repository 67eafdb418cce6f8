//! Which occurrences are the same error.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha1::{Digest, Sha1};

use super::ErrorCode;
use crate::text::display_bounded;

/// What occurrences of the same error have in common, as sixteen hexadecimal digits: the first 64 bits of SHA-1 over
/// code, component and the message without its changing parts.
///
/// No safety depends on it: errors made to collide are merely counted together. By chance a collision takes about four
/// billion different errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    pub(super) fn of(code: ErrorCode, component: &str, message: &str) -> Self {
        let mut hasher = Sha1::new();
        for part in [code.code(), component, &without_names(message)] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest: [u8; 20] = hasher.finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The text is not sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a fingerprint: expected 16 hexadecimal digits")]
pub struct ParseFingerprintError(String);

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| ParseFingerprintError(display_bounded(text.as_bytes(), 64)))?;
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What stands for a changing part.
const NAME: char = '#';

/// The message with `#` for each quoted text and each word that names one thing among many: numbers, ids, paths, hosts.
fn without_names(message: &str) -> String {
    let mut folded = String::with_capacity(message.len());
    let mut rest = message;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let taken = if let Some(quoted) = quoted_bytes(rest, c, before) {
            folded.push(NAME);
            quoted
        } else if is_separator(c) {
            folded.push(c);
            c.len_utf8()
        } else {
            let word = &rest[..rest.find(is_separator).unwrap_or(rest.len())];
            if names_one_of_many(word.trim_end_matches(['.', ':', '?', '…'])) {
                folded.push(NAME);
            } else {
                folded.push_str(word);
            }
            word.len()
        };
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    folded
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || ",;()[]{}<>|=!`'\"“”".contains(c)
}

/// The length of the quoted text, with its quotes, that `text` begins with. An apostrophe after or before a letter, as
/// in `can't`, quotes nothing.
fn quoted_bytes(text: &str, opening: char, before: Option<char>) -> Option<usize> {
    let closing = match opening {
        '`' | '"' => opening,
        '“' => '”',
        '\'' if !before.is_some_and(char::is_alphanumeric) => opening,
        _ => return None,
    };
    let inside = &text[opening.len_utf8()..];
    let closes = |end: usize| closing != '\'' || !inside[end + 1..].starts_with(char::is_alphanumeric);
    let (end, _) = inside.match_indices(closing).find(|(end, _)| closes(*end))?;
    Some(opening.len_utf8() + end + closing.len_utf8())
}

/// Holds a digit (a number, a UUID, most ids), a slash or an inner dot (a path, a repository, a file, a host), or is
/// seven or more hexadecimal digits (git's shortest id by default, `core.abbrev`).
fn names_one_of_many(word: &str) -> bool {
    word.contains(['/', '\\', '.'])
        || word.bytes().any(|b| b.is_ascii_digit())
        || (word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::{ErrorContext, ErrorOccurrence};

    #[test]
    fn names_numbers_ids_and_paths_are_folded() {
        let check = |message: &str, expected: &str| assert_eq!(without_names(message), expected);
        check("cannot read `src/a b.rs`: disk error", "cannot read #: disk error");
        check("cannot read 'it's here', really", "cannot read #, really");
        check("can't read \"a\" or “b c”", "can't read # or #");
        check(
            "No such file or directory (os error 2)",
            "No such file or directory (os error #)",
        );
        check("missing e69de29bb2d1d6434b8b29ae775ad8c2e48c5391.", "missing #");
        check(
            "job 17 of run 0190b3a4-6b1c-7def-8abc-0123456789ab: dead",
            "job # of run # dead",
        );
        check("id deadbeef", "id #");
        check("BurntSushi/ripgrep: gone", "# gone");
        check("https://example.org/x?y=1 said: no", "#=# said: no");
        check("C:\\a\\b, /tmp/x, ../., lib.rs, db.example.org:", "#, #, #, #, #");
        check("after 1.5s, -3 and 0x1F...", "after #, # and #");
        check("one ` alone, and ' and \" too.", "one ` alone, and ' and \" too.");
        check("... : ?", "... : ?");
        check("", "");
    }

    #[test]
    fn it_reads_back_from_its_text_and_is_the_same_on_every_machine() {
        // By Python's hashlib over `storage`, `store` and `disk error #`, each after its length in 8 bytes.
        let occurrence = ErrorOccurrence::new("store", ErrorCode::Storage, "disk error 5", ErrorContext::new());
        let fingerprint = occurrence.fingerprint();
        assert_eq!(fingerprint.to_string(), "a51e844f53e9d405");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for bad in ["", "00", "00000000000000zz", "000000000000000000"] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    /// A word that is part of the message proper, or a place where names come and go: two of one kind.
    fn part() -> impl Strategy<Value = (String, String)> {
        fn two(name: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = (String, String)> {
            (name.clone(), name)
        }
        prop_oneof![
            3 => "[g-z]{1,8}".prop_map(|word| (word.clone(), word)),
            1 => two("-?[0-9]{1,9}(\\.[0-9]{1,3})?(ms|s|%)?"),
            1 => two("[0-9a-f]{7,40}"),
            1 => two("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
            1 => two("`[^`]{0,20}`"),
            1 => two("\"[^\"]{0,20}\""),
            1 => two("'[^']{0,20}'"),
            1 => two("(\\.\\.|[a-z~]{0,5})(/[a-zA-Z_.-]{1,8}){1,4}"),
            1 => two("https://[a-z]{1,8}\\.org/[a-z]{0,8}"),
        ]
    }

    fn messages() -> impl Strategy<Value = (String, String)> {
        let glue = prop_oneof![Just(" "), Just(": "), Just(", "), Just(" (")];
        prop::collection::vec((part(), glue), 1..12).prop_map(|parts| {
            let join = |pick: fn(&(String, String)) -> &str| {
                parts
                    .iter()
                    .flat_map(|(part, glue)| [pick(part), glue])
                    .collect::<String>()
            };
            (join(|part| part.0.as_str()), join(|part| part.1.as_str()))
        })
    }

    proptest! {
        #[test]
        fn messages_that_differ_in_names_alone_are_one_error((one, other) in messages()) {
            let of = |message: &str| Fingerprint::of(ErrorCode::Network, "forge", message);
            prop_assert_eq!(of(&one), of(&other), "{} / {}", without_names(&one), without_names(&other));
        }

        #[test]
        fn another_word_code_or_component_is_another_error(
            (message, _) in messages(),
            component in "[a-z]{1,9}",
            code in prop::sample::select(ErrorCode::ALL),
            other_code in prop::sample::select(ErrorCode::ALL),
        ) {
            let of = |code, component: &str, message: &str| Fingerprint::of(code, component, message);
            let fingerprint = of(code, &component, &message);
            prop_assert_eq!(code == other_code, fingerprint == of(other_code, &component, &message));
            prop_assert_ne!(fingerprint, of(code, &format!("{component}x"), &message));
            prop_assert_ne!(fingerprint, of(code, &component, &format!("more {message}")));
        }

        #[test]
        fn any_text_is_folded_and_folding_never_adds(message in any::<String>()) {
            prop_assert!(without_names(&message).len() <= message.len());
        }
    }
}
