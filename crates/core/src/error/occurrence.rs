//! One occurrence of an error, as it is tracked.

use std::error::Error as StdError;
use std::fmt::Write;
use std::iter::successors;

use serde::Serialize;

use super::{ErrorCode, ErrorContext, Fingerprint};
use crate::text::{SafeText, display_bounded};

/// The longest message in bytes: a screenful, and room for some ten causes.
const MAX_MESSAGE_BYTES: usize = 2000;
/// The longest name of a component in bytes.
const MAX_COMPONENT_BYTES: usize = 64;
/// How many links of a chain are followed; an error may be its own source.
const MAX_CHAIN: usize = 32;

/// One occurrence of an error. Its texts are safe to print: control characters are escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorOccurrence {
    /// The stable code.
    pub code: ErrorCode,
    /// The part of the program that met it, such as `store` or `worker`; at most 64 bytes.
    pub component: String,
    /// What happened, with its causes; at most 2,000 bytes.
    pub message: String,
    /// Where it was met.
    pub context: ErrorContext,
}

impl ErrorOccurrence {
    /// An occurrence with the given message.
    pub fn new(component: &str, code: ErrorCode, message: &str, context: ErrorContext) -> Self {
        Self {
            code,
            component: display_bounded(component.as_bytes(), MAX_COMPONENT_BYTES),
            message: display_bounded(message.as_bytes(), MAX_MESSAGE_BYTES),
            context,
        }
    }

    /// An occurrence whose message is the error's chain, [`chain_text`].
    pub fn from_chain(
        component: &str,
        code: ErrorCode,
        error: &(dyn StdError + 'static),
        context: ErrorContext,
    ) -> Self {
        Self::new(component, code, &chain_text(error), context)
    }

    /// The fingerprint that all occurrences of the same error share.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.code, &self.component, &self.message)
    }
}

/// An error with those that caused it on one line, `error: cause: cause`, safe to print and at most 2,000 bytes long.
///
/// A cause that the error before it ends with is not said twice: some libraries show their source.
pub fn chain_text(error: &(dyn StdError + 'static)) -> String {
    let mut message = SafeText::new(MAX_MESSAGE_BYTES);
    let mut before = String::new();
    for error in successors(Some(error), |error| (*error).source()).take(MAX_CHAIN) {
        let mut text = SafeText::new(MAX_MESSAGE_BYTES);
        // A text that is full is cut; one that fails to show itself is shown as far as it went.
        let _ = write!(text, "{error}");
        let text = text.into_string();
        if before.ends_with(&text) {
            continue;
        }
        let colon = if before.is_empty() { "" } else { ": " };
        if write!(message, "{colon}{text}").is_err() {
            break;
        }
        before = text;
    }
    message.into_string()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Link(String, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl StdError for Link {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    fn message_of(chain: &[&str]) -> String {
        let links = chain
            .iter()
            .rev()
            .fold(None, |source, text| Some(Box::new(Link((*text).to_owned(), source))));
        let link = links.unwrap();
        ErrorOccurrence::from_chain("store", ErrorCode::Storage, link.as_ref(), ErrorContext::new()).message
    }

    #[test]
    fn the_message_is_the_chain_without_repeats() {
        let check = |chain: &[&str], expected: &str| assert_eq!(message_of(chain), expected);
        check(&["cannot read"], "cannot read");
        check(&["cannot read", "disk error", "EIO"], "cannot read: disk error: EIO");
        check(&["cannot read: EIO", "EIO"], "cannot read: EIO");
        check(&["a", "", "b"], "a: b");
        check(&["", "b"], "b");
        check(&["a\n\u{1b}[2J", "b\0"], "a\\u{a}\\u{1b}[2J: b\\u{0}");
    }

    #[test]
    fn a_long_chain_is_cut_between_characters() {
        let (long, short) = ("é".repeat(1500), "x y".repeat(300));
        for message in [
            message_of(&[&long]),
            message_of(&["ab", &long, "c"]),
            message_of(&[&short, "a", &short, "b", &short]),
        ] {
            assert!(message.ends_with('…'), "{message}");
            assert!((1996..=2000).contains(&message.len()), "{}", message.len());
        }
    }

    #[derive(Debug)]
    struct Own;

    impl fmt::Display for Own {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }

    impl StdError for Own {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&Own)
        }
    }

    #[test]
    fn an_error_that_is_its_own_source_comes_to_an_end() {
        let occurrence = ErrorOccurrence::from_chain("store", ErrorCode::Internal, &Own, ErrorContext::new());
        assert_eq!(occurrence.message, "again");
    }

    #[test]
    fn a_report_of_foreign_text_is_bounded_and_safe() {
        let occurrence = ErrorOccurrence::new(
            "a\u{7}".repeat(50).as_str(),
            ErrorCode::Internal,
            &"\u{9b}".repeat(999),
            ErrorContext::new(),
        );
        assert!(occurrence.component.len() <= 64 && occurrence.message.len() <= 2000);
        assert!(!format!("{}{}", occurrence.component, occurrence.message).contains(char::is_control));
    }
}
